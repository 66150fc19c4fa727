"""Number lookup and capability checking, from the sandbox's own data."""

from typing import Final

from telefonie_mcp.numbering import lookup_document
from telefonie_mcp.numbering.lookup import describe
from telefonie_mcp.numbering.lookup_document import Offer, Standing
from telefonie_mcp.numbering.number_types import NUMBER_TYPES, NumberType
from telefonie_mcp.sandbox.inventory import Filter, find
from telefonie_mcp.sandbox.numbering_plan import Location, exists, locate
from telefonie_mcp.sandbox.porting import Porting
from telefonie_mcp.sandbox.porting.carriers import offered
from telefonie_mcp.sandbox.pricing import Requirement, terms
from telefonie_mcp.sandbox.problems import Problem, bad_parameter
from telefonie_mcp.sandbox.routing import Endpoint, Endpoints, RawRequest
from telefonie_mcp.sandbox.service import Account
from telefonie_mcp.sandbox.store import Store
from telefonie_mcp.sandbox.triggers import TEST_NUMBERS, TRIGGERS
from telefonie_mcp.sandbox.values import Json, read_country, read_number, read_parameters, read_type

_SOURCE: Final = "the sandbox"
_REQUIRED_BY: Final = {"address_required": Requirement.ADDRESS, "bundle_required": Requirement.BUNDLE}
"""What test numbers require, by the problem that buying them is."""


class Lookup:
    """The operations of the lookup document over one store, apart from HTTP; all of them block on SQLite."""

    def __init__(self, store: Store, porting: Porting) -> None:
        self._store = store
        self._porting = porting

    def lookup(self, account: Account, number: str) -> Json:
        """`GET /lookup/{phone_number}`."""
        numbering = describe(number)
        return lookup_document.lookup(
            numbering, self._standing(account, numbering["phone_number"]), source=_SOURCE
        )

    def country_capabilities(self, country: str, types: tuple[NumberType, ...]) -> Json:
        """`GET /capabilities?country_code=…`."""
        offers = [_offer(Location(country, number_type)) for number_type in types]
        return lookup_document.country_capabilities(
            country, offers, sources={"types": f"{_SOURCE}, illustrative"}
        )

    def number_capabilities(self, account: Account, number: str) -> Json:
        """`GET /capabilities?phone_number=…`."""
        location = _location(number)
        if location is None:
            raise Problem(
                "invalid_number",
                "Numbers of this type are not sold." if exists(number) else None,
                field="phone_number",
            )
        trigger = TRIGGERS.get(number)
        asked = _REQUIRED_BY.get(trigger.problem or "") if trigger else None
        return lookup_document.number_capabilities(
            number,
            location.country,
            location.type,
            self._standing(account, number),
            source=_SOURCE,
            requires=asked or terms(*location).requires,
        )

    def _standing(self, account: Account, number: str) -> Standing:
        port = self._porting.status(account, number)
        if owned := self._store.get(account.id, number):
            return Standing(
                owned=True,
                available=False,
                type=owned.type,
                capabilities=terms(owned.country, owned.type).capabilities(),
                monthly_rate=str(owned.monthly_rate),
                port=port,
            )
        location, trigger = _location(number), TRIGGERS.get(number)
        unknown = location is None or (trigger and not trigger.findable)
        if location is None or unknown or self._store.taken(account.id, [number]):
            return Standing(owned=False, available=False, port=port)
        offer = terms(*location)
        return Standing(
            owned=False,
            available=True,
            type=location.type,
            capabilities=offer.capabilities(),
            monthly_rate=str(offer.monthly_rate),
            port=port,
        )


def endpoints(lookup: Lookup) -> Endpoints:
    """Return the endpoints of the lookup document."""

    def look_up(account: Account, request: RawRequest) -> Json:
        return lookup.lookup(account, read_number(request.path["phone_number"]))

    def capabilities(account: Account, request: RawRequest) -> Json:
        given = read_parameters(request.query, ("country_code", "type", "phone_number"))
        if given.keys() == {"phone_number"}:
            return lookup.number_capabilities(account, read_number(given["phone_number"]))
        if "phone_number" in given or "country_code" not in given:
            raise bad_parameter(None, lookup_document.RULE)
        country, only = read_country(given), read_type(given)
        return lookup.country_capabilities(country, (only,) if only else NUMBER_TYPES)

    return {
        "/lookup/{phone_number}": {"GET": Endpoint(look_up)},
        "/capabilities": {"GET": Endpoint(capabilities, reads_query=True)},
    }


def _location(number: str) -> Location | None:
    return TEST_NUMBERS if number in TRIGGERS else locate(number)


def _offer(location: Location) -> Offer:
    # Taken numbers do not matter: the question is whether the country has the type at all.
    found = find(Filter(*location), limit=1, purchases=0, taken=lambda _: set())
    if not found:
        return Offer(location.type, offered=False)
    offer = terms(*location)
    return Offer(
        location.type,
        offered=True,
        capabilities=offer.capabilities(),
        monthly_rate=str(offer.monthly_rate),
        requires=offer.requires,
        portable=offered(location),
    )
