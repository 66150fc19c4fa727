"""Formats an argument can have beyond its JSON Schema: read generously, refused helpfully.

A format gives the pattern that clients see, normalises what can be read unambiguously, says what is
wrong with the rest, and derives other facts from a value (the country of a number). ``phonenumbers`` is
imported when a call first needs it, so that starting the server does not pay for it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

__all__ = ["DERIVATIONS", "FORMATS", "Format"]

_SEPARATORS: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u202f]+")
_TRUNK_PREFIX: Final = re.compile(r"\(\s*0\s*\)")
"""A zero that is dialled only inside the country, as in +44 (0)20 7946 0123."""

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_COUNTRY_MISTAKES: Final = {"UK": "GB", "EL": "GR", "USA": "US", "EN": "GB"}


@dataclass(frozen=True, slots=True)
class Format:
    """How an argument is read.

    Attributes:
        keywords: JSON Schema keywords that clients see.
        normalise: Returns the canonical spelling, or the value unchanged where it cannot be read.
        problem: Returns what is wrong with a normalised value and what would be right, or ``None``.

    """

    keywords: Mapping[str, object]
    normalise: Callable[[str], str]
    problem: Callable[[str], str | None]


def _normalise_e164(value: str) -> str:
    compact = _SEPARATORS.sub("", re.sub("^%2B", "+", value.strip(), flags=re.IGNORECASE))
    return compact if _E164.fullmatch(compact) and not _TRUNK_PREFIX.search(value) else value


def _e164_problem(value: str) -> str | None:
    import phonenumbers  # noqa: PLC0415

    if _E164.fullmatch(value):
        try:
            phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            return "must begin with the calling code of a country (ITU-T E.164), such as +1 or +44"
        return None
    rule = "must be in E.164 format: +, country code and number, 7 to 15 digits, such as +14155550100"
    readings = " or ".join(_readings(value))
    return f"{rule}; did you mean {readings}?" if readings else rule


def _readings(value: str) -> list[str]:
    """Return the valid numbers that ``value`` can stand for.

    Without a ``+``, these are a number that lacks it, one with ``00`` instead, and one in North America.
    """
    if len(value) > 40:  # noqa: PLR2004 - longer than any number people write
        return []
    digits = re.sub(r"[^0-9]", "", _TRUNK_PREFIX.sub("", value))
    spellings = [f"+{digits}"]
    if "+" not in value:
        spellings += [f"+1{digits}", f"+{digits[2:]}" if digits.startswith("00") else ""]
    return [number for number in spellings if _E164.fullmatch(number) and _is_valid(number)]


def _is_valid(number: str) -> bool:
    import phonenumbers  # noqa: PLC0415

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def _normalise_country(value: str) -> str:
    code = value.strip().upper()
    return code if re.fullmatch(r"[A-Z]{2}", code) else value


def _country_problem(value: str) -> str | None:
    import phonenumbers  # noqa: PLC0415

    if value in phonenumbers.SUPPORTED_REGIONS:
        return None
    rule = "must be an ISO 3166-1 alpha-2 country code with a numbering plan, such as US, GB or DE"
    meant = _COUNTRY_MISTAKES.get(value.strip().upper())
    return f"{rule}; did you mean {meant}?" if meant else rule


def _area_code_problem(value: str) -> str | None:
    return None if re.fullmatch("[0-9]{1,8}", value) else "must be 1 to 8 digits, such as 415"


def _host_problem(value: str) -> str | None:
    """Say what is wrong with a host name; what is none is mostly a URL."""
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
    "e164": Format({"pattern": r"^\+[1-9][0-9]{6,14}$"}, _normalise_e164, _e164_problem),
    "country": Format({"pattern": "^[A-Z]{2}$"}, _normalise_country, _country_problem),
    "area_code": Format({"pattern": "^[0-9]{1,8}$"}, str.strip, _area_code_problem),
    "host": Format({}, lambda value: value.strip().lower().rstrip("."), _host_problem),
    "webhook": Format({"pattern": "^https?://"}, str.strip, _webhook_problem),
    "webhook_or_empty": Format({"pattern": "^(https?://|$)"}, str.strip, _webhook_or_empty_problem),
}
"""The formats that hints can name."""


def _country_of(number: str) -> str:
    """Return the country of a number, or its calling code's main one where the number names none."""
    import phonenumbers  # noqa: PLC0415

    parsed = phonenumbers.parse(number)
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )


def _national_number(number: str) -> str:
    """Return the digits after the country code, which every spelling of the number contains."""
    import phonenumbers  # noqa: PLC0415

    return phonenumbers.national_significant_number(phonenumbers.parse(number))


DERIVATIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "country": _country_of,
    "national_number": _national_number,
}
"""What hints can derive from an argument, as in ``phone_number|country``."""
