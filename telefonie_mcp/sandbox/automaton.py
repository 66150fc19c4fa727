r"""Finite sets of digit strings (regular languages), counted and indexed.

Numbering plans are regular expressions. To find the numbers that fit a plan and a search, their languages
must be intersected, counted and indexed, which `re` cannot do and deterministic automata can. An automaton
here has integer states, reads one decimal digit at a time and is determinised while it is used:

- `Patterns` reads several regular expressions at once and knows after each digit which of them match;
- `Containing` and `EndingWith` recognise a run of digits anywhere, or at the end;
- `Language` is a product of automata with a condition: the strings that satisfy it, in lexicographic order.

The expressions are those of libphonenumber's metadata: digits, `\d`, classes with ranges, non-capturing
groups, alternatives and the quantifiers `?`, `{n}` and `{n,m}`. Anything else raises `ValueError`.

`Patterns` is a position automaton: V. M. Glushkov, The abstract theory of automata, 1961.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

DIGITS = "0123456789"

_TOKEN = re.compile(r"\\d|\[[\d-]+\]|\(\?:|[)|]|\d")
_QUANTIFIER = re.compile(r"\?|\{(\d+)(?:,(\d+))?\}")

Accept = Callable[[Sequence[int], int], bool]
"""States of the automata and the number of digits read → whether the string belongs to the language."""


class Automaton(Protocol):
    """A deterministic automaton over the ten digits; in state 0, nothing can match any more."""

    @property
    def start(self) -> int:
        """The state before the first digit."""
        ...

    def successors(self, state: int) -> tuple[int, ...]:
        """Return the ten states that follow `state`, by digit."""
        ...


def run(automaton: Automaton, digits: str) -> int:
    """Return the state of `automaton` after reading `digits` from its start."""
    state = automaton.start
    for digit in digits:
        state = automaton.successors(state)[int(digit)]
    return state


@dataclass(frozen=True, slots=True)
class _Fragment:
    """A part of an expression: whether it can be empty, and where it begins and ends (sets of positions)."""

    nullable: bool
    first: int
    last: int


_EMPTY = _Fragment(nullable=True, first=0, last=0)


class Patterns:
    """Several named regular expressions, read at the same time.

    A state is the set of positions (occurrences of a digit or class in the expressions) that the last digit
    can have been, as the bits of an integer; bit 0 stands for the beginning.
    """

    start = 1

    def __init__(self, expressions: Mapping[str, str]) -> None:
        self._follow: list[int] = [0]
        self._readers: list[int] = [0] * 10
        self._successors: dict[int, tuple[int, ...]] = {}
        self._last: dict[str, int] = {}
        for name, expression in expressions.items():
            fragment, end = self._alternatives(expression, 0)
            if end != len(expression):
                raise ValueError(f"unexpected {expression[end]!r} in {expression!r}")
            self._follow[0] |= fragment.first
            self._last[name] = fragment.last

    def successors(self, state: int) -> tuple[int, ...]:
        """Return the ten states that follow `state`, by digit."""
        known = self._successors.get(state)
        if known is None:
            follow, rest = 0, state
            while rest:
                lowest = rest & -rest
                follow |= self._follow[lowest.bit_length() - 1]
                rest ^= lowest
            known = self._successors[state] = tuple(follow & readers for readers in self._readers)
        return known

    def matching(self, state: int) -> tuple[str, ...]:
        """Return the names of the expressions that match what has been read."""
        return tuple(name for name, last in self._last.items() if state & last)

    def _alternatives(self, text: str, at: int) -> tuple[_Fragment, int]:
        whole, at = self._sequence(text, at)
        while text[at : at + 1] == "|":
            other, at = self._sequence(text, at + 1)
            whole = _Fragment(
                whole.nullable or other.nullable, whole.first | other.first, whole.last | other.last
            )
        return whole, at

    def _sequence(self, text: str, at: int) -> tuple[_Fragment, int]:
        whole = _EMPTY
        while at < len(text) and text[at] not in "|)":
            fragment, at = self._repeated(text, at)
            whole = self._joined(whole, fragment)
        return whole, at

    def _repeated(self, text: str, at: int) -> tuple[_Fragment, int]:
        fragment, end = self._atom(text, at)
        quantifier = _QUANTIFIER.match(text, end)
        if quantifier is None:
            return fragment, end
        if quantifier[0] == "?":
            return _optional(fragment), quantifier.end()
        least, most = int(quantifier[1]), int(quantifier[2] or quantifier[1])
        # Positions cannot be shared between repetitions: each one reads the atom's text anew.
        copies = [fragment, *(self._atom(text, at)[0] for _ in range(most - 1))]
        whole = _EMPTY
        for number, copy in enumerate(copies):
            whole = self._joined(whole, copy if number < least else _optional(copy))
        return whole, quantifier.end()

    def _atom(self, text: str, at: int) -> tuple[_Fragment, int]:
        token = _TOKEN.match(text, at)
        if token is None or token[0] in {")", "|"}:
            raise ValueError(f"cannot read {text[at:]!r} in {text!r}")
        if token[0] == "(?:":
            fragment, end = self._alternatives(text, token.end())
            if text[end : end + 1] != ")":
                raise ValueError(f"a group is not closed in {text!r}")
            return fragment, end + 1
        position = 1 << len(self._follow)
        self._follow.append(0)
        readable = re.compile(token[0])
        for digit in DIGITS:
            if readable.match(digit):
                self._readers[int(digit)] |= position
        return _Fragment(nullable=False, first=position, last=position), token.end()

    def _joined(self, left: _Fragment, right: _Fragment) -> _Fragment:
        rest = left.last
        while rest:
            lowest = rest & -rest
            self._follow[lowest.bit_length() - 1] |= right.first
            rest ^= lowest
        return _Fragment(
            nullable=left.nullable and right.nullable,
            first=left.first | right.first if left.nullable else left.first,
            last=right.last | left.last if right.nullable else right.last,
        )


def _optional(fragment: _Fragment) -> _Fragment:
    return _Fragment(nullable=True, first=fragment.first, last=fragment.last)


class Containing:
    """Recognises `wanted` anywhere in the digits read; once found, it stays found.

    State n + 1 means that the last n digits are the beginning of `wanted` (Knuth, Morris and Pratt).
    """

    start = 1

    def __init__(self, wanted: str) -> None:
        self.found = len(wanted) + 1
        self._table = [*_prefix_table(wanted)[:-1], (self.found,) * 10]

    def successors(self, state: int) -> tuple[int, ...]:
        """Return the ten states that follow `state`, by digit."""
        return self._table[state - 1]


class EndingWith:
    """Recognises `wanted` at the end of the digits read: in state `found` they end with it."""

    start = 1

    def __init__(self, wanted: str) -> None:
        self.found = len(wanted) + 1
        self._table = _prefix_table(wanted)

    def successors(self, state: int) -> tuple[int, ...]:
        """Return the ten states that follow `state`, by digit."""
        return self._table[state - 1]


def _prefix_table(wanted: str) -> list[tuple[int, ...]]:
    """For each length of a matched beginning of `wanted`, the state after each digit."""

    def longest(read: str) -> int:
        return next(
            size for size in range(min(len(read), len(wanted)), -1, -1) if read.endswith(wanted[:size])
        )

    return [tuple(longest(wanted[:size] + digit) + 1 for digit in DIGITS) for size in range(len(wanted) + 1)]


@dataclass(frozen=True, slots=True)
class Factor:
    """One automaton of a product.

    Where it is `required`, a string that it cannot match does not belong to the language; otherwise only the
    condition decides. `preceded_by` are digits read before the string, such as the country calling code.
    """

    automaton: Automaton
    required: bool = True
    preceded_by: str = ""


class Language:
    """The digit strings that begin with `prefix`, have at most `longest` digits and satisfy `accept`.

    Members are ordered lexicographically, a string before its own continuations. `len()` is not offered
    because a plan can hold more strings than `len()` can return; `size` is exact.
    """

    def __init__(self, factors: Sequence[Factor], accept: Accept, *, longest: int, prefix: str = "") -> None:
        self._automata = tuple((factor.automaton, factor.required) for factor in factors)
        self._accept = accept
        self._longest = longest
        self._prefix = prefix
        self._next: dict[tuple[int, ...], tuple[tuple[int, ...] | None, ...]] = {}
        self._counts: dict[tuple[tuple[int, ...], int], int] = {}
        start: tuple[int, ...] | None = tuple(run(factor.automaton, factor.preceded_by) for factor in factors)
        for digit in prefix:
            start = self._successors(start)[int(digit)] if start else None
        self._start = start
        self.size = self._count(start, len(prefix)) if start else 0

    def __getitem__(self, rank: int) -> str:
        """Return the member number `rank`, from 0; `IndexError` outside the language."""
        if self._start is None or not 0 <= rank < self.size:
            raise IndexError(rank)
        state, read = self._start, self._prefix
        while True:
            if self._accept(state, len(read)):
                if rank == 0:
                    return read
                rank -= 1
            for digit, following in zip(DIGITS, self._successors(state), strict=True):
                members = self._count(following, len(read) + 1) if following else 0
                if rank < members:
                    assert following is not None
                    state, read = following, read + digit
                    break
                rank -= members

    def _count(self, state: tuple[int, ...], depth: int) -> int:
        if depth > self._longest:
            return 0
        known = self._counts.get((state, depth))
        if known is None:
            known = int(self._accept(state, depth))
            if depth < self._longest:
                known += sum(
                    self._count(following, depth + 1) for following in self._successors(state) if following
                )
            self._counts[state, depth] = known
        return known

    def _successors(self, state: tuple[int, ...]) -> tuple[tuple[int, ...] | None, ...]:
        """Return the product states that follow, by digit; None where a required automaton is dead."""
        known = self._next.get(state)
        if known is None:
            rows = [
                automaton.successors(each) for (automaton, _), each in zip(self._automata, state, strict=True)
            ]
            vital = [index for index, (_, required) in enumerate(self._automata) if required]
            known = tuple(
                following if all(following[index] for index in vital) else None
                for following in zip(*rows, strict=True)
            )
            self._next[state] = known
        return known
