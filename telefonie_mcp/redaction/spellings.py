"""What is looked for of a secret, and whether what was found is one; pure."""

import base64
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from telefonie_mcp.redaction.encodings import MAX_LAYERS, decoded

__all__ = ["Needle", "is_whole", "needles_of", "run_needles_of", "widened"]

_MIN_ENCODED: Final = 8
"""Characters of the shortest encoded or decoded form that is looked for: a shorter one is anywhere."""

_LONGEST_RUN: Final = 128
"""Characters of a long secret that are looked for; it is replaced to its end."""

_BASE64: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+/-_")
_URL_SAFE: Final = str.maketrans("+/", "-_")

_FIGURES: Final = r"""
      \d{4}-\d\d?-\d\d?(?:[t\ ]\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\ ?z|\ ?[+-]\d\d:?\d\d)?)?  # times
    | \d{1,4}[./]\d{1,2}[./]\d{2,4} | \d\d?:\d\d(?::\d\d)?
    | \d\d?(?:\.|st|nd|rd|th)?\ (?:of\ )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[.,]?\ \d{4}
    | (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\ \d\d?(?:st|nd|rd|th)?,?\ \d{4}
    | [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}  # UUIDs
    | \+\d{7,15}(?!\d) | \+?(?:1[\ .-]?)?\(?\d{3}\)?[\ .-]?\d{3}[\ .-]\d{4}(?!\d)  # phones
    | \+\d{1,3}(?:[\ .()/-]{1,3}\d{1,5}(?!\d)){2,6} | \(0?\d{2,5}\)[\ .-]?\d{3,5}(?:[\ .-]\d{2,5}(?!\d)){0,3}
    | \d{1,4}(?:[.-]\d{2,5}(?!\d)){2,5} | \b\d{3}[.-]\d{4}(?!\d)
    | \d+[.,]\d+          # amounts
    """
"""What whole runs of digits can be a part of: dates, times, phone numbers, identifiers, amounts.

It is compiled when a secret is first found, which takes as long as importing this module.
"""

_AROUND: Final = 48
"""Characters on each side of a run in which such a whole can begin and end."""


class Needle(NamedTuple):
    """What is looked for: the case-folded text, and how much around it belongs to it.

    Attributes:
        exact: Upper and lower case differ.
        anywhere: It may be a part of a longer run of letters and digits.
        rest: It is the beginning of a long secret, which ends at the next space.
        margins: Characters of base64 before and after that have bits of the secret.

    """

    text: str
    exact: bool = False
    anywhere: bool = True
    rest: bool = False
    margins: tuple[int, int] = (0, 0)


def needles_of(secret: str) -> Iterator[Needle]:
    """Yield a secret as it reads, at every layer of escapes that it has itself, and its encoded forms."""
    for text in _readings(secret):
        yield Needle(text)
    data = secret.encode(errors="replace")
    for encoded in (data, secret.encode("utf-16-le", "replace")[:-1]):
        for needle in _base64_needles(encoded):
            yield needle
            if needle.text.translate(_URL_SAFE) != needle.text:
                yield Needle(needle.text.translate(_URL_SAFE), margins=needle.margins)
    if len(data) >= _MIN_ENCODED:
        yield Needle(data.hex())


def run_needles_of(secret: str) -> Iterator[Needle]:
    """Yield a secret that is looked for only as a whole run of letters and digits."""
    for text in _readings(secret):
        exact = not any(map(str.isdigit, text))  # an ordinary word can be a secret; its case is evidence
        whole = " ".join(secret.split()) if exact else text
        if whole:
            yield Needle(whole[:_LONGEST_RUN], exact=exact, anywhere=False, rest=len(whole) > _LONGEST_RUN)


def _readings(secret: str) -> Iterator[str]:
    """Yield a secret, case-folded and with single spaces, as it is and with its escapes undone."""
    text = " ".join(secret.split())
    if not text:
        return
    yield secret.casefold()
    yield text.casefold()
    if " " in text:
        yield text.casefold().replace(" ", "+")  # in forms
    for _ in range(MAX_LAYERS):
        plain = decoded(text)[0]
        if plain == text:
            return
        text = plain.strip()
        if len(text) >= min(_MIN_ENCODED, len(secret)):
            yield text.casefold()


def _base64_needles(data: bytes) -> Iterator[Needle]:
    """Yield the characters that ``data`` has for certain in base64, for each alignment within other data."""
    for offset in range(3):
        bits = 8 * (offset + len(data))
        first, last = (0, 2, 3)[offset], bits // 6
        text = base64.b64encode(b"\0" * offset + data).decode()[first:last]
        if len(text) >= _MIN_ENCODED:
            yield Needle(text.casefold(), margins=(int(offset > 0), int(bits % 6 > 0)))


def widened(folded: str, start: int, stop: int, needle: Needle) -> tuple[int, int]:
    """Return the whole of what was found: with its margins in base64, or to the end of a long secret."""
    before, after = needle.margins
    if before and start and folded[start - 1] in _BASE64:
        start -= 1
    if after and folded[stop : stop + 1] in _BASE64:
        stop += 1
    if needle.margins != (0, 0):
        while folded[stop : stop + 1] == "=":
            stop += 1
    if needle.rest:
        while stop < len(folded) and not folded[stop].isspace():
            stop += 1
    return start, stop


def is_whole(folded: str, start: int, stop: int, keep: list[str], *, open_end: bool) -> bool:
    """Whether a whole run of letters and digits was found, which is no part of something else."""
    if folded[start].isalnum() and folded[max(start - 1, 0) : start].isalnum():
        return False
    if not open_end and folded[stop - 1].isalnum() and folded[stop : stop + 1].isalnum():
        return False
    for each in keep:
        at = folded.find(each, max(0, start - len(each)), stop + len(each))
        if 0 <= at <= start and stop <= at + len(each):
            return False
    first = max(0, start - _AROUND)
    return not any(
        match.start() + first <= start and stop <= match.end() + first and len(match[0]) > stop - start
        for match in re.finditer(_FIGURES, folded[first : stop + _AROUND], re.VERBOSE)
    )
