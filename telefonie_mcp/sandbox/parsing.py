"""Requests, read strictly: what comes out is what the document allows, anything else is a problem.

The sandbox proves clients right, so it forgives nothing: unknown or repeated parameters, `1` or `True` for
a boolean, `+5` for an integer, letters among digits, JSON of the wrong type, webhooks without a host. The
problem names the parameter or field to blame.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from unicodedata import category
from urllib.parse import parse_qsl, urlsplit

from telefonie_mcp.sandbox.numbering_plan import COUNTRIES, NORTH_AMERICA, NUMBER_TYPES, NumberType, plan
from telefonie_mcp.sandbox.problems import Problem, bad_parameter
from telefonie_mcp.sandbox.store import Setting

_MOST_RESULTS: Final = 20
_MOST_PER_PAGE: Final = 100
_LONGEST_URL: Final = 2048
_LONGEST_NAME: Final = 64
_MOST_DIGITS: Final = 15
_NORTH_AMERICAN_AREA: Final = 3

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_DIGITS = re.compile(r"[0-9]+")
_WHOLE = re.compile(r"0|[1-9][0-9]*")
_UNFIT_FOR_A_NAME: Final = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line separators


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
class Listing:
    """A page of the owned numbers; pages count from 1."""

    type: NumberType | None
    page: int
    page_size: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """A number in E.164 format and its first settings."""

    number: str
    settings: Mapping[Setting, str | None]


def search(query: bytes) -> Search:
    """Read the query of `GET /available`."""
    allowed = ("country_code", "type", "area_code", "contains", "sms_enabled", "voice_enabled", "limit")
    given = read_parameters(query, allowed)
    country = read_country(given)
    number_type = read_type(given)
    area_code, contains = _digits(given, "area_code"), _digits(given, "contains")
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
        sms=_boolean(given, "sms_enabled"),
        voice=_boolean(given, "voice_enabled"),
        limit=read_integer(given, "limit", default=10, most=_MOST_RESULTS),
    )


def listing(query: bytes) -> Listing:
    """Read the query of `GET /owned`."""
    given = read_parameters(query, ("type", "page", "page_size"))
    return Listing(
        type=read_type(given),
        page=read_integer(given, "page", default=1),
        page_size=read_integer(given, "page_size", default=20, most=_MOST_PER_PAGE),
    )


def no_parameters(query: bytes) -> None:
    """Refuse any query."""
    read_parameters(query, ())


def number_in_path(number: str) -> str:
    """Read the number of `/owned/{phone_number}`, decoded."""
    return read_number(number)


def purchase(content_type: str, body: bytes) -> Purchase:
    """Read the body of `POST /owned`."""
    given = read_object(content_type, body, ("phone_number", "voice_url", "sms_url", "friendly_name"))
    if "phone_number" not in given:
        raise bad_parameter("phone_number", "phone_number is required: the number to buy in E.164 format.")
    number = given["phone_number"]
    if not isinstance(number, str):
        raise bad_parameter("phone_number", "phone_number must be a string.")
    return Purchase(read_number(number), read_settings(given))


def changes(content_type: str, body: bytes) -> Mapping[Setting, str | None]:
    """Read the body of `POST /owned/{phone_number}`, which may be absent. None unsets a setting."""
    return (
        read_settings(read_object(content_type, body, ("voice_url", "sms_url", "friendly_name")))
        if body
        else {}
    )


def read_parameters(query: bytes, allowed: tuple[str, ...]) -> dict[str, str]:
    """Read a query of which nothing but `allowed` parameters, each once, may be part."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), errors="strict"
        )
    except ValueError:
        raise bad_parameter(None, "The query must be name=value pairs in percent-encoded UTF-8.") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        _check_name(name, allowed, "parameter")
        if name in given:
            raise bad_parameter(name, f"{name} is given more than once. Give it once.")
        given[name] = value
    return given


def _check_name(name: str, allowed: tuple[str, ...], what: str) -> None:
    if name not in allowed:
        # What is echoed must stay short and printable: it comes from anywhere.
        shown = name if name.isascii() and name.isprintable() and 0 < len(name) <= _LONGEST_NAME else None
        known = ", ".join(allowed) or "none"
        raise bad_parameter(shown, f"Unknown {what}. Known here: {known}.")


