"""Merges values into one table of a TOML text (TOML 1.0); comments, order and spacing stay. Pure.

The result is parsed again with the standard library, and a text without exactly the expected values is never
returned. ``tomlkit`` is imported when TOML is first written.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

__all__ = ["merge", "parse", "remove", "rendered"]

_LINE_FEED: Final = re.compile(r"(?<!\r)\n")
"""A line end without a carriage return."""


def parse(text: str) -> dict[str, Any]:
    """Return the value of ``text``.

    Raises:
        ValueError: with line and column, if it is not valid TOML.

    """
    return tomllib.loads(text.replace("\r\n", "\n"))


def merge(text: str, path: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return ``text`` with ``values`` in the table at ``path``, which is created if it is missing.

    Tables in ``values`` are merged as well; other values are replaced. What ``values`` does not name stays.

    Raises:
        ValueError: ``text`` is not valid TOML, there is something other than a table on the way, or the edit
            cannot be made without losing something.

    """
    expected = parse(text)
    exists = _merge_plain(expected, path, values)
    changed = _edited(text, path, values) if exists else _appended(text, path, values)
    if not exists and not _has(changed, expected):  # inside an inline table, or beside dotted keys
        changed = _edited(text, path, values)
    if not _has(changed, expected):
        raise ValueError(f"{'.'.join(path)} cannot be written without a loss")
    return changed


def remove(text: str, path: Sequence[str]) -> str:
    """Return ``text`` without what stands at ``path``; unchanged if there is nothing.

    Raises:
        ValueError: ``text`` is not valid TOML, or the edit cannot be made without losing something.

    """
    import tomlkit  # noqa: PLC0415
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    expected = parse(text)
    *outer, name = path
    inner: Any = expected
    for step in outer:
        inner = inner.get(step) if isinstance(inner, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - TOML
    if not isinstance(inner, dict) or name not in inner:
        return text
    del inner[name]
    uses_carriage_returns = "\r\n" in text and not _LINE_FEED.search(text)
    try:
        document = tomlkit.parse(text)
        table: Any = document
        for step in outer:
            table = table[step]
        del table[name]
        changed = tomlkit.dumps(document)
    except TOMLKitError:
        changed = text
    changed = _LINE_FEED.sub("\r\n", changed) if uses_carriage_returns else changed
    for empty in (expected, _without_empty(expected, outer)):  # tomlkit drops a table that held nothing else
        if _has(changed, empty):
            return changed
    raise ValueError(f"{'.'.join(path)} cannot be removed without a loss")


def _without_empty(tree: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Return a parsed tree without the table at ``path``, if that is empty."""
    (name,) = path
    return {key: value for key, value in tree.items() if key != name or value}


def rendered(path: Sequence[str], table: Mapping[str, Any]) -> str:
    """Return a TOML text that holds nothing but ``table`` at ``path``."""
    import tomlkit  # noqa: PLC0415 - only clients that read TOML need it

    tree: Mapping[str, Any] = table
    for name in reversed(path):
        tree = {name: tree}
    return tomlkit.dumps(tree)


def _merge_plain(tree: dict[str, Any], path: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Merge ``values`` into a parsed tree, and return whether the table was there before."""
    exists = True
    for name in path:
        exists = exists and name in tree
        inner: Any = tree.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{name} is not a table")  # noqa: TRY004 - the text is wrong, not the argument
        tree = cast("dict[str, Any]", inner)
    for name, value in values.items():
        if isinstance(value, Mapping):
            _merge_plain(tree, (name,), cast("Mapping[str, Any]", value))
        else:
            tree[name] = value
    return exists


def _has(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return parse(text) == expected
    except tomllib.TOMLDecodeError:
        return False


def _appended(text: str, path: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return ``text`` with a new table at its end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    before = text.rstrip()
    section = rendered(path, values).replace("\n", newline)
    return f"{before}{newline * 2 if before else ''}{section}"


def _edited(text: str, path: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return ``text`` with ``values`` merged into its syntax tree, or unchanged if that is not possible."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    uses_carriage_returns = "\r\n" in text and not _LINE_FEED.search(text)
    try:
        document = tomlkit.parse(text)
        table: Any = document
        for name in path:
            if name not in table:
                table[name] = {}
            table = table[name]
        _merge_table(table, values)
        changed = tomlkit.dumps(document)
    except TOMLKitError:
        return text
    return _LINE_FEED.sub("\r\n", changed) if uses_carriage_returns else changed


def _merge_table(table: Any, values: Mapping[str, Any]) -> None:
    """Merge ``values`` into a table of `tomlkit`, new members directly after those that are there."""
    leading_up = _take_trailing_comments(table)
    for name, value in values.items():
        there = table.get(name)
        if isinstance(value, Mapping) and there is not None:
            _merge_table(there, cast("Mapping[str, Any]", value))
        elif isinstance(value, list) and isinstance(there, list):
            _update_array(cast("list[Any]", there), cast("list[Any]", value))
        elif there is None or there != value:
            table[name] = value
    _body(_last_table(table)).extend(leading_up)


def _update_array(array: list[Any], items: list[Any]) -> None:
    """Make an array equal to ``items``, item by item, so that comments on the others stay."""
    for index, (there, item) in enumerate(zip([*array], items, strict=False)):
        if there != item:
            array[index] = item
    for index in reversed(range(len(items), len(array))):
        del array[index]
    array.extend(items[len(array) :])


def _take_trailing_comments(table: Any) -> list[Any]:
    """Remove and return the comments and blank lines at the end of a table: they are about what follows."""
    body = _body(_last_table(table))
    start = len(body)
    while start and body[start - 1][0] is None:
        start -= 1
    taken = body[start:]
    del body[start:]
    return taken


def _last_table(table: Any) -> Any:
    """Return the table whose text ends a table's own: the last one inside it, if there is one."""
    from tomlkit.items import Table  # noqa: PLC0415

    body = _body(table)
    while body and isinstance(body[-1][1], Table):
        table = body[-1][1]
        body = _body(table)
    return table


def _body(table: Any) -> list[Any]:
    """Return the parts of a table with a header of its own; none of an inline or a scattered one."""
    from tomlkit.items import Table  # noqa: PLC0415

    return table.value.body if isinstance(table, Table) else []
