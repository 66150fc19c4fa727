"""Number lookup, offline, from libphonenumber's metadata (`phonenumbers`).

Areas, carriers and time zones are large tables, which take about a second to import: call `describe`
in a thread. They are imported when a number is first looked up.
"""

from typing import Any, Final

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from telefonie_mcp.numbering.number_types import SOLD_AS, NumberType

__all__ = ["SOURCE", "describe", "type_of"]

SOURCE: Final = f"libphonenumber {phonenumbers.__version__}, offline"

_LANGUAGE: Final = "en"
_NO_COUNTRY: Final = "001"  # CLDR's "world": numbers such as +800 belong to no country
_NO_TIME_ZONE: Final = "Etc/Unknown"
_INVALID: Final = {
    ValidationResult.INVALID_COUNTRY_CODE: "invalid_country_code",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_LENGTH: "invalid_length",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "local_only",
    ValidationResult.IS_POSSIBLE: "not_in_numbering_plan",
}
_UNREADABLE: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "invalid_country_code",
    NumberParseException.TOO_LONG: "too_long",
}
_REASONS: Final = {
    "invalid_country_code": "No country has this country code.",
    "too_short": "The number is too short for its country.",
    "too_long": "The number is too long for its country.",
    "invalid_length": "No number of its country has this length.",
    "local_only": "The area code is missing: it can be dialled only from within the area.",
    "not_in_numbering_plan": "The length is right, but the country's numbering plan has no such number.",
}


def describe(number: str) -> dict[str, Any]:
    """Return the members of the lookup document for a number in E.164 format; unknown ones are left out.

    For an invalid number these are `code`, `reason`, and `country_code` if its calling code has one country.
    """
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException as error:
        return {"phone_number": number, **_invalid(_UNREADABLE.get(error.error_type, "too_short"))}
    country = _country(parsed)
    if not phonenumbers.is_valid_number(parsed):
        code = _INVALID[phonenumbers.is_possible_number_with_reason(parsed)]
        return _known({"phone_number": number, **_invalid(code), "country_code": country})
    from phonenumbers import carrier, geocoder, timezone  # noqa: PLC0415 - takes a second, see above

    name = geocoder.country_name_for_number(parsed, _LANGUAGE)
    area = geocoder.description_for_number(parsed, _LANGUAGE)
    zones = [zone for zone in timezone.time_zones_for_number(parsed) if zone != _NO_TIME_ZONE]
    return _known(
        {
            "phone_number": phonenumbers.format_number(parsed, PhoneNumberFormat.E164),
            "valid": True,
            "national_format": phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL),
            "international_format": phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
            "country_code": country,
            "country": name,
            "line_type": _line_type(parsed),
            "area": area if area != name else "",
            "time_zones": zones,
            "original_carrier": carrier.name_for_number(parsed, _LANGUAGE),
        }
    )


def type_of(number: str) -> NumberType | None:
    """Return the type under which a number in E.164 format is sold, or None if it is not sold."""
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return None
    return SOLD_AS.get(_line_type(parsed))


def _line_type(parsed: PhoneNumber) -> str:
    return PhoneNumberType.to_string(phonenumbers.number_type(parsed)).lower()


def _country(parsed: PhoneNumber) -> str | None:
    """Return the country of a number, or the only one with its country code."""
    country = phonenumbers.region_code_for_number(parsed)
    if country is None:
        countries = phonenumbers.region_codes_for_country_code(parsed.country_code or 0)
        country = countries[0] if len(countries) == 1 else None
    return None if country == _NO_COUNTRY else country


def _invalid(code: str) -> dict[str, Any]:
    return {"valid": False, "code": code, "reason": _REASONS[code]}


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [])}
