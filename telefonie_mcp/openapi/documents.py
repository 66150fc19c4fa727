"""Loads the OpenAPI documents: the packaged ones, and those that an operator adds with ``--spec``.

An added document replaces the packaged one of the same ``info.title`` and inherits its hints.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import Any, Final, cast

import yaml
from pydantic import ValidationError

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.hints import Hints
from telefonie_mcp.openapi.omissions import LeftOut
from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.openapi.reader import read_operations
from telefonie_mcp.openapi.security import Origin
from telefonie_mcp.openapi.toolsets import BASE, TOOLSETS

__all__ = ["Document", "load_documents", "parse_document"]

_DATA: Final = resources.files("telefonie_mcp.openapi") / "data"
_MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_JSON_VALUES: Final = 1_000_000
"""Values in a JSON text: what a small machine holds and checks in a second."""

_MAX_YAML_NODES: Final = 200_000
"""Nodes in a YAML text, whose parser is slower: some two seconds."""

_MAX_EXPANDED: Final = 32 * 1024 * 1024
"""Characters of a YAML text when each alias is replaced by what it repeats."""

_NODE_CHARACTERS: Final = 32
"""What a node counts beside its own characters, because it takes time and memory even without any."""

_Loader: Final[Any] = type(
    "_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {"yaml_implicit_resolvers": {}}
)
"""A safe YAML loader with the JSON schema of YAML 1.2, as OpenAPI requires (3.1.1 §4.3).

