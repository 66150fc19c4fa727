"""Numbering plans: which numbers exist in a country, and the type of each.

Computed from libphonenumber's metadata (`phonenumbers`), for each of its supported regions, called countries
below. `locate` decides where a number belongs; the inventory offers only numbers that it confirms.

Some countries share numbers: +1 800 is dialled in all of North America, and libphonenumber calls it US. Here
each number belongs to one country only. A country that is not the main one of its calling code has the
shared numbers that end in its own two digits (99 for the second country of the calling code, 98 for the
third, …); the main country has the rest.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberFormat

from telefonie_mcp.numbering.number_types import SOLD_AS, NumberType
from telefonie_mcp.sandbox.automaton import Patterns, run

COUNTRIES: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
NORTH_AMERICA: Final = 1
"""The country calling code of the North American Numbering Plan (NANP), whose area codes have three
digits."""

_LONGEST_E164 = 15

_KINDS: Final[Mapping[str, NumberType | None]] = {
    kind: sold_as for kind, sold_as in SOLD_AS.items() if kind != "fixed_line_or_mobile"
}
"""The kinds that a plan's metadata tells apart, in order of precedence; fixed line comes before mobile,
because both "fixed line" and "fixed line or mobile" are sold as local."""

# Which kind stands for a type in a plan that has several of them; the first that exists.
_TYPICAL: Final[dict[NumberType, tuple[str, ...]]] = {
    "local": ("fixed_line",),
    "national": ("voip", "uan", "shared_cost"),
    "toll-free": ("toll_free",),
    "mobile": ("mobile",),
}


class Location(NamedTuple):
    """The country and type of a number."""

    country: str
    type: NumberType


class Typical(NamedTuple):
    """The usual numbers of a type in a plan: libphonenumber's kind and the count of national digits."""

    kind: str
    digits: int


class Plan:
    """The numbering plan of one country, over national significant numbers ("national digits")."""

    def __init__(self, metadata: PhoneMetadata) -> None:
        assert metadata.country_code is not None
        self.calling_code = str(metadata.country_code)
        self.national_prefix = metadata.national_prefix or ""
        self.longest = _LONGEST_E164 - len(self.calling_code)
        self._descriptions = {
            kind: description
            for kind in ("general_desc", *_KINDS)
            if (description := _description(metadata, kind)) and description.national_number_pattern
        }
        self.patterns = Patterns(
            {kind: each.national_number_pattern or "" for kind, each in self._descriptions.items()}
        )
        self._kinds: dict[tuple[int, int], str | None] = {}

    def kind(self, state: int, digits: int) -> str | None:
        """Return libphonenumber's kind of a number of `digits` digits that left `patterns` in `state`."""
        key = state, digits
        if key not in self._kinds:
            matching = [
                kind
                for kind in self.patterns.matching(state)
                if digits in (self._descriptions[kind].possible_length or (digits,))
            ]
            valid = "general_desc" in matching
            self._kinds[key] = next((kind for kind in _KINDS if valid and kind in matching), None)
        return self._kinds[key]

    def type(self, state: int, digits: int) -> NumberType | None:
        """Return the type of that number; None if it is not valid or not sold."""
        kind = self.kind(state, digits)
        return _KINDS[kind] if kind else None

    def type_of(self, national: str) -> NumberType | None:
        """Return the type of a national significant number; None if it is not valid or not sold."""
        return self.type(run(self.patterns, national), len(national))

    def typical(self, number_type: NumberType) -> Typical | None:
        """Return the usual numbers of a type, by libphonenumber's example; None if the plan has none."""
        for kind in _TYPICAL[number_type]:
            if description := self._descriptions.get(kind):
                return Typical(kind, len(description.example_number or ""))
        return None


@cache
def plan(country: str) -> Plan:
    """Return the numbering plan of one of `COUNTRIES`; cached."""
    metadata = PhoneMetadata.metadata_for_region(country)
    assert metadata is not None
    return Plan(metadata)


@cache
def sharing(country: str) -> tuple[str, str] | None:
    """Return the main country of the calling code and the two digits that shared numbers of `country` end in.

    None for a country that is the main one itself.
    """
    countries = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(plan(country).calling_code)]
    position = countries.index(country)
    return (countries[0], str(100 - position)) if position else None


def parse(number: str) -> phonenumbers.PhoneNumber | None:
    """Parse a number in E.164 format with its plus sign; None for any other notation."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.format_number(parsed, PhoneNumberFormat.E164) == number else None


def exists(number: str) -> bool:
    """Return whether this is the E.164 form of a valid number, sold or not."""
    parsed = parse(number)
    return parsed is not None and phonenumbers.is_valid_number(parsed)


def locate(number: str) -> Location | None:
    """Return the country and type of a number in E.164 format; None if it is not valid or not sold."""
    parsed = parse(number)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return None
    country = phonenumbers.region_code_for_number(parsed)
    if country not in COUNTRIES:
        return None
    national = phonenumbers.national_significant_number(parsed)
    number_type = plan(country).type_of(national)
    countries = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(plan(country).calling_code)]
    position = 100 - int(national[-2:])
    if country == countries[0] and 0 < position < len(countries):
        partner = countries[position]
        # most numbers are none of the partner's: its plan is large, and only made for one that is
        shares = phonenumbers.is_valid_number_for_region(parsed, partner)
        if shares and (shared := plan(partner).type_of(national)):
            country, number_type = partner, shared
    return Location(country, number_type) if number_type else None


def display(number: str) -> str:
    """Format a valid or test number for people: national format in North America, else international."""
    parsed = phonenumbers.parse(number)
    national = parsed.country_code == NORTH_AMERICA
    return phonenumbers.format_number(
        parsed, PhoneNumberFormat.NATIONAL if national else PhoneNumberFormat.INTERNATIONAL
    )


def _description(metadata: PhoneMetadata, kind: str) -> PhoneNumberDesc | None:
    if kind == "mobile" and metadata.same_mobile_and_fixed_line_pattern:
        return None  # all of them are local, so there is nothing to look for
    # The metadata class has one attribute of this type per kind; `kind` is a key of `_KINDS` or
    # "general_desc".
    return getattr(metadata, kind)
