"""What a person at a terminal sees: paragraphs and tables that fit into the window.

In a pipe results are JSON instead, and sentences are not wrapped. All text is expected to be cleaned; a
character is counted with the columns that a terminal gives it.
"""

import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

import click

__all__ = [
    "Column",
    "agreed",
    "columns_of",
    "interactive",
    "is_terminal",
    "paragraph",
    "record",
    "say",
    "shows_colors",
    "table",
]

DEFAULT_COLUMNS: Final = 80
"""Width of a window that does not say how wide it is, and of what is laid out in a pipe too."""

_GAP: Final = "  "
_CUT: Final = "…"
_DETAIL: Final = " " * 6
"""What stands before a sentence below a row."""

_NARROW: Final = 16
"""Columns to which a long cell is cut before its whole column is left out."""

_LABEL: Final = 0.4
"""Most of the window's width that the names of a record take."""


def is_terminal(stream: IO[Any] | None) -> bool:
    """Return whether a stream is a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def interactive() -> bool:
    """Return whether a person can be asked: both standard input and standard output are a terminal."""
    return is_terminal(sys.stdin) and is_terminal(sys.stdout)


def columns_of(stream: IO[Any] | None) -> int:
    """Return how many columns the window of a stream has."""
    try:
        found = os.get_terminal_size(stream.fileno()).columns if stream else 0
    except (OSError, ValueError, AttributeError):
        found = 0
    return found or DEFAULT_COLUMNS


def shows_colors(environment: Mapping[str, str]) -> bool:
    """Return whether terminals may be sent colours (https://no-color.org)."""
    return not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def say(text: str, *, err: bool = False, **style: Any) -> None:
    """Print a sentence, which is wrapped on a terminal."""
    stream = sys.stderr if err else sys.stdout
    lines = paragraph(text, columns_of(stream)) if is_terminal(stream) else [text]
    for line in lines:
        click.secho(line, err=err, **style)


def agreed(question: str, otherwise: str, *, remedy: str = "", err: bool = False, **form: Any) -> bool:
    """Ask, and return whether the answer is yes; if not, say so.

    End of input and an interrupt are no answer, which is no yes.

    Args:
        question: What is asked.
        otherwise: What is said then, such as "Nothing was written".
        remedy: What else is said where there was no answer.
        err: Whether this belongs to standard error.
        form: Arguments of ``click.confirm``.

    """
    try:
        if click.confirm(question, default=False, err=err, **form):
            return True
        say(f"{otherwise}.", err=err)
    except click.Abort:
        click.echo(err=err)  # the question's line has no end
        say(f"{otherwise}, because there was no answer. {remedy}".rstrip(), err=err)
    return False


def _width(text: str) -> int:
    """Return how many columns a terminal gives to ``text``."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, columns: int) -> str:
    """Return ``text`` in at most so many columns, with a mark where it was cut."""
    if _width(text) <= columns:
        return text
    return f"{_beginning(text, columns - 1)}{_CUT}" if columns > 0 else ""


def _beginning(text: str, columns: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return text[:position]
    return text


def _padded(text: str, columns: int, *, right: bool = False) -> str:
    space = " " * (columns - _width(text))
    return f"{space}{text}" if right else f"{text}{space}"


def paragraph(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    """Return ``text`` as lines of at most ``columns``.

    Args:
        text: The words.
        columns: Width of the window.
        first: Stands before the first line.
        rest: Stands before the others; by default as many spaces.

    """
    rest = " " * _width(first) if rest is None else rest
    lines: list[str] = []
    line, empty = first, True
    for word in text.split():
        if not empty and _width(line) + 1 + _width(word) <= columns:
            line = f"{line} {word}"
            continue
        if not empty:
            lines.append(line)
            line = rest
        while _width(line) + _width(word) > columns:  # no line holds it
            part = _beginning(word, max(columns - _width(line), 1)) or word[0]
            lines.append(f"{line}{part}")
            line, word = rest, word[len(part) :]  # noqa: PLW2901
        line, empty = f"{line}{word}", False
    return [*lines, line] if line.strip() or not lines else lines


def record(fields: Mapping[str, str], columns: int, indent: str = "") -> Iterator[str]:
    """Yield a thing as lines of name and value."""
    longest = max(map(_width, fields), default=0)
    label = min(longest, int(columns * _LABEL))
    for name, value in fields.items():
        first = f"{indent}{_padded(_cut(name, label), label)}{_GAP}"
        yield from (line.rstrip() for line in paragraph(value, columns, first))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its header.
        kept: It is never left out or cut.
        right: It is aligned to the right.
        colors: Cell → its colour.

    """

    title: str
    kept: bool = False
    right: bool = False
    colors: Mapping[str, str] = field(default_factory=dict[str, str])


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    width: int,
    details: Sequence[Sequence[str]] = (),
    *,
    header: bool = True,
) -> Iterator[str]:
    """Yield a table that fits into ``width``: a header, and a line for each row.

    Long cells are cut, and columns that do not fit are left out, which a last line says. Where not even the
    columns that are kept fit, every row becomes a record.

    Args:
        columns: The columns.
        rows: The cells of each row.
        width: Columns of the window.
        details: Sentences that follow each row.
        header: Whether to begin with the header, and to end with what was left out.

    """
    filled = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    natural = {index: max(_width(row[index]) for row in rows) for index in filled}
    least = {index: _least(columns[index], natural[index]) for index in filled}
    chosen = [index for index in filled if columns[index].kept]
    if not chosen or _total(least[index] for index in chosen) > width:
        yield from _records(columns, rows, filled, width, details)
        return
    for index in filled:
        if index not in chosen and _total(least[each] for each in (*chosen, index)) <= width:
            chosen.append(index)
    chosen.sort()
    given = {index: least[index] for index in chosen}
    for index in chosen:
        spare = width - _total(given.values())
        given[index] += max(min(spare, natural[index] - given[index]), 0)
    if header:
        yield from _header(columns, chosen, given)
    for number, row in enumerate(rows):
        yield _line(columns, chosen, given, [_cut(row[index], given[index]) for index in chosen])
        for detail in details[number] if details else ():
            yield from paragraph(detail, width, _DETAIL)
    left_out = [columns[index].title for index in filled if index not in chosen]
    if left_out and header:
        yield from paragraph(f"Not shown, for want of width: {', '.join(left_out)}.", width)