def read_country(given: Mapping[str, str]) -> str:
    """Read the parameter `country_code`, which must be there."""
    if "country_code" not in given:
        raise bad_parameter(
            "country_code", "country_code is required: an ISO 3166-1 code such as US, GB or DE."
        )
    country = given["country_code"]
    if country not in COUNTRIES:
        raise bad_parameter(
            "country_code",
            "There are no numbers for this country_code. Use two capital letters, such as US or GB.",
        )
    return country


def read_type(given: Mapping[str, str]) -> NumberType | None:
    """Read the parameter `type`."""
    wanted = given.get("type")
    if wanted is None or wanted in NUMBER_TYPES:
        return wanted
    raise bad_parameter("type", f"type must be one of {', '.join(NUMBER_TYPES)}.")


def _digits(given: Mapping[str, str], name: Literal["area_code", "contains"]) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not _DIGITS.fullmatch(value) or len(value) > _MOST_DIGITS:
        raise bad_parameter(name, f"{name} must be 1 to {_MOST_DIGITS} digits and nothing else.")
    return value


def _boolean(given: Mapping[str, str], name: str) -> bool | None:
    match given.get(name):
        case None:
            return None
        case "true":
            return True
        case "false":
            return False
        case _:
            raise bad_parameter(name, f"{name} must be true or false.")


def read_integer(given: Mapping[str, str], name: str, *, default: int, most: int | None = None) -> int:
    """Read a parameter that is a whole number from 1."""
    text = given.get(name)
    if text is None:
        return default
    # Python reads integers of at most 4300 digits; none of that length is meant.
    value = int(text) if len(text) < _LONGEST_NAME and _WHOLE.fullmatch(text) else 0
    if value < 1 or (most is not None and value > most):
        limits = f"from 1 to {most}" if most else "from 1"
        raise bad_parameter(name, f"{name} must be a whole number {limits}, in digits only.")
    return value


def read_number(text: str, field: str = "phone_number") -> str:
    """Read a number in E.164 format, existing or not."""
    if not _E164.fullmatch(text):
        raise Problem(
            "invalid_number",
            "The number must be in E.164 format, such as +14155550100: a plus sign and 2 to 15 digits. "
            "In a path, encode the plus sign as %2B.",
            field=field,
        )
    return text


def read_object(content_type: str, body: bytes, allowed: tuple[str, ...]) -> dict[str, Any]:
    """Read a body that is one JSON object with nothing but `allowed` fields."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem("unsupported_media_type")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) != len(dict(pairs)):
            raise ValueError("repeated name")
        return dict(pairs)

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise bad_parameter(None, "The body must be one JSON object in UTF-8 with each name once.") from None
    if not isinstance(value, dict):
        raise bad_parameter(None, "The body must be a JSON object.")
    given = cast("dict[str, Any]", value)
    for name in given:
        _check_name(name, allowed, "field")
    return given


def read_settings(given: Mapping[str, Any]) -> dict[Setting, str | None]:
    """Read the settings of a number that are among the fields; None unsets one."""
    settings: dict[Setting, str | None] = {}
    for name in ("voice_url", "sms_url", "friendly_name"):
        if name in given:
            value = given[name]
            if not isinstance(value, str):
                raise bad_parameter(name, f"{name} must be a string.")
            check = _check_friendly_name if name == "friendly_name" else _check_webhook_url
            check(name, value)
            settings[name] = value or None
    return settings


def _check_friendly_name(field: str, name: str) -> None:
    if len(name) > _LONGEST_NAME or any(category(character) in _UNFIT_FOR_A_NAME for character in name):
        raise bad_parameter(
            field,
            f"{field} must be at most {_LONGEST_NAME} characters on one line, without control characters.",
        )


def _check_webhook_url(field: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    printable = url.isprintable() and " " not in url
    if url and not (usable and printable and len(url) <= _LONGEST_URL):
        raise Problem(
            "invalid_webhook_url",
            f"{field} must be an http or https URL with a host, at most {_LONGEST_URL} characters, "
            "or empty to remove it.",
            field=field,
        )
