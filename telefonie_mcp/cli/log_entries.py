"""Entries of the ledger as lines, and which of them are about a number; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from telefonie_mcp.cli.results import shown
from telefonie_mcp.cli.terminal import Column, table
from telefonie_mcp.ledger.records import Entry
from telefonie_mcp.numbering.e164 import normalise_number
from telefonie_mcp.text import clean_line

__all__ = ["concerns", "entry_lines", "table_lines", "wanted_digits"]

_MAX_CELL: Final = 300
"""Characters of a cell of the table."""

_LONG_ID: Final = 20
"""Characters of a subject that always has its place; a longer one may be cut."""

_COLORS: Final = {"done": "green", "refused": "red", "unknown": "yellow", "intent": "yellow"}
_TIMES: Final = slice(0, 16)
"""A time up to its minute."""


def wanted_digits(number: str) -> str:
    """Return the digits by which entries about a number are found, with or without its country."""
    read = normalise_number(number)
    if read.startswith("+"):
        return read
    digits = re.sub(r"\D", "", re.sub(r"\(\s*0\s*\)", "", number))
    return f"+{digits[2:]}" if digits.startswith("00") else digits.lstrip("0")


def concerns(entry: Entry, wanted: str) -> bool:
    """Return whether an entry is about a number: its subject, or a number among its arguments and facts."""
    texts = [entry.subject, *_strings(entry.arguments), *_strings(entry.previous or {})]
    numbers = (text for text in texts if re.fullmatch(r"\+\d+", text))
    return any(number == wanted if wanted.startswith("+") else number.endswith(wanted) for number in numbers)


def entry_lines(entry: Entry) -> str:
    """Return an entry as one line, for a pipe."""
    row = {name: clean_line(value, _MAX_CELL) for name, value in entry.as_dict().items()}
    rate = f"{row['monthly_rate']} per month" if "monthly_rate" in row else ""
    program = row.get("client") or row["caller"]  # which the token names, rather than its own word
    who = " for ".join(filter(None, [program, row.get("principal")]))
    detail = "; ".join(filter(None, [_change(entry), row.get("reason", "")]))
    return (
        f"{row['id']:>5}  {row['created'][:19]}  {row['state']:<10} {row['tool']:<20} "
        f"{row['subject']:<16} {rate:<16} {who}  {clean_line(detail, _MAX_CELL)}"
    ).rstrip()


def table_lines(entries: Sequence[Entry], columns: int, *, header: bool) -> Iterator[str]:
    """Yield entries as a table, and under each what it changed or why it was refused."""
    if not entries:
        return
    who = _who(entries)
    heads = [
        Column("id", kept=True, right=True),
        Column("time (UTC)", kept=True),
        Column("state", kept=True, colors=_COLORS),
        Column("tool"),
        Column("about", kept=all(len(_about(entry)) <= _LONG_ID for entry in entries)),
        Column("monthly rate", right=True),
        Column(who),
    ]
    rows = [_row(entry, who) for entry in entries]
    details = [[*filter(None, [_change(entry), clean_line(entry.reason, _MAX_CELL)])] for entry in entries]
    yield from table(heads, rows, columns, details, header=header)


def _who(entries: Sequence[Entry]) -> str:
    """Return the member that tells the entries apart best."""
    if len({entry.account for entry in entries}) > 1:
        return "account"
    return "principal" if any(entry.principal for entry in entries) else "caller"


def _row(entry: Entry, who: str) -> list[str]:
    row = entry.as_dict()
    cells = [
        str(entry.id),
        row["created"][_TIMES].replace("T", " "),
        entry.state,
        entry.tool,
        _about(entry),
        "" if entry.monthly_rate is None else _price(entry.monthly_rate),
        row.get(who, ""),
    ]
    return [clean_line(cell, _MAX_CELL) for cell in cells]


def _price(rate: Decimal) -> str:
    cents = rate.quantize(Decimal("0.01"))
    return str(cents if cents == rate else rate)


def _about(entry: Entry) -> str:
    """Return the subject; what has none is recorded under the tool's name and an id of its own."""
    return "" if entry.subject.startswith(f"{entry.tool} ") else clean_line(entry.subject, _MAX_CELL)


def _change(entry: Entry) -> str:
    """Return what an entry changed, with what was there before where that is recorded."""
    if entry.effect != "change":
        return ""
    changes = [
        f"{clean_line(name, 60)}: {_was(entry.previous, name)}{shown(value) or '(none)'}"
        for name, value in entry.arguments.items()
        if value != entry.subject
    ]
    return clean_line(", ".join(changes), _MAX_CELL)


def _was(before: Mapping[str, Any] | None, name: str) -> str:
    return "" if before is None else f"{shown(before.get(name)) or '(none)'} → "


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:  # pyright: ignore[reportUnknownVariableType] - JSON
                yield from _strings(item)
        case dict():
            for member in value.values():  # pyright: ignore[reportUnknownVariableType] - JSON
                yield from _strings(member)
        case _:
            pass
