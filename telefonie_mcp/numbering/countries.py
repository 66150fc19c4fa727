"""Countries: codes (ISO 3166-1 alpha-2), and English names from ``countries.txt``."""

import re
from functools import cache
from pathlib import Path
from typing import Final
from unicodedata import combining, normalize

__all__ = ["countries", "country_problem", "normalise_country"]

_NICKNAMES: Final = {"el": "gr", "en": "gb", "america": "us", "united states": "us"}
"""What some write for a country, and is neither its code nor its name."""

_MAX_TYPED: Final = 60
"""Characters of a wrong value that are compared with names."""

_MIN_NAME: Final = 3
"""Letters of the shortest beginning of a name that stands for it."""

_MAX_MEANT: Final = 3
"""Countries that a suggestion names."""

_CLOSE: Final = 0.8
"""The least similarity of a misspelt name, from 0 to 1."""

_LETTERS: Final = 2
"""Letters of a code."""


def normalise_country(value: str) -> str:
    """Return the code in upper case, or ``value`` unchanged if it is not two letters."""
    code = value.strip().upper()
    return code if len(code) == _LETTERS and code.isascii() and code.isalpha() else value


def country_problem(value: str) -> str | None:
    """Return what is wrong with a normalised code, with a suggestion, or ``None`` if it is valid."""
    if value in _codes():
        return None
    import phonenumbers  # noqa: PLC0415 - no call with a country of the list needs it

    if value in phonenumbers.SUPPORTED_REGIONS:  # of a newer release
        return None
    rule = "must be an ISO 3166-1 alpha-2 country code with a numbering plan, such as US, GB or DE"
    meant = _meant(value[:_MAX_TYPED])
    return f"{rule}; did you mean {' or '.join(meant)}?" if meant else rule


def _meant(value: str) -> list[str]:
    """Return the codes of the countries that a name, a calling code or a wrong code can stand for."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error

    wanted, names = _bare(value), _names()
    if not wanted:
        return []
    if re.fullmatch(r"[0-9]{1,3}", wanted):
        return _with_calling_code(int(wanted))
    aliases = {code: {code, *map(_bare, re.split("[(),]", name))} for code, name in names.items()}
    found = [code for code, own in aliases.items() if _NICKNAMES.get(wanted, wanted) in own]
    if not found and len(wanted) >= _MIN_NAME:
        found = [code.lower() for code in countries(value)]
        if not 0 < len(found) <= _MAX_MEANT:
            spelt = {each: code for code, own in aliases.items() for each in own - {code}} | _NICKNAMES
            found = [spelt[close] for close in get_close_matches(wanted, spelt, n=1, cutoff=_CLOSE)]
    return [code.upper() for code in found[:_MAX_MEANT]]


def _with_calling_code(calling_code: int) -> list[str]:
    import phonenumbers  # noqa: PLC0415

    country = phonenumbers.region_code_for_country_code(calling_code)
    return [country] if country in phonenumbers.SUPPORTED_REGIONS else []


def _bare(text: str) -> str:
    """Return text folded, without punctuation: U.S. and us are the same."""
    return " ".join(re.sub(r"[^\w\s]", "", _folded(text)).split())


def countries(typed: str) -> list[str]:
    """Return the codes of the countries that match ``typed``.

    A country matches if its code, its name, or a word of its name begins with ``typed``; matches are in that
    order.
    """
    wanted = _folded(typed.strip())
    ranks = {code: _rank(wanted, code, name) for code, name in _names().items()}
    found = sorted((rank, code) for code, rank in ranks.items() if rank is not None)
    return [code.upper() for _, code in found]


@cache
def _codes() -> frozenset[str]:
    return frozenset(line.partition(" ")[0] for line in _lines())


@cache
def _names() -> dict[str, str]:
    return dict(_folded(line).split(" ", 1) for line in _lines())


def _lines() -> list[str]:
    return Path(__file__).with_name("countries.txt").read_text("utf-8").splitlines()


def _rank(wanted: str, code: str, name: str) -> int | None:
    if code.startswith(wanted):
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if any(word.startswith(wanted) for word in re.split(r"\W+", name)) else None


def _folded(text: str) -> str:
    """Return text without case and accents, so that Turkiye matches Türkiye."""
    return "".join(c for c in normalize("NFKD", text) if not combining(c)).casefold()
