"""Text from elsewhere, made safe to show, and suggestions for mistyped names; pure, standard library only.

Strings from an API are data: characters that are invisible or reorder text are removed (Unicode categories
Cc, Cf, Co and Cs, noncharacters, and letters and marks without a shape), whitespace controls become spaces,
and what is longer or deeper than any honest field is cut with a mark.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Any, Final, cast

__all__ = [
    "BULLET",
    "CUTS",
    "MAX_DEPTH",
    "MAX_STRING",
    "bare",
    "clean",
    "clean_line",
    "compact",
    "control_character",
    "did_you_mean",
    "line_of",
    "one_line",
]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
MAX_STRING: Final = 4096
MAX_DEPTH: Final = 64  # the SDK and the validator give up at 255
_MAX_LIST: Final = 2000
"""Characters of a list in a sentence: the numbers of a port order are a hundred at most."""

_CUT: Final = "… (cut)"
_CUT_LINE: Final = "…"
_COMPARED: Final = 60
"""Characters of a mistyped name that are compared: comparing is quadratic, and callers choose the names."""

BULLET: Final = "\N{MIDDLE DOT}"
"""Starts each item of a question. Replaced within items: some clients join the lines, and a value must not
look like an item of its own."""

CUTS: Final = (_CUT, _CUT_LINE)
"""What a text ends with that was cut."""

_SPACES: Final = r"[\t\n\v\f\r\x85\u2028\u2029\u2800]+"
"""Whitespace controls, and the blank Braille pattern: each run of them becomes a space."""

_SHAPELESS: Final = (
    "\x00-\x1f\x7f-\x9f"  # controls
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff0-\ufffb"  # format characters, and what is reserved for them
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0\ufe00-\ufe0e"  # fillers, selectors
    "\ue000-\uf8ff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # private use, surrogates, noncharacters
)
_SHAPELESS_ASTRAL: Final = (
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # format characters, and what is reserved for them
    "\U000f0000-\U0010ffff"  # private use
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xF0000, 0x10000))
)
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")

_SELECTOR: Final = "\ufe0f"
_JOINING: Final = f"\u200c\u200d{_SELECTOR}"
"""Non-joiner, joiner and the selector of emoji: invisible too, but some scripts and emoji need them."""

_JOINERS: Final = re.compile(f"[{_JOINING}]+")
_JOINED: Final = (  # scripts whose letters change their shape at a joiner: Arabic, Devanagari, ...
    "[\u0620-\u0e00\u0f00-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
_EMOJI: Final = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_KEYCAP: Final = "\u20e3"

_REFUSED: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
"""Control characters, except tab and line breaks, and bidirectional ones (Bidi_Control, UAX #9)."""

_CONTROL_NAMES: Final = {
    0x00: "NULL",
    0x07: "ALERT",
    0x08: "BACKSPACE",
    0x0B: "LINE TABULATION",
    0x0C: "FORM FEED",
    0x1B: "ESCAPE",
    0x7F: "DELETE",
    0x85: "NEXT LINE",
}
"""Aliases of the best known control characters: Unicode gives none of them a name."""


def clean(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return JSON ``value`` with every string, keys included, cleaned, and what is below ``depth`` cut."""
    match value:
        case str() if value.isascii() and value.isprintable() and len(value) <= MAX_STRING:
            return value  # as nearly everything is
        case str():
            text = _visible(value)
            return text if len(text) <= MAX_STRING else f"{text[:MAX_STRING]}{_CUT}"
        case list() | dict() if not depth:
            return _CUT
        case list():
            return [clean(item, depth - 1) for item in cast("list[Any]", value)]
        case dict():
            members = cast("dict[str, Any]", value).items()
            return {clean(key): clean(member, depth - 1) for key, member in members}
        case _:
            return value


@cache
def _shapeless(*, astral: bool) -> re.Pattern[str]:
    """Return what matches an invisible character: sets in two planes match faster than one of both.

    They are compiled when text first needs them, which takes longer than importing this module.
    """
    return re.compile(f"[{_SHAPELESS_ASTRAL if astral else _SHAPELESS}]")


def bare(text: str) -> str:
    """Return ``text`` without characters that have no shape."""
    return _JOINERS.sub("", _without_shapeless(text))


def _without_shapeless(text: str) -> str:
    text = _shapeless(astral=False).sub("", text)
    return _shapeless(astral=True).sub("", text) if _ASTRAL.search(text) else text


def _visible(text: str) -> str:
    """Return ``text`` without invisible characters, except joiners where a script or an emoji needs them."""
    text = _without_shapeless(re.sub(_SPACES, " ", text))
    return _JOINERS.sub(_needed_joiner, text) if _JOINERS.search(text) else text


def _needed_joiner(match: re.Match[str]) -> str:
    text, (start, end) = match.string, match.span()
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    emoji = re.match(_EMOJI, before)  # compiled when it is first needed, as joiners are rare
    joined = (emoji and re.match(_EMOJI, after)) or (re.match(_JOINED, before) and re.match(_JOINED, after))
    joiner = match[0].replace(_SELECTOR, "")[:1] if joined else ""
    selected = match[0].startswith(_SELECTOR) and (emoji or after == _KEYCAP)
    return f"{_SELECTOR if selected else ''}{joiner}"


def control_character(value: Any) -> str | None:
    """Return the name of the first control or bidirectional character in JSON, such as ``U+0007 ALERT``.

    Tabs and line breaks are text.
    """
    match value:
        case str() if value.isascii() and value.isprintable():
            return None
        case str():
            found = re.search(_REFUSED, value)
            if found is None:
                return None
            alias = _CONTROL_NAMES.get(ord(found[0]), "CONTROL CHARACTER")
            return f"U+{ord(found[0]):04X} {unicodedata.name(found[0], alias)}"
        case list():
            inner: Iterable[Any] = cast("list[Any]", value)
        case dict():
            inner = chain.from_iterable(cast("dict[str, Any]", value).items())
        case _:
            return None
    return next(filter(None, map(control_character, inner)), None)


def compact(value: Any) -> str:
    """Return JSON without spaces: every byte costs a model's context."""
    return _ENCODER.encode(value)


def clean_line(value: Any, limit: int = 300) -> str:
    """Return ``value`` as one cleaned line of at most ``limit`` characters."""
    text = " ".join(str(clean(str(value))).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}{_CUT_LINE}"


def one_line(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as parts of a sentence: cleaned, on one line, and cut, whoever chose them."""
    return {name: line_of(value) for name, value in values.items()}


def line_of(value: Any) -> str:
    """Return ``value`` as a part of one line, whoever chose it: it must not pass for a fact of its own."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return line_of([name for name, member in members.items() if member] or "none")
    if isinstance(value, list):
        return clean_line(", ".join(map(line_of, cast("list[Any]", value))), _MAX_LIST)
    return clean_line(value).replace(BULLET, ",")


def did_you_mean(
    name: str, known: Collection[str], otherwise: str | None = None, *, cutoff: float = 0.6
) -> str:
    """Return the question whether the known name that is most like ``name`` was meant.

    Args:
        name: A name that does not exist.
        known: Those that do.
        otherwise: What to say where none is close; by default the question names them all.
        cutoff: The least similarity of a close name, from 0 to 1.

    """
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error

    close = get_close_matches(name[:_COMPARED], known, n=1, cutoff=cutoff)
    if not close and otherwise is not None:
        return otherwise
    return f"did you mean {' or '.join(close or known)}?"