PyYAML implements YAML 1.1, where ``NO`` (Norway) is false and ``2026-01-01`` a date. Here both are strings.
"""
for _tag, _pattern, _first in (
    ("null", "|~|null|Null|NULL", ["", "~", "n", "N"]),
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", "-?(?:0|[1-9][0-9]*)", [*"-0123456789"]),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", [*"-0123456789"]),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


@dataclass(frozen=True)
class Document:
    """One OpenAPI document.

    Attributes:
        id: Name in ``telefonie://openapi/{id}``: lower case letters, digits and hyphens.
        title: ``info.title``.
        version: ``info.version``.
        media_type: ``application/json`` or ``application/yaml``.
        source: The document, byte for byte.
        operations: Its operations, in document order.
        hints: ``operationId`` → hints.
        packaged: It is, or replaces, a packaged document. The embedded sandbox implements those.
        instructions: How to use its operations together, for agents.
        toolset: Its toolset (:mod:`~telefonie_mcp.openapi.toolsets`); empty for an additional document.
        extension: It describes operations that the provider does not publish
            (``info.x-telefonie-extension``).
        modified: Modification time of the operator's file; ``None`` for a packaged document.
        left_out: Its operations that cannot become tools.
        origin: Its file, and the settings of its API.

    """

    id: str
    title: str
    version: str
    media_type: str
    source: bytes
    operations: tuple[Operation, ...]
    hints: Mapping[str, Hints]
    packaged: bool = False
    instructions: str = ""
    toolset: str = ""
    extension: bool = False
    modified: datetime | None = None
    left_out: tuple[LeftOut, ...] = ()
    origin: Origin = field(default_factory=Origin)

    @cached_property
    def text(self) -> str:
        """The document as text."""
        return self.source.decode("utf-8-sig")


def load_documents(
    added: Collection[Path] = (), *, toolsets: Collection[str] = (BASE,)
) -> tuple[Document, ...]:
    """Return the packaged documents of ``toolsets``, with ``added`` replacing or following them.

    A replacement for the document of a toolset that is off is left out as well.

    Raises:
        DocumentError: a file cannot be read, parsed, or turned into operations; the message names it.

    """
    # Parsing takes time at every start: what is off is read only if an added document may replace it.
    packaged = [f"telefonie-{toolset}" for toolset in TOOLSETS if added or toolset in toolsets]
    documents = {document.title: document for document in map(_load_packaged, packaged)}
    added_titles: set[str] = set()
    for path in added:
        document = _load_file(path)
        if document.title in added_titles:
            raise DocumentError(f"{path.name}: another --spec document is also titled {document.title!r}")
        added_titles.add(document.title)
        if replaced := documents.get(document.title):
            hints = {**replaced.hints, **document.hints}
            document = replace(
                document,
                id=replaced.id,
                hints=hints,
                packaged=True,
                instructions=replaced.instructions,
                toolset=replaced.toolset,
            )
        documents[document.title] = document
    ids = [document.id for document in documents.values()]
    if duplicate := next((name for name in ids if ids.count(name) > 1), None):
        raise DocumentError(f"two documents have titles that shorten to {duplicate!r}; change one info.title")
    return tuple(d for d in documents.values() if not d.toolset or d.toolset in toolsets)


def parse_document(source: bytes, *, name: str) -> Document:
    """Parse one OpenAPI document, YAML or JSON.

    Args:
        source: The document.
        name: Its name in messages, such as the file name.

    Raises:
        DocumentError: the document is invalid or unsupported; the message has ``name`` and the place in it.

    """
    if len(source) > _MAX_BYTES:
        raise DocumentError(f"{name}: larger than {_MAX_BYTES // 1024**2} MiB")
    try:
        root, is_json = _parse_text(source.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name}: neither YAML nor JSON: {error}") from error
    except ValueError as error:
        raise DocumentError(f"{name}: {error}") from error
    if not isinstance(root, dict):
        raise DocumentError(f"{name}: not an OpenAPI document, its root is not an object")
    try:
        json.dumps(root, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f"{name}: holds what JSON cannot carry: {error}") from error
    tree = cast("dict[str, Any]", root)
    try:
        operations = read_operations(tree, document=name)
        info = cast("dict[str, Any]", tree.get("info") or {})
        title = str(info.get("title") or name)
    except RecursionError as error:
        raise DocumentError(f"{name}: a schema is nested too deeply") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise DocumentError(f"{name}: does not follow the OpenAPI structure ({error!r})") from error
    return Document(
        id=re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "document",
        title=title,
        version=str(info.get("version", "")),
        media_type="application/json" if is_json else "application/yaml",
        source=source,
        operations=operations,
        extension=info.get("x-telefonie-extension") is True,
        hints=_own_hints(operations, name),
    )


def _own_hints(operations: Iterable[Operation], name: str) -> dict[str, Hints]:
    """Return the hints that the operations bring themselves, read once where operations share them."""
    read: dict[int, Hints] = {}
    for operation in operations:
        if operation.hints and id(operation.hints) not in read:
            where = f"{name}: x-telefonie-hints of {operation.id}"
            read[id(operation.hints)] = _hints(operation.hints, where)
    return {operation.id: read[id(operation.hints)] for operation in operations if operation.hints}


def _load_packaged(name: str) -> Document:
    source = (_DATA / f"{name}-openapi.yml").read_bytes()
    tree = _parse_yaml((_DATA / f"{name}-hints.yml").read_text("utf-8"))
    hints = {key: _hints(value, f"{name}-hints.yml: {key}") for key, value in tree["operations"].items()}
    document = parse_document(source, name=f"{name}-openapi.yml")
    return replace(
        document,
        id=name,
        hints=hints,
        packaged=True,
        instructions=tree["instructions"],
        toolset=tree["toolset"],
    )


def _load_file(path: Path) -> Document:
    try:
        source, written = path.read_bytes(), path.stat().st_mtime
    except OSError as error:
        raise DocumentError(f"{path.name}: cannot be read ({error.strerror})") from error
    document = parse_document(source, name=path.name)
    return replace(document, modified=datetime.fromtimestamp(written, UTC), origin=Origin(path.name))


def _hints(tree: Any, where: str) -> Hints:
    try:
        return Hints.model_validate(tree)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'hints'}: {e['msg']}" for e in error.errors())
        raise DocumentError(f"{where}: {problems}") from error


def _parse_text(text: str) -> tuple[Any, bool]:
    """Return the value of ``text``, and whether it is JSON.

    Raises:
        ValueError: it is neither JSON nor YAML, or it holds too much.

    """
    if not text.lstrip().startswith("{"):
        return _parse_yaml(text), False
    if sum(map(text.count, ",[{")) > _MAX_JSON_VALUES:  # an upper bound: some may be in strings
        raise ValueError(f"holds more than {_MAX_JSON_VALUES:,} values")
    return _parse(json.loads, text), True


def _parse_yaml(text: str) -> Any:
    """Return the value of a YAML text.

    Raises:
        ValueError: it is no YAML, or it holds too much.

    """
    _parse(_check_expansion, text)
    return _parse(partial(yaml.load, Loader=_Loader), text)


class _TooMuchError(Exception):
    pass


def _parse(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except _TooMuchError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("neither YAML nor JSON: it is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"neither YAML nor JSON: {' '.join(str(error).split())}") from error


def _check_expansion(text: str) -> None:
    """Raise if ``text`` has too many nodes, or too many characters once its aliases are replaced."""
    loader = _Loader(text)
    sizes: dict[str, int] = {}  # anchor → characters
    opened: list[tuple[str | None, int]] = []  # anchor of each open collection, and the total before it
    nodes = total = 0
    while loader.check_event():
        event = loader.get_event()
        match event:
            case yaml.AliasEvent():  # an alias inside its own anchor makes a cycle, which is found later
                total += sizes.get(event.anchor, 0) + _NODE_CHARACTERS
            case yaml.ScalarEvent():
                size = len(event.value) + _NODE_CHARACTERS
                sizes |= {event.anchor: size} if event.anchor else {}
                total += size
            case yaml.CollectionStartEvent():
                opened.append((event.anchor, total))
                total += _NODE_CHARACTERS
            case yaml.CollectionEndEvent():
                anchor, before = opened.pop()
                sizes |= {anchor: total - before} if anchor else {}
                continue
            case _:
                continue
        nodes += 1
        line = event.start_mark.line + 1
        if total > _MAX_EXPANDED:
            raise _TooMuchError(f"line {line}: its aliases expand to more than {_MAX_EXPANDED:,} characters")
        if nodes > _MAX_YAML_NODES:
            raise _TooMuchError(
                f"line {line}: more than {_MAX_YAML_NODES:,} values; convert it to JSON, which is read faster"
            )
