"""From whom a number can be ported and what that takes.

The data is `carriers.toml`: illustrative, with invented carriers. Numbers of one block (all but the last four
digits) are with one carrier, always the same, so that the numbers of a customer can be ported together.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal
from zlib import crc32

from telefonie_mcp.sandbox.numbering_plan import Location
from telefonie_mcp.sandbox.porting.rejections import Code

DocumentType = Literal["loa", "invoice", "csr", "utility_bill"]
Field = Literal["account_number", "pin", "authorized_name", "postal_code"]

_BLOCK: Final = -4
NOT_PORTABLE: Final[dict[str, Code]] = {
    "0197": "PHONE_NUMBER_NOT_PORTABLE",
    "0198": "RATE_CENTER_NOT_PORTABLE",
}
"""The last four digits of numbers that cannot be ported, and why."""


@dataclass(frozen=True, slots=True)
class Portability:
    """What it takes to port a number: `lead_days` are the business days to the earliest FOC date."""

    carrier: str
    lead_days: int
    fields: tuple[Field, ...]
    documents: tuple[DocumentType, ...]


def offered(location: Location) -> bool:
    """Tell whether numbers of that country and type can be ported at all."""
    return location.country in _market()["countries"]


def portability(number: str, location: Location) -> Portability | Code:
    """Return what it takes to port a valid number that is in service elsewhere, or why it is impossible."""
    if not offered(location):
        return "PHONE_NUMBER_NOT_PORTABLE"
    if code := NOT_PORTABLE.get(number[_BLOCK:]):
        return code
    market = _market()
    own = market["countries"][location.country]
    if location.type == "toll-free":
        own = market["toll_free"].get(location.country, own)
    facts = market["defaults"] | own
    carriers = facts["carriers"]
    return Portability(
        carrier=carriers[crc32(number[:_BLOCK].encode()) % len(carriers)],
        lead_days=facts["lead_days"],
        fields=tuple(facts["fields"]),
        documents=tuple(facts["documents"]),
    )


@cache
def _market() -> dict[str, Any]:
    return tomllib.loads(files("telefonie_mcp.sandbox.porting").joinpath("carriers.toml").read_text("utf-8"))
