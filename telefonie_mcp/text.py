"""Text from elsewhere, made safe to show, and suggestions for mistyped names; pure, standard library only.

Strings from an API are data: characters that are invisible or reorder text are removed, whitespace controls
become spaces, and what is longer or deeper than any honest field is cut with a mark.
"""

import json
import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, Final, cast

__all__ = ["CUTS", "MAX_DEPTH", "MAX_STRING", "clean", "clean_line", "compact", "did_you_mean"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
MAX_STRING: Final = 4096
MAX_DEPTH: Final = 64  # the SDK and the validator give up at 255
_CUT: Final = "… (cut)"
_CUT_LINE: Final = "…"
_COMPARED: Final = 60
"""Characters of a mistyped name that are compared: comparing is quadratic, and callers choose the names."""

CUTS: Final = (_CUT, _CUT_LINE)
"""What a text ends with that was cut."""

_SPACES: Final = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_INVISIBLE: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers, soft hyphen, joiners
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # zero width and bidirectional controls
    "\ufe00-\ufe0f\ufff0-\ufffb"  # variation selectors, interlinear annotation
    "\U000e0000-\U000e0fff"  # tags and supplementary variation selectors
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical format controls
    "\ud800-\udfff"  # lone surrogates
    "]"
)


def clean(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return JSON ``value`` with every string, keys included, cleaned, and what is below ``depth`` cut."""
    match value:
        case str() if value.isascii() and value.isprintable() and len(value) <= MAX_STRING:
            return value  # as nearly everything is
        case str():
            text = _INVISIBLE.sub("", _SPACES.sub(" ", value))
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


def compact(value: Any) -> str:
    """Return JSON without spaces: every byte costs a model's context."""
    return _ENCODER.encode(value)


def clean_line(value: Any, limit: int = 300) -> str:
    """Return ``value`` as one cleaned line of at most ``limit`` characters."""
    text = " ".join(str(clean(str(value))).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}{_CUT_LINE}"


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
    close = get_close_matches(name[:_COMPARED], known, n=1, cutoff=cutoff)
    if not close and otherwise is not None:
        return otherwise
    return f"did you mean {' or '.join(close or known)}?"
