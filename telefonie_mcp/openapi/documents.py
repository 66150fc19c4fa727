"""Loads the OpenAPI documents: the packaged ones, and those that an operator adds with ``--spec``.

An added document replaces the packaged document of the same ``info.title`` (as a newer version of it) and
inherits its hints; with any other title it is an additional document. Where two of those have the same title,
the second gets its file's name as well.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import Any, Final, cast

from pydantic import ValidationError

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.hints import Hints
from telefonie_mcp.openapi.omissions import LeftOut, Omissions, nothing_left
from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.openapi.paths import read_operations
from telefonie_mcp.openapi.security import Origin
from telefonie_mcp.openapi.structure import members_of, one_line
from telefonie_mcp.openapi.toolsets import BASE, TOOLSETS

__all__ = ["Document", "load_documents", "parse_document", "parsed_package"]

_DATA: Final = Path(__file__).with_name("data")
_MAX_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Document:
    """One OpenAPI document.

    Attributes:
        id: Name in ``telefonie://openapi/{id}``: lower case letters, digits and hyphens.
        name: Its name in messages, such as the file name.
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
        origin: Its file, and the settings of its API.
        reserved: Identifiers of operations of packaged documents that are off: they keep their names.
        left_out: Its operations that cannot become tools.
        notes: Sentences about parts of it that its tools lack.

    """

    id: str
    name: str
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
    origin: Origin = field(default_factory=Origin)
    reserved: frozenset[str] = frozenset()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """The document as text."""
        return _decoded(self.source)


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
    off = [each for each in documents.values() if each.toolset and each.toolset not in toolsets]
    reserved = frozenset(operation.id for each in off for operation in each.operations)
    for path in added:
        document = _load_file(path)
        known = documents.get(document.title)
        if known and known.source == document.source and known.modified:
            twice = f"{document.name}: is the same document as {known.name}, and read once"
            documents[known.title] = replace(known, notes=(*known.notes, twice))
            continue
        if known and known.packaged and not known.modified:
            document = replace(
                document,
                id=known.id,
                hints={**known.hints, **document.hints},
                packaged=True,
                instructions=known.instructions,
                toolset=known.toolset,
            )
        else:
            document = replace(_distinct(document, documents.values(), path), reserved=reserved)
        documents[document.title] = document
    return tuple(d for d in documents.values() if not d.toolset or d.toolset in toolsets)


def _distinct(document: Document, others: Collection[Document], path: Path) -> Document:
    """Return an added document with a title and a name of its own; the first of several keeps them."""
    titles, ids = {each.title for each in others}, {each.id for each in others}
    if document.title not in titles and document.id not in ids:
        return document
    suffixes = chain([path.stem], (f"{path.stem} {number}" for number in count(2)))
    candidates = ((f"{document.title} ({each})", _slug(f"{document.title} {each}")) for each in suffixes)
    title, name = next(each for each in candidates if each[0] not in titles and each[1] not in ids)
    note = f"{document.name}: another document is titled {document.title!r}, or alike; this one is {title!r}"
    return replace(document, id=name, title=title, notes=(*document.notes, note))


def _decoded(source: bytes) -> str:
    """Return the text of a document: UTF-8, or UTF-16 or UTF-32 as its first bytes say (YAML 1.2.2 §5.2)."""
    return source.decode(json.detect_encoding(source)).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "document"


def parse_document(source: bytes, *, name: str) -> Document:
    """Parse one OpenAPI document, YAML or JSON.

    Args:
        source: The document.
        name: Its name in messages, such as the file name.

    Raises:
        DocumentError: the document is invalid or unsupported; the message has ``name`` and the place in it.

    """
    from telefonie_mcp.openapi.parsing import parse_text  # noqa: PLC0415 - YAML takes longer than a start

    if len(source) > _MAX_BYTES:
        raise DocumentError(f"{name}: larger than {_MAX_BYTES // 1024**2} MiB")
    try:
        root, is_json = parse_text(_decoded(source), notes := [])
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
    document = _read(cast("dict[str, Any]", root), source, name=name, is_json=is_json)
    return replace(document, notes=(*(f"{name}: {note}" for note in notes), *document.notes))


def _read(tree: dict[str, Any], source: bytes, *, name: str, is_json: bool) -> Document:
    omissions = Omissions(name)
    operations = read_operations(tree, omissions)
    if omissions.left_out and not operations:
        raise nothing_left(omissions.left_out)
    info = members_of(tree.get("info"), "its info", name)
    title = one_line(info.get("title")) or name
    return Document(
        id=_slug(title),
        name=name,
        title=title,
        version=str(info.get("version", "")),
        media_type="application/json" if is_json else "application/yaml",
        source=source,
        operations=operations,
        extension=info.get("x-telefonie-extension") is True,
        hints=_own_hints(operations, name),
        left_out=tuple(omissions.left_out),
        notes=tuple(omissions.notes),
    )


def _own_hints(operations: Iterable[Operation], name: str) -> dict[str, Hints]:
    """Return the hints that the operations bring themselves, read once where operations share them."""
    read: dict[int, Hints] = {}
    for operation in operations:
        if operation.hints and id(operation.hints) not in read:
            where = f"{name}: x-telefonie-hints of {operation.id}"
            read[id(operation.hints)] = _hints(operation.hints, where)
    return {operation.id: read[id(operation.hints)] for operation in operations if operation.hints}


def parsed_package(name: str) -> dict[str, Any]:
    """Return a packaged document and its hints, as ``data/NAME.json`` repeats them."""
    from telefonie_mcp.openapi.parsing import parse_text, parse_yaml  # noqa: PLC0415

    document, _ = parse_text((_DATA / f"{name}-openapi.yml").read_text("utf-8"))
    return {"document": document, "hints": parse_yaml((_DATA / f"{name}-hints.yml").read_text("utf-8"))}


def _load_packaged(name: str) -> Document:
    """Load a packaged document from JSON: a start need not wait for a reader of YAML."""
    source = (_DATA / f"{name}-openapi.yml").read_bytes()
    parsed = json.loads((_DATA / f"{name}.json").read_bytes())
    tree = parsed["hints"]
    hints = {key: _hints(value, f"{name}-hints.yml: {key}") for key, value in tree["operations"].items()}
    document = _read(parsed["document"], source, name=f"{name}-openapi.yml", is_json=False)
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
