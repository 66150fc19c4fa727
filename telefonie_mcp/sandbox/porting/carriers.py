"""The carriers that numbers can be ported from, and what each requires.

The data is `carriers.json`: illustrative, with invented carriers. Numbers of one block (all but the last four
digits) are with one carrier, always the same, so that the numbers of a customer can be ported together.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal
from zlib import crc32

from telefonie_mcp.sandbox.numbering_plan import Location
from telefonie_mcp.sandbox.porting.rejections import RejectionCode

AttachmentType = Literal["loa", "invoice", "csr", "utility_bill"]
RequiredField = Literal["account_number", "pin", "authorized_name", "postal_code"]

_BLOCK: Final = -4
NOT_PORTABLE: Final[dict[str, RejectionCode]] = {
    "0197": "PHONE_NUMBER_NOT_PORTABLE",
    "0198": "RATE_CENTER_NOT_PORTABLE",
}
"""The last four digits of numbers that cannot be ported, and why."""


@dataclass(frozen=True, slots=True)
class Portability:
    """What porting a number requires; `lead_days` are the business days until the earliest FOC date."""

    carrier: str
    lead_days: int
    fields: tuple[RequiredField, ...]
    attachments: tuple[AttachmentType, ...]


def offered(location: Location) -> bool:
    """Return whether numbers of that country and type can be ported."""
    return location.country in _carrier_data()["countries"]


def portability(number: str, location: Location) -> Portability | RejectionCode:
    """Return what porting a valid number of another provider requires, or the code that rules it out."""
    if not offered(location):
        return "PHONE_NUMBER_NOT_PORTABLE"
    if code := NOT_PORTABLE.get(number[_BLOCK:]):
        return code
    data = _carrier_data()
    own = data["countries"][location.country]
    if location.type == "toll-free":
        own = data["toll_free"].get(location.country, own)
    facts = data["defaults"] | own
    carriers = facts["carriers"]
    return Portability(
        carrier=carriers[crc32(number[:_BLOCK].encode()) % len(carriers)],
        lead_days=facts["lead_days"],
        fields=tuple(facts["fields"]),
        attachments=tuple(facts["attachments"]),
    )


@cache
def _carrier_data() -> dict[str, Any]:
    return json.loads(files("telefonie_mcp.sandbox.porting").joinpath("carriers.json").read_text("utf-8"))
