"""A tool's answer as a person at a terminal reads it: tables, records and refusals; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import click

from telefonie_mcp.cli.terminal import Column, paragraph, record, table
from telefonie_mcp.openapi.hints import Hints
from telefonie_mcp.text import clean_line

__all__ = ["answer_lines", "refusal_lines", "shown"]

_LONGEST: Final = 4096
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)")
_DIAGNOSED: Final = frozenset(
    {
        "unauthorized",
        "forbidden",
        "ledger_unavailable",
        "sandbox_unavailable",
        "upstream_error",
        "upstream_invalid_response",
        "upstream_unavailable",
        "upstream_unreachable",
    }
)
"""Codes of errors that ``telefonie-mcp doctor`` may explain."""


def shown(value: Any) -> str:
    """Return a value of an answer as part of a line."""
    match value:
        case None | bool():
            return {None: "", True: "yes", False: "no"}[value]
        case str():
            return _TIME.sub(r"\1 \2 UTC", clean_line(value, _LONGEST))
        case list():
            return ", ".join(map(shown, cast("list[Any]", value))) or "none"
        case dict():
            return _members(cast("dict[str, Any]", value))
        case _:
            return str(value)


def _members(value: Mapping[str, Any]) -> str:
    """Return an object as part of a line; of what can be true or false, the names of what is true."""
    if value and all(isinstance(member, bool) for member in value.values()):
        return ", ".join(clean_line(name) for name, member in value.items() if member) or "none"
    return ", ".join(f"{_title(name)}: {shown(member) or '(none)'}" for name, member in value.items())


def answer_lines(content: Mapping[str, Any], hints: Hints, columns: int) -> Iterator[str]:
    """Yield an answer: its lists of things as tables, and what is beside them as a record."""
    lists = {name: value for name, value in content.items() if _is_table(value)}
    rest = {name: value for name, value in content.items() if name not in lists and name != "note"}
    for number, (name, rows) in enumerate(lists.items()):
        if len(lists) > 1 or not rows:
            yield from paragraph(f"{_title(name)}{'' if rows else ': none'}", columns)
        if rows:
            yield from _table(rows, hints, columns)
        if rest or number < len(lists) - 1:
            yield ""
    yield from record({_title(name): shown(value) for name, value in rest.items() if shown(value)}, columns)
    if note := content.get("note"):
        yield from paragraph(shown(note), columns)


def refusal_lines(error: Mapping[str, Any], tool: str, columns: int) -> Iterator[str]:
    """Yield a refusal, and what to do about it."""
    violations: Sequence[Mapping[str, Any]] = error.get("errors", ())
    for number, line in enumerate(paragraph(shown(error["message"]), columns)):
        yield click.style(line, fg="red") if not number else line
    if len(violations) > 1:
        for violation in violations:
            yield from paragraph(
                f"{shown(violation['field'])} {shown(violation['problem'])}", columns, "  ", "    "
            )
    hint = shown(error["hint"])
    if error["code"] == "invalid_arguments":
        hint = f"telefonie-mcp call {tool} --help says what it takes."
    elif error["code"] in _DIAGNOSED and "doctor" not in hint:
        hint = f"{hint} telefonie-mcp doctor looks for the cause."
    yield from paragraph(hint, columns, "→ ")


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in cast("list[Any]", value))


def _table(rows: Sequence[Mapping[str, Any]], hints: Hints, columns: int) -> Iterator[str]:
    names = [*dict.fromkeys(name for row in rows for name in row)]
    members = hints.offer_members
    kept = {names[0] if names else "", members.monthly_rate, members.country, members.type}
    heads = [
        Column(_title(name), kept=name in kept, right=_is_number([row.get(name) for row in rows]))
        for name in names
    ]
    yield from table(heads, [[shown(row.get(name)) for name in names] for row in rows], columns)


def _is_number(values: Sequence[Any]) -> bool:
    texts = [value for value in values if value is not None]
    return bool(texts) and all(re.fullmatch(r"-?\d+(\.\d+)?", shown(value)) for value in texts)


def _title(name: str) -> str:
    return clean_line(name, 60).replace("_", " ")
