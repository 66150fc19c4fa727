"""Edits one value of a JSON text with comments; comments, order and spacing of the rest stay. Pure.

Accepts what editors accept in their settings: ``//`` and ``/* */`` comments, and trailing commas.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

__all__ = ["append", "parse", "put", "remove"]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_FIRST_INDENT: Final = re.compile(r'\n([ \t]+)"')


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_SCALARS: Final = json.JSONDecoder(parse_constant=_no_constant)


@dataclass(frozen=True, slots=True)
class _Node:
    """A value with its position; ``children`` are the members of an object or the items of an array.

    ``places`` are the positions of an object's members.
    """

    value: Any
    start: int
    end: int
    children: "Mapping[str, _Node] | Sequence[_Node]" = ()
    last: "_Child | None" = None
    places: "Mapping[str, _Child]" = field(default_factory=dict[str, "_Child"])


@dataclass(frozen=True, slots=True)
class _Child:
    """Position of a child of an object or array, from its name on, and whether a comma follows."""

    start: int
    end: int
    comma: bool


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def document(self) -> _Node:
        self.skip_blank()
        node = self.node()
        self.skip_blank()
        if self.at < len(self.text):
            raise self.error("something follows the end of the value")
        return node

    def error(self, problem: str) -> ValueError:
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - (self.text.rfind("\n", 0, self.at) + 1) + 1
        return ValueError(f"line {line}, column {column}: {problem}")

    def skip_blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def accept(self, character: str) -> bool:
        self.skip_blank()
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def node(self) -> _Node:
        start = self.at
        match self.text[start : start + 1]:
            case "{":
                return self.object(start)
            case "[":
                return self.array(start)
            case _:
                return self.scalar(start)

    def scalar(self, start: int) -> _Node:
        try:
            value, self.at = _SCALARS.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            raise self.error(error.msg[:1].lower() + error.msg[1:]) from None
        return _Node(value, start, self.at)

    def object(self, start: int) -> _Node:
        self.at += 1
        members: dict[str, _Node] = {}
        places: dict[str, _Child] = {}
        last = None
        while not self.accept("}"):
            if last and not last.comma:
                raise self.error("a comma or } is missing")
            begin = self.at
            if not self.text.startswith('"', begin):
                raise self.error("a name in double quotes is missing")
            name = self.scalar(begin).value
            if not self.accept(":"):
                raise self.error("a colon is missing")
            self.skip_blank()
            members[name] = node = self.node()
            places[name] = last = _Child(begin, node.end, self.accept(","))
        value = {name: node.value for name, node in members.items()}
        return _Node(value, start, self.at, members, last, places)

    def array(self, start: int) -> _Node:
        self.at += 1
        items: list[_Node] = []
        last = None
        while not self.accept("]"):
            if last and not last.comma:
                raise self.error("a comma or ] is missing")
            items.append(node := self.node())
            last = _Child(node.start, node.end, self.accept(","))
        return _Node([node.value for node in items], start, self.at, items, last)


def parse(text: str) -> Any:
    """Return the value of ``text``.

    Raises:
        ValueError: with line and column, if it is not valid JSON.

    """
    return _Reader(text).document().value


def put(text: str, path: Sequence[str], value: Any) -> str:
    """Return ``text`` with ``value`` at ``path``; missing objects on the way are created.

    If the value is there already, in whatever notation, the text is unchanged.

    Raises:
        ValueError: ``text`` is not valid JSON, or something on the way is not an object.

    """
    node = _Reader(text).document()
    for depth, name in enumerate(path):
        if not isinstance(node.children, Mapping):
            raise ValueError(f"{'.'.join(path[:depth]) or 'its root'} is not an object")  # noqa: TRY004 - the text is wrong, not the argument
        if name not in node.children:
            for outer in reversed(path[depth + 1 :]):
                value = {outer: value}
            return _insert(text, node, value, name)
        node = node.children[name]
    if json.dumps(node.value) == json.dumps(value):
        return text
    return text[: node.start] + _rendered(text, value, _indent_at(text, node.start)) + text[node.end :]


def remove(text: str, path: Sequence[str]) -> str:
    """Return ``text`` without the member at ``path``; unchanged if there is none.

    Raises:
        ValueError: ``text`` is not valid JSON, or the member cannot be removed without a loss.

    """
    node = _Reader(text).document()
    expected = json.loads(json.dumps(node.value))
    inner: Any = expected
    *outer, name = path
    for step in outer:
        if not isinstance(node.children, Mapping) or step not in node.children:
            return text
        node, inner = node.children[step], inner[step]
    if name not in node.places:
        return text
    del inner[name]
    changed = _without(text, node, name)
    if parse(changed) != expected:
        raise ValueError(f"{'.'.join(path)} cannot be removed without a loss")
    return changed


def _without(text: str, parent: _Node, name: str) -> str:
    """Return ``text`` without a member and its comma, and without the line that it leaves empty."""
    place = parent.places[name]
    start, end = place.start, place.end
    names = [*parent.places]
    before = names[names.index(name) - 1] if names.index(name) else None
    if place.comma:
        end = text.index(",", _blank_end(text, end)) + 1
    elif before is not None:  # the member before becomes the last one, which has no comma
        comma = text.index(",", _blank_end(text, parent.places[before].end))
        text, start, end = f"{text[:comma]}{text[comma + 1 :]}", start - 1, end - 1
    line = text.rfind("\n", 0, start) + 1
    rest = len(text) if (newline := text.find("\n", end)) < 0 else newline + 1
    if not text[line:start].strip() and not text[end:rest].strip():
        start, end = line, rest
    return text[:start] + text[end:]


def _blank_end(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def append(text: str, path: Sequence[str], item: Any) -> str:
    """Return ``text`` with ``item`` appended to the array at ``path``, which is created if it is missing.

    Raises:
        ValueError: ``text`` is not valid JSON, or the value at ``path`` is not an array.

    """
    node = _Reader(text).document()
    for name in path:
        if not isinstance(node.children, Mapping) or name not in node.children:
            return put(text, path, [item])
        node = node.children[name]
    if not isinstance(node.value, list):
        raise ValueError(f"{'.'.join(path)} is not an array")  # noqa: TRY004 - the text is wrong, not the argument
    return _insert(text, node, item)


def _insert(text: str, parent: _Node, value: Any, name: str | None = None) -> str:
    """Return ``text`` with a new last child of ``parent``, on its own line."""
    newline = "\r\n" if "\r\n" in text else "\n"
    outer = _indent_at(text, parent.start)
    last = parent.last
    own_line = last and not text[text.rfind("\n", 0, last.start) + 1 : last.start].strip()
    indent = _indent_at(text, last.start) if last and own_line else outer + _unit(text)
    child = _rendered(text, value, indent)
    if name is not None:
        child = f"{json.dumps(name, ensure_ascii=False)}: {child}"
    closing = parent.end - 1
    before = text[:closing].rstrip(" \t\r\n")
    if last and not last.comma:
        before = f"{before[: last.end]},{before[last.end :]}"
    return f"{before}{newline}{indent}{child}{newline}{outer}{text[closing:]}"


def _rendered(text: str, value: Any, indent: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = json.dumps(value, ensure_ascii=False, indent=_unit(text)).split("\n")
    return f"{newline}{indent}".join(lines)


def _indent_at(text: str, position: int) -> str:
    """Return the indentation of the line at ``position``."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    match = _FIRST_INDENT.search(text)
    return match[1] if match else "  "
