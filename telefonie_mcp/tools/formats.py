"""Formats that hints can give to an argument: phone numbers, countries, area codes, digits, hosts, webhooks.

A format adds a pattern to the input schema, normalises spellings that are unambiguous, and explains what is
wrong with any other value. Derivations compute one value from another, such as the country of a number.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from telefonie_mcp.numbering.countries import country_problem, normalise_country
from telefonie_mcp.numbering.e164 import country_of, national_number, normalise_number, number_problem

__all__ = ["DERIVATIONS", "FORMATS", "Format"]

_KEYPAD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
"""Letters on a telephone's keypad (ITU-T E.161)."""

_WORD: Final = 3
"""Letters of the shortest word that digits can stand for; fewer are rather a wildcard."""

_AREA_CODE: Final = 8
"""Digits of the longest area code."""


class Format(NamedTuple):
    """How a string argument is published, normalised and validated.

    Attributes:
        keywords: JSON Schema keywords added to the input schema.
        normalise: Returns the canonical spelling, or the value unchanged if it is ambiguous or invalid.
        problem: Returns what a valid value must be if the normalised value is invalid, else ``None``.

    """

    keywords: Mapping[str, object]
    normalise: Callable[[str], str]
    problem: Callable[[str], str | None]


def _area_code_problem(value: str) -> str | None:
    digits = value.isascii() and value.isdigit() and len(value) <= _AREA_CODE
    return None if digits else "must be 1 to 8 digits, such as 415"


def _digits_problem(value: str) -> str | None:
    """Return what is wrong with a run of digits; for letters on a keypad or punctuation, suggest digits."""
    if re.fullmatch("[0-9]{1,15}", value):
        return None
    rule = "must be 1 to 15 digits, such as 5550"
    if 0 < sum(map(str.isalpha, value)) < _WORD:
        return rule
    meant = re.sub(r"[\s().+-]", "", value.upper().translate(_KEYPAD))
    return f"{rule}; did you mean {meant}?" if re.fullmatch("[0-9]{1,15}", meant) else rule


def _normalise_host(value: str) -> str:
    return value.strip().lower().rstrip(".")


def _host_problem(value: str) -> str | None:
    """Return what is wrong with a host name; for a URL, suggest its host."""
    if re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", value):
        return None
    rule = "must be a host name without scheme, port and path, such as hooks.example.com"
    try:
        host = urlsplit(value).hostname
    except ValueError:
        host = None
    return f"{rule}; did you mean {host}?" if host and not _host_problem(host) else rule


def _webhook_problem(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        usable = usable and "@" not in parts.netloc and "\\" not in value
    except ValueError:
        usable = False
    if usable and re.fullmatch(r"[!-~]{1,2048}", value):
        return None
    return (
        "must be an absolute http:// or https:// URL without a user name, of at most 2,048 characters, "
        "such as https://example.com/voice"
    )


def _webhook_or_empty_problem(value: str) -> str | None:
    problem = _webhook_problem(value) if value else None
    return problem and f"{problem}, or empty to remove the webhook"


FORMATS: Final[Mapping[str, Format]] = {
    "e164": Format({"pattern": r"^\+[1-9][0-9]{6,14}$"}, normalise_number, number_problem),
    "country": Format({"pattern": "^[A-Z]{2}$"}, normalise_country, country_problem),
    "area_code": Format({"pattern": "^[0-9]{1,8}$"}, str.strip, _area_code_problem),
    "digits": Format({"pattern": "^[0-9]{1,15}$"}, str.strip, _digits_problem),
    "host": Format({}, _normalise_host, _host_problem),
    "webhook": Format({"pattern": "^https?://"}, str.strip, _webhook_problem),
    "webhook_or_empty": Format({"pattern": "^(https?://|$)"}, str.strip, _webhook_or_empty_problem),
}
"""The formats that hints can name."""


DERIVATIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "country": country_of,
    "national_number": national_number,
}
"""The derivations that hints can apply to an argument, as in ``phone_number|country``."""
