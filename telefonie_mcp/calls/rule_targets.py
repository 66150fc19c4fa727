"""What operator's rules are about, found in any JSON value: phone numbers, and the hosts of URLs; pure.

No document has to say that a value is a number or a URL: a rule must hold for a document without formats too.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, Final, cast
from unicodedata import decimal, normalize
from urllib.parse import unquote, urlsplit

from telefonie_mcp.numbering.e164 import national_number, reading_of

__all__ = ["hosts_in", "numbers_in", "protected_in"]

_SEPARATOR: Final = re.compile(r"[,;|\n]+|(?<=\d)\s*(?=\+)")
"""What stands between several numbers in one text, and before the parameters of one (RFC 3966 §3)."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9.-]{0,20}:", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"(?:extension|ext\.?|x|#)[\s:]*[0-9]{1,8}\W*$", re.IGNORECASE)
_INTERNATIONAL: Final = re.compile("0011|011|00")
"""What is dialled before a calling code in most countries, North America and Australia."""

_TRUNKS: Final = ("", "0", "1", "8", "06")
"""What is dialled before a number within its country."""

_REPEATED: Final = re.compile(r"([\W_])\1+")
_DIGIT: Final = re.compile("[0-9]")
_DIGITS: Final = 7
_MOST_DIGITS: Final = 24
_LONGEST: Final = 1000
"""Characters of the longest text in which numbers are looked for."""

_LAYERS: Final = 3
"""How often a text is percent-decoded."""

_URL: Final = re.compile(
    r"(?:https?|wss?|ftps?|sips?):[^\s\"'<>]+"  # these need no slashes (WHATWG URL §4.4, RFC 3261 §19.1)
    r"|[a-z][a-z0-9+.-]{0,30}://[^\s\"'<>]+"  # bounded, so that a long word is read in linear time
    r"|^\s*//[^\s\"'<>/]+\.[^\s\"'<>]+",
    re.IGNORECASE,
)
"""A URL, wherever in a text it stands; one without a scheme only where it is the whole text."""


def numbers_in(value: Any) -> Iterator[str]:
    """Yield, in E.164, every number that a string or a whole number in ``value`` is, or is a list of."""
    for digits, _ in _digits_in(value):
        yield from _readings(digits)


def protected_in(value: Any, protected: Collection[str]) -> str | None:
    """Return the first of the ``protected`` numbers that ``value`` is about, or ``None``.

    Without a ``+``, a number can be written as it is dialled within its country.
    """
    national = _national(frozenset(protected))
    for digits, plus in _digits_in(value):
        found = [*_readings(digits), *([] if plus or digits not in national else [national[digits]])]
        if named := next((number for number in found if number in protected), None):
            return named
    return None


def _readings(digits: str) -> Iterator[str]:
    yield f"+{digits}"
    if (read := reading_of(f"+{digits}")) is not None:
        yield read


@lru_cache(maxsize=16)
def _national(numbers: frozenset[str]) -> dict[str, str]:
    """Return the spellings of numbers within their countries, long enough to be told from other values."""
    bare = {number: national_number(number) for number in numbers if reading_of(number)}
    return {
        f"{trunk}{digits}": number
        for number, digits in bare.items()
        for trunk in _TRUNKS
        if len(digits) >= _DIGITS
    }


def _digits_in(value: Any) -> Iterator[tuple[str, bool]]:
    """Yield the digits of every number, calling code first if it has one, and whether a ``+`` says so."""
    for text in _texts(value):
        text = _REPEATED.sub(r"\1", text)[:_LONGEST]  # noqa: PLW2901
        for _ in range(_LAYERS if "%" in text else 0):
            text = unquote(text)  # noqa: PLW2901
        if not text.isascii():
            text = "".join(map(_ascii_digit, normalize("NFKC", text)))  # noqa: PLW2901
        if len(_DIGIT.findall(text)) < _DIGITS:
            continue
        for part in dict.fromkeys((text, *_SEPARATOR.split(text))):
            number = _EXTENSION.sub("", _SCHEME.sub("", part.strip(), count=1))
            digits = "".join(_DIGIT.findall(number))
            if _DIGITS <= len(digits) <= _MOST_DIGITS and not any(map(str.isalpha, number)):
                plus = "+" in number.partition(digits[0])[0]
                found = digits.lstrip("0") if plus else _without_prefix(digits)
                yield (found, plus)


def _without_prefix(digits: str) -> str:
    match = _INTERNATIONAL.match(digits)
    return digits[match.end() :] if match else digits


def _ascii_digit(character: str) -> str:
    return str(decimal(character, character))


def hosts_in(value: Any) -> Iterator[str]:
    """Yield the host of every URL in ``value``, in lower case; empty where it cannot be told."""
    for text in _texts(value):
        for reading in filter(None, (text, _unbroken(text))):
            for match in _URL.finditer(reading):
                yield _host(match[0])


def _unbroken(text: str) -> str:
    """Return what is one URL, without its tabs and line breaks, which do not end it (WHATWG URL §4.4)."""
    first, *others = re.split(r"[\r\n]+", text.strip())
    if ("\t" not in first and not others) or any(map(_SCHEME.match, others)):
        return ""
    joined = "".join((first, *others)).replace("\t", "")
    return "" if " " in joined else joined


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield _visible(value)
        case bool():
            return
        case int():
            yield str(value)
        case float() if value.is_integer():
            yield str(int(value))  # as it is sent
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
