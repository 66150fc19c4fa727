"""Text → the value of a JSON or YAML document, within bounds on time and memory; pure.

YAML has the JSON schema of YAML 1.2, as OpenAPI requires (3.1.1 §4.3): PyYAML implements YAML 1.1, where
``NO`` (Norway) is false and ``2026-01-01`` a date. Here both are strings. Every key is a string, as it is
written: ``200``, ``true`` and ``1.10`` as well. The value is built from the parser's events, because its
nodes take several times the memory of what they stand for.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

import yaml

from telefonie_mcp.openapi.structure import shown

__all__ = ["parse_text", "parse_yaml"]

_MAX_JSON_VALUES: Final = 1_000_000
"""Values in a JSON text: what a small machine holds and checks in a second."""

_MAX_YAML_NODES: Final = 200_000
"""Nodes in a YAML text, whose parser is slower: a second."""

_MAX_WORDY_NODES: Final = 600_000
"""Nodes in a YAML text with words: the documents of large providers have this many, with texts in between."""

_WORDY_CHARACTERS: Final = 12
"""Characters per node of a text with words; in documents of providers it is twenty or more."""

_MAX_EXPANDED: Final = 32 * 1024 * 1024
"""Characters of a YAML text when each alias is replaced by what it repeats."""

_NODE_CHARACTERS: Final = 32
"""What a node counts beside its own characters, because it takes time and memory even without any."""

_MAX_REPEATED: Final = 20
"""Repeated keys that are noted."""

_PREFIX: Final = "tag:yaml.org,2002:"
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_TAGGED: Final[Mapping[str, Callable[[str], Any]]] = {
    "str": str,
    "int": int,
    "float": float,
    "null": lambda _: None,
    "bool": lambda text: _BOOLEANS.get(text, text),
}
_MERGE: Final = "<<"
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_text(text: str, notes: list[str] | None = None) -> tuple[Any, bool]:
    """Return the value of ``text``, and whether it is JSON.

    Args:
        text: JSON, or YAML, which may begin with a brace as well.
        notes: Takes sentences about what stands in a YAML text in vain.

    Raises:
        ValueError: it is neither JSON nor YAML, or it holds too much.

    """
    if not text.lstrip().startswith("{"):
        return parse_yaml(text, notes), False
    if sum(map(text.count, ",[{")) > _MAX_JSON_VALUES:  # an upper bound: some may be in strings
        raise ValueError(f"holds more than {_MAX_JSON_VALUES:,} values")
    try:
        return _parse(json.loads, text), True
    except ValueError as no_json:
        if isinstance(no_json.__cause__, json.JSONDecodeError):
            with suppress(ValueError):
                return parse_yaml(text, notes), False
        raise


def parse_yaml(text: str, notes: list[str] | None = None) -> Any:
    """Return the value of a YAML text.

    Raises:
        ValueError: it is no YAML, or it holds too much.

    """
    return _parse(partial(_build, notes=notes), text)


class _TooMuchError(Exception):
    pass


def _parse(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except _TooMuchError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("neither YAML nor JSON: it is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"neither YAML nor JSON: {' '.join(str(error).split())}") from error


def _build(text: str, *, notes: list[str] | None) -> Any:
    loader = _Loader(text)
    builder = _Builder()
    while loader.check_event():
        builder.take(loader.get_event())
    if notes is not None:
        notes += builder.repeated
    return builder.value


class _Collection:
    """A list or mapping that is not complete yet, and what its aliases would expand to."""

    def __init__(self, value: list[Any] | dict[str, Any], anchor: str | None, before: int) -> None:
        self.value = value
        self.anchor = anchor
        self.before = before
        self.key: str | None = None
        self.merges = False  # the value of the key is merged (``<<``)
        self.merged: list[Any] = []


class _Builder:
    """Builds the value of a text from its events."""

    def __init__(self) -> None:
        self.value: Any = None
        self._open: list[_Collection] = []
        self._anchors: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._nodes = self._total = self._documents = 0
        self.repeated: list[str] = []

    def take(self, event: Any) -> None:
        """Take the next event.

        Raises:
            ValueError: the text has more than one document, a key that is no scalar, or an unknown tag.
            yaml.YAMLError: an alias has no anchor.

        """
        match event:
            case yaml.AliasEvent():
                self._repeat(event)
            case yaml.ScalarEvent():
                self._count(event, len(event.value))
                value = _scalar(event)
                if event.anchor:
                    self._anchors[event.anchor] = value
                    self._sizes[event.anchor] = len(event.value) + _NODE_CHARACTERS
                self._add(value, event.value, plain=event.implicit[0], line=_line(event))
            case yaml.CollectionStartEvent():
                self._start(event)
            case yaml.CollectionEndEvent():
                self._close(self._open.pop())
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise ValueError(f"line {_line(event)}: a second document begins")
            case _:
                pass

    def _repeat(self, alias: Any) -> None:
        if alias.anchor not in self._anchors:
            raise ValueError(f"line {_line(alias)}: the alias {alias.anchor!r} has no anchor")
        self._count(alias, self._sizes.get(alias.anchor, 0))
        value = self._anchors[alias.anchor]
        key = (
            None if isinstance(value, dict | list) else value if isinstance(value, str) else json.dumps(value)
        )
        self._add(value, key, line=_line(alias))

    def _start(self, event: Any) -> None:
        kind = "seq" if isinstance(event, yaml.SequenceStartEvent) else "map"
        if event.tag not in {None, "!", f"{_PREFIX}{kind}"}:
            raise ValueError(f"line {_line(event)}: the tag {event.tag!r} has no meaning in JSON")
        collection = _Collection([] if kind == "seq" else {}, event.anchor, self._total)
        self._count(event, 0)
        if event.anchor:  # already now: an alias inside its own anchor makes a cycle, which is found later
            self._anchors[event.anchor] = collection.value
        self._add(collection.value, None, line=_line(event))
        self._open.append(collection)

    def _add(self, value: Any, key: str | None, *, plain: bool = False, line: int = 0) -> None:
        """Add a value to the innermost open collection, or its key if it is a mapping that waits for one."""
        if not self._open:
            self.value = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is None:
            if key is None:
                raise ValueError(f"line {line}: a key must be a string")
            parent.key, parent.merges = key, plain and key == _MERGE
            if key in parent.value and not parent.merges and len(self.repeated) < _MAX_REPEATED:
                self.repeated.append(f"line {line}: {shown(key)} stands there a second time, which counts")
        else:
            if parent.merges:
                parent.merged.append(value)  # which may not be complete yet
            else:
                parent.value[parent.key] = value
            parent.key = None

    def _close(self, collection: _Collection) -> None:
        if collection.merged and isinstance(collection.value, dict):
            own = dict(collection.value)  # what a mapping says itself, and what is merged first, is used
            for merged in reversed(collection.merged):
                for each in reversed(cast("list[Any]", merged if isinstance(merged, list) else [merged])):
                    collection.value |= cast("dict[str, Any]", each) if isinstance(each, dict) else {}
            collection.value |= own
        if collection.anchor:
            self._sizes[collection.anchor] = self._total - collection.before

    def _count(self, event: Any, size: int) -> None:
        self._nodes += 1
        self._total += size + _NODE_CHARACTERS
        if self._total > _MAX_EXPANDED:
            raise _TooMuchError(
                f"line {_line(event)}: its aliases expand to more than {_MAX_EXPANDED:,} characters"
            )
        if self._nodes > _MAX_YAML_NODES:
            wordy = event.start_mark.index >= self._nodes * _WORDY_CHARACTERS
            most = _MAX_WORDY_NODES if wordy else _MAX_YAML_NODES
            if self._nodes > most:
                where = f"line {_line(event)}"
                raise _TooMuchError(
                    f"{where}: more than {most:,} values; convert it to JSON, which is faster"
                )


def _line(event: Any) -> int:
    return event.start_mark.line + 1


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag not in {None, "!"}:
        read = _TAGGED.get(event.tag.removeprefix(_PREFIX))
        if read is None:
            raise ValueError(f"line {_line(event)}: the tag {event.tag!r} has no meaning in JSON")
        return read(text)
    return _plain(text) if event.implicit[0] and event.tag is None else text


def _plain(text: str) -> Any:
    """Return the value of a scalar without quotes and tag."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] in "-0123456789":
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text
