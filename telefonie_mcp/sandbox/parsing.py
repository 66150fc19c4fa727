"""Requests of the numbers document, read as strictly as `values` does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from telefonie_mcp.numbering.number_types import NUMBER_TYPES, NumberType
from telefonie_mcp.sandbox.numbering_plan import NORTH_AMERICA, plan
from telefonie_mcp.sandbox.problems import bad_parameter
from telefonie_mcp.sandbox.store import NumberSetting
from telefonie_mcp.sandbox.values import (
    read_boolean,
    read_country,
    read_digits,
    read_integer,
    read_number,
    read_number_settings,
    read_object,
    read_parameters,
    read_type,
)

_MOST_RESULTS: Final = 20
_MOST_PER_PAGE: Final = 100
_NORTH_AMERICAN_AREA: Final = 3
"""Digits of an area code there."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search for available numbers. `types` are those that can match; an absent filter is None or empty."""

    country: str
    types: tuple[NumberType, ...]
    area_code: str
    contains: str
    sms: bool | None
    voice: bool | None
    limit: int


@dataclass(frozen=True, slots=True)
class OwnedNumbersQuery:
    """A page of the owned numbers; pages count from 1."""

    type: NumberType | None
    page: int
    page_size: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """A number in E.164 format and its first settings."""

    number: str
    settings: Mapping[NumberSetting, str | None]


def search(query: bytes) -> Search:
    """Read the query of `GET /available`."""
    allowed = ("country_code", "type", "area_code", "contains", "sms_enabled", "voice_enabled", "limit")
    given = read_parameters(query, allowed)
    country = read_country(given)
    number_type = read_type(given)
    area_code, contains = read_digits(given, "area_code"), read_digits(given, "contains")
    if area_code and number_type not in {None, "local"}:
        raise bad_parameter(
            "area_code", f"Only local numbers have an area code. For type={number_type} filter with contains."
        )
    north_american = plan(country).calling_code == str(NORTH_AMERICA)
    if area_code and north_american and len(area_code) != _NORTH_AMERICAN_AREA:
        raise bad_parameter("area_code", f"An area code has three digits in {country}.")
    types: tuple[NumberType, ...] = (number_type,) if number_type else NUMBER_TYPES
    return Search(
        country=country,
        types=("local",) if area_code else types,
        area_code=area_code,
        contains=contains,
        sms=read_boolean(given, "sms_enabled"),
        voice=read_boolean(given, "voice_enabled"),
        limit=read_integer(given, "limit", default=10, most=_MOST_RESULTS),
    )


def owned_numbers(query: bytes) -> OwnedNumbersQuery:
    """Read the query of `GET /owned`."""
    given = read_parameters(query, ("type", "page", "page_size"))
    return OwnedNumbersQuery(
        type=read_type(given),
        page=read_integer(given, "page", default=1),
        page_size=read_integer(given, "page_size", default=20, most=_MOST_PER_PAGE),
    )


def purchase(content_type: str, body: bytes) -> Purchase:
    """Read the body of `POST /owned`."""
    given = read_object(content_type, body, ("phone_number", "voice_url", "sms_url", "friendly_name"))
    if "phone_number" not in given:
        raise bad_parameter("phone_number", "phone_number is required: the number to buy in E.164 format.")
    number = given["phone_number"]
    if not isinstance(number, str):
        raise bad_parameter("phone_number", "phone_number must be a string.")
    return Purchase(read_number(number), read_number_settings(given))


def changes(content_type: str, body: bytes) -> Mapping[NumberSetting, str | None]:
    """Read the body of `POST /owned/{phone_number}`, which may be absent. None unsets a setting."""
    return (
        read_number_settings(read_object(content_type, body, ("voice_url", "sms_url", "friendly_name")))
        if body
        else {}
    )
