"""What operator's rules are about, found in any JSON value: phone numbers, and the hosts of URLs; pure.

No document has to say that a value is a number or a URL: a rule must hold for a document without formats too.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, cast
from unicodedata import normalize
from urllib.parse import urlsplit

from telefonie_mcp.numbering.e164 import reading_of

__all__ = ["hosts_in", "numbers_in"]

_NUMBER: Final = re.compile(r"\+?[0-9][0-9\s().\-/\u00a0\u2010-\u2015\u202f]{5,38}")
"""A whole value that can be a phone number, however it is punctuated."""

_PREFIX: Final = re.compile(r"^(?:tel:)?(?:%2B)?", re.IGNORECASE)
_DIGITS: Final = 7
_URL: Final = re.compile(
    r"(?:https?|wss?|ftps?|sips?):[^\s\"'<>]+"  # these need no slashes (WHATWG URL §4.4, RFC 3261 §19.1)
    r"|[a-z][a-z0-9+.-]{0,30}://[^\s\"'<>]+"  # bounded, so that a long word is read in linear time
    r"|^\s*//[^\s\"'<>/]+\.[^\s\"'<>]+",
    re.IGNORECASE,
)
"""A URL, wherever in a text it stands; one without a scheme only where it is the whole text."""


def numbers_in(value: Any) -> Iterator[str]:
    """Yield, in E.164, every number that a string or an integer in ``value`` is."""
    for each in _texts(value):
        text = _PREFIX.sub("", normalize("NFKC", each).strip())
        if _NUMBER.fullmatch(text) and len(digits := re.sub("[^0-9]", "", text)) >= _DIGITS:
            digits = digits.removeprefix("00")
            yield f"+{digits}"
            if (read := reading_of(f"+{digits}")) is not None:
                yield read


def hosts_in(value: Any) -> Iterator[str]:
    """Yield the host of every URL in ``value``, in lower case; empty where it cannot be told."""
    for text in _texts(value):
        for match in _URL.finditer(text):
            yield _host(match[0])


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield _visible(value)
        case bool():
            return
        case int():
            yield str(value)
        case list():
            for item in cast("list[Any]", value):
                yield from _texts(item)
        case dict():
            for name, member in cast("dict[str, Any]", value).items():
                yield from (_visible(name), *_texts(member))
        case _:
            return


def _visible(text: str) -> str:
    """Return ``text`` without what nobody sees, and a provider may drop: control and format characters."""
    if text.isprintable():
        return text
    return "".join(character for character in text if character.isprintable() or character.isspace())


def _host(url: str) -> str:
    authority = re.sub(r"^\s*([a-z][a-z0-9+.-]*:)?[/\\]*", "", url, flags=re.IGNORECASE)
    authority = re.split(r"[/?#]", authority, maxsplit=1)[0]
    try:
        return "" if "\\" in authority else (urlsplit(f"//{authority}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
