"""Phone numbers in E.164 format (ITU-T E.164): normalisation, and validation with suggestions.

``phonenumbers`` is imported at first use, because starting the server does not need it.
"""

import re
from typing import Final

__all__ = [
    "country_of",
    "meant_number",
    "national_number",
    "normalise_number",
    "number_problem",
    "reading_of",
]

_SEPARATORS: Final = r"[\s().\-/\u00a0\u2010-\u2015\u202f]+"
_TRUNK_PREFIX: Final = re.compile(r"\(\s*0\s*\)")
"""The trunk prefix 0, dialled only within the country, as in +44 (0)20 7946 0123."""

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAX_CHARACTERS: Final = 40
"""Maximum length of a value for which suggestions are made."""


def normalise_number(value: str) -> str:
    """Return the number in E.164 format, or ``value`` unchanged if it is ambiguous or not a number."""
    compact = re.sub(_SEPARATORS, "", re.sub("^%2B", "+", value.strip(), flags=re.IGNORECASE))
    return compact if _E164.fullmatch(compact) and not _TRUNK_PREFIX.search(value) else value


def number_problem(value: str) -> str | None:
    """Return what is wrong with a normalised number, with suggestions, or ``None`` if it is well-formed."""
    if _E164.fullmatch(value):
        read = reading_of(value)
        if read is None:
            return "must begin with the calling code of a country (ITU-T E.164), such as +1 or +44"
        if read != value and _is_valid(read):
            return f"must leave out digits that are dialled only within the country; did you mean {read}?"
        return None
    rule = "must be in E.164 format: +, country code and number, 7 to 15 digits, such as +14155550100"
    readings = " or ".join(_readings(value))
    return f"{rule}; did you mean {readings}?" if readings else rule


def country_of(number: str) -> str:
    """Return the country of an E.164 number, or the main country of its calling code if it has none."""
    import phonenumbers  # noqa: PLC0415

    parsed = phonenumbers.parse(number)
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )


def national_number(number: str) -> str:
    """Return the national (significant) number of an E.164 number: the digits after the country code."""
    import phonenumbers  # noqa: PLC0415

    return phonenumbers.national_significant_number(phonenumbers.parse(number))


def reading_of(number: str) -> str | None:
    """Return what libphonenumber reads a number as; ``None`` where it reads none.

    That differs from the number's digits where it has a trunk prefix too many (``+44 020 7946 0123``).
    """
    import phonenumbers  # noqa: PLC0415

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def meant_number(number: str) -> str | None:
    """Return the valid number that an E.164 number is read as, if its digits are others.

    Such a number has digits that are dialled only within its country: the trunk prefix of
    ``+49 0 30 123456``, the mobile prefix of ``+54 11 15 2345 6789``. The zero of ``+39 06 6982`` belongs to
    the number.
    """
    if not _E164.fullmatch(number):
        return None
    read = reading_of(number)
    return read if read and read != number and _is_valid(read) else None


def _readings(value: str) -> list[str]:
    """Return the valid numbers that ``value`` may mean.

    Without a ``+``, it may lack one, have the international prefix ``00``, or be a North American number.
    """
    if len(value) > _MAX_CHARACTERS:
        return []
    digits = re.sub(r"[^0-9]", "", _TRUNK_PREFIX.sub("", value))
    spellings = [f"+{digits}"]
    if "+" not in value:
        spellings += [f"+1{digits}", f"+{digits[2:]}" if digits.startswith("00") else ""]
    valid = (number for number in spellings if _E164.fullmatch(number) and _is_valid(number))
    return list(dict.fromkeys(reading_of(number) or number for number in valid))


def _is_valid(number: str) -> bool:
    import phonenumbers  # noqa: PLC0415

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
