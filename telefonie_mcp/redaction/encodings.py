"""Escapes of JSON, URLs and HTML, and other disguises of text, undone; pure.

:func:`decoded` undoes one layer and says where each part of the result was, :func:`traced` follows that back.
"""

import re
import sys
import unicodedata
from bisect import bisect_right
from operator import itemgetter
from typing import Final

from telefonie_mcp.text import bare

__all__ = ["BROKEN_ESCAPE", "MAX_LAYERS", "Segment", "decoded", "traced", "undone"]

MAX_LAYERS: Final = 12
"""How many layers are undone: JSON in JSON in a URL in HTML has four."""

_ESCAPED: Final = (  # each alternative begins with its character, by which the search is fast
    r"\\(?:u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,8}\}"
    r"|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[0-7]{3}|[\s\S])"
    r"|%(?:u[0-9A-Fa-f]{4}|[0-7][0-9A-Fa-f]|[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){1,3})"
    r"|&(?:#[xX]0*[0-9A-Fa-f]{1,6};?|#0*[0-9]{1,7};?|[A-Za-z][A-Za-z0-9]{1,31};|(?:amp|lt|gt|quot))"
)
_PAIR_LENGTH: Final = len(r"\ud83d\ude00")
_ESCAPES: Final = re.compile(_ESCAPED)
_DISGUISES: Final = re.compile(r"\s\s+|[^ -~]")
"""Runs of white space, and characters that are invisible or beyond ASCII."""

BROKEN_ESCAPE: Final = r"(?:\\+[uUx]?\{?[0-9A-Fa-f]{0,7}|%u?[0-9A-Fa-f]{0,3}|&#?[0-9A-Za-z]{0,31})\Z"
"""An escape that a cut has broken."""

_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_UNSEEN: Final = bytes([*range(0x20), 0x7F])
_WHITE: Final = re.compile(r"\s+")
_COMBINING: Final = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
Segment = tuple[int, int, int]
"""Where a part of a decoded text begins, there and in the original, and the end of its escape; 0 for none."""


def undone(text: str, *, ascii_only: bool) -> str:
    """Return ``text`` with one layer undone, as :func:`decoded` does, but faster.

    Args:
        text: Any text.
        ascii_only: Drop whatever is no visible ASCII character, because nothing else is looked for.

    """
    folded = _visible_ascii(text) if ascii_only else _folded(text)
    return _ESCAPES.sub(_character, text) if folded == text else folded


def _character(match: re.Match[str]) -> str:
    """Return what an escape stands for."""
    text = match[0]
    kind = text[1]
    if text[0] == "&":
        from html import unescape  # noqa: PLC0415 - its table is large, and entities are rare

        return unescape(text)
    if len(text) == _PAIR_LENGTH and kind == "u" and text.count("\\") > 1:
        high, low = int(text[2:6], 16), int(text[8:], 16)
        return chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))
    if text[0] == "%" and kind != "u":
        return bytes.fromhex(text.replace("%", "")).decode(errors="replace")
    if len(text) == len("\\n"):
        return " " if kind in "bfnrt" else kind
    base, digits = (16, text[2:].strip("{}")) if kind in "uUx" else (8, text[1:])
    code = int(digits, base)
    return chr(code) if code <= sys.maxunicode else ""


def _visible_ascii(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").translate(None, _UNSEEN).decode()


def _folded(text: str) -> str:
    """Return what lets no disguise count: without invisible and combining characters, in compatible ones."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text
    text = _WHITE.sub(" ", unicodedata.normalize("NFKD", text))
    text = re.sub(_COMBINING, "", bare(text))
    return text if text.isascii() else _BEYOND_ASCII.sub(lambda match: match[0].casefold(), text)


def decoded(text: str) -> tuple[str, list[Segment]]:
    """Return ``text`` with one layer undone, and where each part of it was.

    Disguises are undone before escapes: an invisible character can stand within one.
    """
    folds = _folded(text) != text
    pieces: list[str] = []
    segments: list[Segment] = []
    length = last = 0
    for match in (_DISGUISES if folds else _ESCAPES).finditer(text):
        start, stop = match.span()
        if start > last:
            segments.append((length, last, 0))
            pieces.append(text[last:start])
            length += start - last
        if unit := _folded(match[0]) if folds else _character(match):
            segments.append((length, start, stop))
            pieces.append(unit)
            length += len(unit)
        last = stop
    segments.append((length, last, 0))
    pieces.append(text[last:])
    return "".join(pieces), segments


def traced(maps: list[list[Segment]], start: int, stop: int) -> tuple[int, int]:
    """Return the span in the original text of a span in a decoded one."""
    for segments in reversed(maps):
        at, origin, end = segments[bisect_right(segments, start, key=itemgetter(0)) - 1]
        start = origin if end else origin + start - at
        at, origin, end = segments[bisect_right(segments, stop - 1, key=itemgetter(0)) - 1]
        stop = end or origin + stop - at
    return start, stop
