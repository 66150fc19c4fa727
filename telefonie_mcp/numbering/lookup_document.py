"""Responses of the lookup document, composed from numbering plans and from the account's data; pure.

The sandbox or the live lookup fills in a `Standing` or an `Offer`. Members that are None are unknown and left
out of the response; `missing` says why.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from telefonie_mcp.numbering.lookup import SOURCE

__all__ = [
    "REQUIRES_UNKNOWN",
    "RULE",
    "Offer",
    "Standing",
    "country_capabilities",
    "lookup",
    "number_capabilities",
]

RULE: Final = "Give country_code, alone or with type; or phone_number alone."
"""The rule for the parameters of `GET /capabilities`, which the schema cannot express."""

_UNKNOWN: Final = "It is neither owned nor available, so what it can do is unknown."
_NO_CARRIER: Final = (
    f"unknown: {SOURCE} names carriers only where the first digits tell them, mostly of mobile numbers, and "
    "not where numbers moved long ago, as in the US and Canada"
)
REQUIRES_UNKNOWN: Final = "not told by the API; it refuses a purchase that needs an address or documents"
"""Where the requirements of an offer come from if the API does not tell them."""

_CARRIER: Final = (
    f"{SOURCE}: the carrier that the number was first assigned to, not the one it may have moved to"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of a number with an account. Rates are decimal strings per month, as in the API."""

    owned: bool | None = None
    available: bool | None = None
    type: str | None = None
    capabilities: Mapping[str, bool] | None = None
    monthly_rate: str | None = None
    port: Mapping[str, str] | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """Capabilities, rates and requirements of a type of number in a country, or of one number."""

    type: str
    offered: bool | None = None
    owned: bool | None = None
    capabilities: Mapping[str, bool] | None = None
    monthly_rate: str | None = None
    highest_monthly_rate: str | None = None
    requires: str | None = None
    portable: bool | None = None
    sample: Mapping[str, int | str] | None = None
    missing: str | None = None


def lookup(numbering: Mapping[str, Any], standing: Standing, *, source: str) -> dict[str, Any]:
    """Compose the response of `GET /lookup/{phone_number}`; `source` names the origin of `standing`."""
    sources = {"numbering": SOURCE, "account": source}
    known = dict(numbering)
    if known["valid"]:
        sources["original_carrier"] = _CARRIER if "original_carrier" in known else _NO_CARRIER
        known.setdefault("original_carrier", "unknown")
    return {**known, "account": _known(standing), "sources": sources}


def country_capabilities(
    country: str, offers: Collection[Offer], *, sources: Mapping[str, str]
) -> dict[str, Any]:
    """Compose the response of `GET /capabilities` for a country."""
    return {"country_code": country, "types": [_known(offer) for offer in offers], "sources": dict(sources)}


def number_capabilities(
    number: str,
    country: str,
    number_type: str,
    standing: Standing,
    *,
    source: str,
    requires: str | None = None,
) -> dict[str, Any]:
    """Compose the response of `GET /capabilities` for one number of that country and type.

    Without `requires`, the API does not tell what a buyer must give.
    """
    offer = Offer(
        number_type,
        offered=standing.available,
        owned=standing.owned,
        capabilities=standing.capabilities,
        monthly_rate=standing.monthly_rate,
        requires=requires,
        missing=standing.missing or (None if standing.capabilities else _UNKNOWN),
    )
    sources = {"types": source} | ({} if requires else {"requires": REQUIRES_UNKNOWN})
    return {"phone_number": number, **country_capabilities(country, [offer], sources=sources)}


def _known(value: Standing | Offer) -> dict[str, Any]:
    members = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: member for name, member in members.items() if member is not None}
