"""Number lookup and capability checking, from the sandbox's own data."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from telefonie_mcp.numbering import lookup_document
from telefonie_mcp.numbering.lookup import describe_number
from telefonie_mcp.numbering.lookup_document import Offer, Standing
from telefonie_mcp.sandbox import parsing, received
from telefonie_mcp.sandbox.inventory import Filter, find
from telefonie_mcp.sandbox.numbering_plan import NUMBER_TYPES, Location, NumberType, exists, locate
from telefonie_mcp.sandbox.porting import Porting
from telefonie_mcp.sandbox.porting.api import Endpoint, Run
from telefonie_mcp.sandbox.porting.carriers import offered
from telefonie_mcp.sandbox.pricing import terms
from telefonie_mcp.sandbox.problems import Problem, bad_parameter
from telefonie_mcp.sandbox.service import Caller, Json
from telefonie_mcp.sandbox.store import Store
from telefonie_mcp.sandbox.triggers import TEST_NUMBERS, TRIGGERS

_SOURCE: Final = "the sandbox"


class Lookup:
    """The operations of the lookup document over one store, apart from HTTP."""

    def __init__(self, store: Store, porting: Porting) -> None:
        self._store = store
        self._porting = porting

    def lookup(self, caller: Caller, number: str) -> Json:
        """`GET /lookup/{phone_number}`."""
        numbering = describe_number(number)
        return lookup_document.lookup(
            numbering, self._standing(caller, numbering["phone_number"]), source=_SOURCE
        )

    def country_capabilities(self, country: str, types: tuple[NumberType, ...]) -> Json:
        """`GET /capabilities?country_code=…`."""
        offers = [_offer(Location(country, number_type)) for number_type in types]
        return lookup_document.country_capabilities(
            country, offers, sources={"types": f"{_SOURCE}, illustrative"}
        )

    def number_capabilities(self, caller: Caller, number: str) -> Json:
        """`GET /capabilities?phone_number=…`."""
        location = _location(number)
        if location is None:
            raise Problem(
                "invalid_number",
                "Numbers of this type are not sold." if exists(number) else None,
                field="phone_number",
            )
        return lookup_document.number_capabilities(
            number, location.country, location.type, self._standing(caller, number), source=_SOURCE
        )

    def _standing(self, caller: Caller, number: str) -> Standing:
        port = self._porting.status(caller, number)
        if owned := self._store.get(caller.account, number):
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
        if location is None or unknown or self._store.taken(caller.account, [number]):
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


def endpoints(run: Run, lookup: Lookup) -> Mapping[str, Mapping[str, Endpoint]]:
    """Return path → method → endpoint."""

    async def look_up(request: Request) -> Response:
        query, number = received.query(request), request.path_params["phone_number"]

        def operation(caller: Caller) -> Json:
            parsing.no_parameters(query)
            return lookup.lookup(caller, parsing.number_in_path(number))

        return JSONResponse(await run(request, operation))

    async def capabilities(request: Request) -> Response:
        query = received.query(request)

        def operation(caller: Caller) -> Json:
            given = parsing.read_parameters(query, ("country_code", "type", "phone_number"))
            if given.keys() == {"phone_number"}:
                return lookup.number_capabilities(caller, parsing.read_number(given["phone_number"]))
            if "phone_number" in given or "country_code" not in given:
                raise bad_parameter(None, lookup_document.RULE)
            country, only = parsing.read_country(given), parsing.read_type(given)
            return lookup.country_capabilities(country, (only,) if only else NUMBER_TYPES)

        return JSONResponse(await run(request, operation))

    return {"/lookup/{phone_number}": {"GET": look_up}, "/capabilities": {"GET": capabilities}}


def _location(number: str) -> Location | None:
    return TEST_NUMBERS if number in TRIGGERS else locate(number)


def _offer(location: Location) -> Offer:
    # Nothing is taken here: the question is what there is, not what is left of it.
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
