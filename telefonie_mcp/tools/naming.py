"""Names of tools and of their arguments, in characters that clients and model APIs accept; pure.

They allow ``[A-Za-z0-9_]{1,64}``, and some want a letter first. In names of arguments, comparisons keep their
meaning: ``StartTime<`` becomes ``StartTime_lt``. Where two names would become one, other characters are
spelled out as well; where the names are the same in two places, the first keeps it and the others are
prefixed with their location.
"""

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import count
from typing import Final

from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.tools.catalog import MAX_NAME

__all__ = ["ArgumentNames", "plain_name", "snake_case", "tool_name", "unique_name"]

_DIGEST_LENGTH: Final = 6
"""Hexadecimal digits that keep the names of two shortened tools distinct."""

_MAX_ARGUMENT: Final = 48
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


def snake_case(name: str) -> str:
    """Return ``name`` in snake_case, with the characters ``[a-z0-9_]`` only.

    >>> snake_case("searchAvailableNumbers"), snake_case("X-Request-ID"), snake_case("getHTTPStatus2")
    ('search_available_numbers', 'x_request_id', 'get_http_status2')
    """
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def tool_name(operation_id: str) -> str:
    """Return the name of the tool for an operation, as far as no other tool has it."""
    return _shortened(snake_case(operation_id) or "operation")


def plain_name(operation: Operation) -> str:
    """Return the name of the tool for ``operation``, as far as no other tool has it."""
    spoken = snake_case(operation.id)
    return tool_name(operation.id if spoken else f"{operation.method.lower()}_{_words(operation.path)}")


def _words(path: str) -> str:
    return re.sub(r"{([^{}]+)}", r"by_\1", path)


def unique_name(operation: Operation, document_id: str, taken: Container[str], *, own: Container[str]) -> str:
    """Return the name of the tool for ``operation``.

    A name that another tool of the same document has is followed by method and path, one of another document
    is preceded by the document. Both stay what they are when the document gains operations.

    Args:
        operation: The operation.
        document_id: The document's name.
        taken: The names of all tools before it.
        own: Those of the same document.

    """
    name = plain_name(operation)
    if name in own:
        name = _shortened(snake_case(f"{operation.id}_{operation.method.lower()}_{_words(operation.path)}"))
    if name in taken:
        name = _shortened(snake_case(f"{document_id}_{name}"))
    if name not in taken:
        return name
    numbered = (_shortened(f"{name}_{number}") for number in count(2))
    return next(each for each in numbered if each not in taken)


def _shortened(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: MAX_NAME - _DIGEST_LENGTH - 1].rstrip('_')}_{digest}"


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
        plain = plain[:_MAX_ARGUMENT]
        yield plain
        if name not in self._originals:
            spelled = _plain(name, {**_COMPARISONS, **_SYMBOLS})
            if spelled and not spelled[0].isdigit() and len(spelled) <= _MAX_ARGUMENT:
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
