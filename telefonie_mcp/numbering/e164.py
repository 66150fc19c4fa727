"""Phone numbers in E.164 format (ITU-T E.164): normalised where unambiguous, else refused with a suggestion.

``phonenumbers`` is imported with the first number, so that starting the server does not pay for it.
"""

import re
from typing import Final

__all__ = ["country_of", "national_number", "normalise_number", "number_problem"]

_SEPARATORS: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u202f]+")
_TRUNK_PREFIX: Final = re.compile(r"\(\s*0\s*\)")
"""A zero that is dialled only inside the country, as in +44 (0)20 7946 0123."""

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST: Final = 40
"""Characters of the longest spelling that people write."""


def normalise_number(value: str) -> str:
    """Return a number in E.164 format, or ``value`` unchanged where it cannot be read unambiguously."""
    compact = _SEPARATORS.sub("", re.sub("^%2B", "+", value.strip(), flags=re.IGNORECASE))
    return compact if _E164.fullmatch(compact) and not _TRUNK_PREFIX.search(value) else value


def number_problem(value: str) -> str | None:
    """Return what is wrong with a normalised number and what would be right, or ``None``."""
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


def country_of(number: str) -> str:
    """Return the country of a number, or its calling code's main one where the number names none."""
    import phonenumbers  # noqa: PLC0415

    parsed = phonenumbers.parse(number)
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )


def national_number(number: str) -> str:
    """Return the digits after the country code, which every spelling of the number contains."""
    import phonenumbers  # noqa: PLC0415

    return phonenumbers.national_significant_number(phonenumbers.parse(number))


def _readings(value: str) -> list[str]:
    """Return the valid numbers that ``value`` can stand for.

    Without a ``+``, these are a number that lacks it, one with ``00`` instead, and one in North America.
    """
    if len(value) > _LONGEST:
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
