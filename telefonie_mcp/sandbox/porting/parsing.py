"""Requests of the porting document, read as strictly as `values` does.

A problem never repeats an account number or a PIN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast, get_args
from unicodedata import category

from telefonie_mcp.sandbox.porting.carriers import AttachmentType
from telefonie_mcp.sandbox.porting.rejections import judge_account_number, judge_pin
from telefonie_mcp.sandbox.porting.states import STATES, OrderState
from telefonie_mcp.sandbox.problems import bad_parameter
from telefonie_mcp.sandbox.values import (
    read_integer,
    read_number,
    read_number_settings,
    read_object,
    read_parameters,
)

MOST_NUMBERS: Final = 100
MOST_PER_PAGE: Final = 100
_LONGEST: Final = 64
_LONGEST_FILE_NAME: Final = 128
_TEXTS: Final = ("authorized_name", "postal_code")
_FIELDS: Final = (
    *("phone_numbers", "foc_date", "account_number", "pin", *_TEXTS),
    *("voice_url", "sms_url", "friendly_name"),
)
_UNFIT: Final = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class PortOrdersQuery:
    """A page of the port orders; pages count from 1."""

    state: OrderState | None
    number: str | None
    page: int
    page_size: int


@dataclass(frozen=True, slots=True)
class PortOrderFields:
    """Input for a port order: its numbers, if given, and fields of `PortOrder` by name."""

    numbers: tuple[str, ...] | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """An attachment, with its content in base64."""

    type: AttachmentType
    file_name: str
    content: str


def check(content_type: str, body: bytes) -> tuple[str, ...]:
    """Read the body of `POST /portability-checks`: the numbers."""
    return _numbers(read_object(content_type, body, ("phone_numbers",)))


def creation(content_type: str, body: bytes) -> PortOrderFields:
    """Read the body of `POST /port-orders`."""
    given = read_object(content_type, body, _FIELDS)
    return PortOrderFields(_numbers(given), _fields(given))


def changes(content_type: str, body: bytes) -> PortOrderFields:
    """Read the body of `POST /port-orders/{port_order_id}`, which may be absent."""
    given = read_object(content_type, body, _FIELDS) if body else {}
    return PortOrderFields(_numbers(given) if "phone_numbers" in given else None, _fields(given))


def upload(content_type: str, body: bytes) -> Upload:
    """Read the body of `POST /port-orders/{port_order_id}/documents`."""
    given = read_object(content_type, body, ("type", "file_name", "content"))
    kinds = get_args(AttachmentType)
    if given.get("type") not in kinds:
        raise bad_parameter("type", f"type must be one of {', '.join(kinds)}.")
    file_name = _text(given, "file_name", _LONGEST_FILE_NAME)
    if not file_name or "/" in file_name or "\\" in file_name:
        raise bad_parameter("file_name", "file_name must be the name of a file, such as loa.pdf.")
    content = given.get("content")
    if not isinstance(content, str):
        raise bad_parameter("content", "content must be the file in base64.")
    return Upload(given["type"], file_name, content)


def port_orders(query: bytes) -> PortOrdersQuery:
    """Read the query of `GET /port-orders`."""
    given = read_parameters(query, ("status", "phone_number", "page", "page_size"))
    status = given.get("status")
    if status is not None and status not in STATES:
        raise bad_parameter("status", f"status must be one of {', '.join(STATES)}.")
    number = given.get("phone_number")
    return PortOrdersQuery(
        state=status,
        number=None if number is None else read_number(number),
        page=read_integer(given, "page", default=1),
        page_size=read_integer(given, "page_size", default=20, most=MOST_PER_PAGE),
    )


def no_body(body: bytes) -> None:
    """Refuse any body but an empty one or an empty object."""
    if body.strip() not in {b"", b"{}"}:
        raise bad_parameter(None, "This operation takes no body.")


def _numbers(given: Mapping[str, Any]) -> tuple[str, ...]:
    value = given.get("phone_numbers")
    if not isinstance(value, list) or not 1 <= len(cast("list[Any]", value)) <= MOST_NUMBERS:
        raise bad_parameter(
            "phone_numbers", f"phone_numbers must be a list of 1 to {MOST_NUMBERS} numbers in E.164 format."
        )
    numbers: list[str] = []
    for number in cast("list[Any]", value):
        if not isinstance(number, str):
            raise bad_parameter("phone_numbers", "Each of phone_numbers must be a string.")
        numbers.append(read_number(number, "phone_numbers"))
    if len(set(numbers)) < len(numbers):
        raise bad_parameter("phone_numbers", "Each number must be given once.")
    return tuple(numbers)


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {**read_number_settings(given)}
    if "account_number" in given:
        fields["account_number"] = judge_account_number(_secret(given, "account_number")) or ""
    if "pin" in given:
        fields["pin"] = judge_pin(_secret(given, "pin")) or ""
    fields |= {name: _text(given, name, _LONGEST) or None for name in _TEXTS if name in given}
    if "foc_date" in given:
        fields["requested_date"] = _date(given["foc_date"])
    return fields


def _secret(given: Mapping[str, Any], name: str) -> str:
    value = given[name]
    fit = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isascii() and value.isprintable()
    if not fit:
        raise bad_parameter(name, f"{name} must be 1 to {_LONGEST} printable ASCII characters.")
    return value


def _text(given: Mapping[str, Any], name: str, longest: int) -> str:
    value = given.get(name)
    if not isinstance(value, str) or len(value) > longest or any(category(c) in _UNFIT for c in value):
        raise bad_parameter(name, f"{name} must be at most {longest} characters on one line.")
    return value


def _date(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != value:  # Python reads other notations as well
        raise bad_parameter("foc_date", "foc_date must be a date such as 2026-12-01.")
    return day
