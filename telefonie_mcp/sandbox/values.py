"""Values in requests, read strictly: what comes out is what the documents allow, anything else is a problem.

The sandbox proves clients right, so it forgives nothing: unknown or repeated parameters, `1` or `True` for
a boolean, `+5` for an integer, letters among digits, JSON of the wrong type, webhooks without a host. The
problem names the parameter or field to blame.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast
from unicodedata import category
from urllib.parse import parse_qsl, urlsplit

from telefonie_mcp.numbering.number_types import NUMBER_TYPES, NumberType
from telefonie_mcp.sandbox.numbering_plan import COUNTRIES
from telefonie_mcp.sandbox.problems import Problem, bad_parameter
from telefonie_mcp.sandbox.store import NumberSetting

Json = dict[str, Any]
"""A JSON object."""

_LONGEST_URL: Final = 2048
_LONGEST_NAME: Final = 64
_MOST_DIGITS: Final = 15

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_DIGITS = re.compile(r"[0-9]+")
_WHOLE = re.compile(r"0|[1-9][0-9]*")
_UNFIT_FOR_A_NAME: Final = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line separators


def no_parameters(query: bytes) -> None:
    """Refuse any query."""
    read_parameters(query, ())


def read_parameters(query: bytes, allowed: tuple[str, ...]) -> dict[str, str]:
    """Read a query that may have the `allowed` parameters, each once, and no others."""
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
    """Read the required parameter `country_code`."""
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
    """Read the parameter `type`; None if it is absent."""
    wanted = given.get("type")
    if wanted is None or wanted in NUMBER_TYPES:
        return wanted
    raise bad_parameter("type", f"type must be one of {', '.join(NUMBER_TYPES)}.")


def read_digits(given: Mapping[str, str], name: str) -> str:
    """Read a parameter of digits; empty if it is absent."""
    value = given.get(name)
    if value is None:
        return ""
    if not _DIGITS.fullmatch(value) or len(value) > _MOST_DIGITS:
        raise bad_parameter(name, f"{name} must be 1 to {_MOST_DIGITS} digits and nothing else.")
    return value


def read_boolean(given: Mapping[str, str], name: str) -> bool | None:
    """Read a parameter that is true or false; None if it is absent."""
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


def read_object(content_type: str, body: bytes, allowed: tuple[str, ...]) -> Json:
    """Read a body that is one JSON object with no other than the `allowed` fields."""
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
    given = cast("Json", value)
    for name in given:
        _check_name(name, allowed, "field")
    return given


def read_number_settings(given: Mapping[str, Any]) -> dict[NumberSetting, str | None]:
    """Read the settings of a number that are among the fields; None unsets one."""
    settings: dict[NumberSetting, str | None] = {}
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
