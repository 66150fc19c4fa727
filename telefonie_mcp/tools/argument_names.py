"""Names of a tool's arguments: the document's names in characters that model APIs accept; pure.

They allow ``[A-Za-z0-9_]{1,64}``, and some want a letter first. Comparisons keep their meaning:
``StartTime<`` becomes ``StartTime_lt``. Where two names would become one, other characters are spelled out as
well; where the names are the same in two places, the first keeps it and the others are prefixed with their
location.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

__all__ = ["ArgumentNames"]

_MAX_NAME: Final = 48
"""Characters of a name: model APIs allow 64, and a duplicate name needs room for its prefix."""

_COMPARISONS: Final = {"<=": "lte", ">=": "gte", "!=": "ne", "<>": "ne", "<": "lt", ">": "gt", "!": "not"}
_SYMBOLS: Final = {
    "-": "dash",
    ".": "dot",
    "+": "plus",
    "*": "star",
    "=": "eq",
    "~": "tilde",
    "^": "caret",
    "@": "at",
    "$": "dollar",
    "#": "hash",
    "%": "percent",
    "&": "and",
    "|": "or",
    "?": "question",
    "/": "slash",
    ":": "colon",
    "[]": "list",
}
"""Spelled out only where two names would become one."""


class ArgumentNames:
    """The names that arguments of one tool have got.

    Args:
        taken: Names that no argument gets.

    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._originals: set[str] = set()

    def unique(self, name: str, location: str) -> str:
        """Return the argument's name for the document's ``name`` in a ``location``, and keep it."""
        candidates = self._candidates(name, location)
        chosen = next(candidate for candidate in candidates if candidate not in self._taken)
        self._taken.add(chosen)
        self._originals.add(name)
        return chosen

    def _candidates(self, name: str, location: str) -> Iterator[str]:
        plain = _plain(name, _COMPARISONS) or location
        if plain[0].isdigit():
            plain = f"{location}_{plain}"
        plain = plain[:_MAX_NAME]
        yield plain
        if name not in self._originals:
            spelled = _plain(name, {**_COMPARISONS, **_SYMBOLS})
            if spelled and not spelled[0].isdigit() and len(spelled) <= _MAX_NAME:
                yield spelled
        prefixed = f"{location}_{plain}"
        while True:
            yield prefixed
            prefixed += "_"


def _plain(name: str, words: Mapping[str, str]) -> str:
    """Return ``name`` with symbols as words, and any other run of characters as an underscore."""
    signed = re.sub("^-", " minus ", name) if "-" in words else name
    symbols = "|".join(map(re.escape, words))
    text = re.sub(symbols, lambda symbol: f" {words[symbol[0]]} ", signed)
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
