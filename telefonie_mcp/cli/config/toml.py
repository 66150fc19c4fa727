"""Changes one table of a TOML text, and nothing else in it. Pure.

The standard library reads TOML and writes none, so the new text is made of lines and then read again: a text
that would not mean exactly what it should is never returned.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

__all__ = ["parse", "put", "rendered"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_HEADER: Final = re.compile(r"^[ \t]*\[\[?([^\]\n]*)\]\]?[ \t]*(?:#.*)?\r?$", re.MULTILINE)

_LEADING_UP: Final = re.compile(r"(?:^[ \t\r]*(?:#[^\n]*)?(?:\n|\Z))+\Z", re.MULTILINE)


def parse(text: str) -> dict[str, Any]:
    """Return the value of ``text``.

    Raises:
        ValueError: with line and column, where it is no TOML.

    """
    return tomllib.loads(text.replace("\r\n", "\n"))


def put(text: str, path: Sequence[str], table: Mapping[str, Any]) -> str:
    """Return ``text`` with ``table`` at ``path``, in the place of the table that was there, or at the end.

    Raises:
        ValueError: ``text`` is no TOML, or the table cannot be replaced without losing something.

    """
    expected = parse(text)
    parent = expected
    for name in path[:-1]:
        inner: Any = parent.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{name} is not a table")  # noqa: TRY004 - it is the text that is wrong
        parent = cast("dict[str, Any]", inner)
    parent[path[-1]] = dict(table)

    newline = "\r\n" if "\r\n" in text else "\n"
    section = rendered(path, table).replace("\n", newline)
    spans = [*_spans(text, path)]
    if any("#" in text[start:end] for start, end in spans):
        raise ValueError(f"the table {'.'.join(path)} has comments, which would be lost")
    if spans:
        place = spans[0][0]
        for start, end in reversed(spans):
            text = text[:start] + text[end:]
        changed = text[:place] + section + text[place:]
    else:
        before = text.rstrip()
        changed = f"{before}{newline * 2 if before else ''}{section}"
    try:
        result = parse(changed)
    except tomllib.TOMLDecodeError:
        result = None
    if result != expected:
        raise ValueError(f"{'.'.join(path)} cannot be written without a loss")
    return changed


def rendered(path: Sequence[str], table: Mapping[str, Any]) -> str:
    """Return ``table`` as TOML, as far as TOML writes its values as JSON does."""
    lines = [f"[{'.'.join(map(_key, path))}]"]
    inner: list[str] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            inner.append("\n" + rendered([*path, name], value))  # pyright: ignore[reportUnknownArgumentType] - JSON
        else:
            lines.append(f"{_key(name)} = {json.dumps(value, ensure_ascii=False, default=str)}")
    return "\n".join(lines) + "\n" + "".join(inner)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _spans(text: str, path: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where the table at ``path`` and those inside it stand, without what leads up to the next one."""
    headers = [*_HEADER.finditer(text)]
    ours = [_names(header[1])[: len(path)] == list(path) for header in headers]
    for index in (index for index, our in enumerate(ours) if our):
        last = index + 1 == len(headers)
        start, end = headers[index].start(), len(text) if last else headers[index + 1].start()
        section = text[start:end]
        if last or not ours[index + 1]:
            section = _LEADING_UP.sub("", section)
        yield start, start + len(section)


def _names(header: str) -> list[str]:
    """Return the names in a table's header; none for what only looks like one."""
    node: Any
    try:
        node = tomllib.loads(f"[{header}]")
    except tomllib.TOMLDecodeError:
        return []
    names: list[str] = []
    while node:
        ((name, node),) = node.items()
        names.append(name)
    return names