def _least(column: Column, natural: int) -> int:
    header = max(map(_width, column.title.split()), default=0)
    return max(header, natural if column.kept else min(natural, _NARROW))


def _total(widths: Any) -> int:
    taken = [*widths]
    return sum(taken) + len(_GAP) * (len(taken) - 1)


def _header(columns: Sequence[Column], chosen: Sequence[int], given: Mapping[int, int]) -> Iterator[str]:
    """Yield the header, whose words stand on several lines where a column is narrow, at the bottom."""
    titles = {index: paragraph(columns[index].title, given[index]) for index in chosen}
    height = max(map(len, titles.values()))
    for line in range(height):
        places = ((index, line - (height - len(titles[index]))) for index in chosen)
        cells = [titles[index][place] if place >= 0 else "" for index, place in places]
        yield click.style(_line(columns, chosen, given, cells), bold=True)


def _line(
    columns: Sequence[Column], chosen: Sequence[int], given: Mapping[int, int], cells: Sequence[str]
) -> str:
    padded: list[str] = []
    for index, cell in zip(chosen, cells, strict=True):
        text = _padded(cell, given[index], right=columns[index].right)
        color = columns[index].colors.get(cell)
        padded.append(text.replace(cell, click.style(cell, fg=color)) if color else text)
    return _GAP.join(padded).rstrip()


def _records(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    filled: Sequence[int],
    width: int,
    details: Sequence[Sequence[str]],
) -> Iterator[str]:
    for number, row in enumerate(rows):
        if number:
            yield ""
        yield from record({columns[index].title: row[index] for index in filled if row[index]}, width)
        for detail in details[number] if details else ():
            yield from paragraph(detail, width, _GAP)
