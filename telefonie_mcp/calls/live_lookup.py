"""The operations of the lookup document for a live API that does not have them, as an in-process application.

Facts about numbering come from libphonenumber, offline. Ownership and availability are read from the live API
with ``getOwnedNumber`` and ``searchAvailableNumbers``; no other request is sent to it. If it cannot be read,
the response has the other facts and the reason why these are missing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

import anyio
import phonenumbers
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from telefonie_mcp.deadline import LIVE_LOOKUP, Deadline
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.money import money
from telefonie_mcp.numbering import lookup_document
from telefonie_mcp.numbering.e164 import national_number
from telefonie_mcp.numbering.lookup import SOURCE, describe, type_of
from telefonie_mcp.numbering.lookup_document import Offer, Standing
from telefonie_mcp.numbering.number_types import NUMBER_TYPES
from telefonie_mcp.openapi.toolsets import BASE
from telefonie_mcp.tools.requester import Requester, content_of

__all__ = ["create_lookup"]

_GET_OWNED: Final = "getOwnedNumber"
_SEARCH_AVAILABLE: Final = "searchAvailableNumbers"
_SAMPLE_SIZE: Final = 20
"""Numbers requested per search."""

_CAPABILITIES: Final = ("voice", "sms", "mms")


def create_lookup(requester: Requester, seconds: float) -> Starlette:
    """Create the application that serves the lookup document.

    Args:
        requester: Sends requests to the live API.
        seconds: Time limit of one tool call in all.

    """
    live = _LiveLookup(requester, seconds * LIVE_LOOKUP)
    routes = [Route("/lookup/{phone_number}", live.lookup), Route("/capabilities", live.capabilities)]
    return Starlette(routes=routes)


class _LiveLookup:
    def __init__(self, requester: Requester, seconds: float) -> None:
        self._requester = requester
        self._seconds = seconds
        self._tools = {
            tool.operation.id: tool
            for tool in requester.catalog.everything.values()
            if tool.document.toolset == BASE
        }

    async def lookup(self, request: Request) -> Response:
        numbering = await to_thread.run_sync(describe, request.path_params["phone_number"])
        standing = await self._standing(numbering["phone_number"], numbering.get("country_code"))
        return JSONResponse(lookup_document.lookup(numbering, standing, source=self._source))

    async def capabilities(self, request: Request) -> Response:
        query = request.query_params
        if set(query) == {"phone_number"}:
            return await self._number_capabilities(query["phone_number"])
        if "country_code" in query and "phone_number" not in query:
            return JSONResponse(await self._country_capabilities(query["country_code"], query.get("type")))
        return _bad_request(lookup_document.RULE)

    async def _number_capabilities(self, number: str) -> Response:
        numbering = await to_thread.run_sync(describe, number)
        country = numbering.get("country_code")
        if country is None or not numbering["valid"]:
            return _bad_request(numbering.get("reason", "It belongs to no country."), field="phone_number")
        number = numbering["phone_number"]
        standing = await self._standing(number, country)
        number_type = standing.type or type_of(number)
        if number_type is None:
            return _bad_request(
                standing.missing or "Numbers of this type are not sold.", field="phone_number"
            )
        answer = lookup_document.number_capabilities(
            number, country, number_type, standing, source=self._source
        )
        return JSONResponse(answer)

    async def _country_capabilities(self, country: str, only: str | None) -> Mapping[str, Any]:
        deadline = Deadline.after(self._seconds)
        offers: dict[str, Offer] = {}

        async def sample(number_type: str) -> None:
            offers[number_type] = await self._offer(country, number_type, deadline)

        types = (only,) if only else NUMBER_TYPES
        async with anyio.create_task_group() as tasks:
            for number_type in types:
                tasks.start_soon(sample, number_type)
        sources = {
            "types": f"a sample of the numbers available at {self._source} now, not a promise",
            "portable": f"{SOURCE}: whether mobile numbers move between carriers in the country",
            "requires": lookup_document.REQUIRES_UNKNOWN,
        }
        return lookup_document.country_capabilities(
            country, [offers[name] for name in types], sources=sources
        )

    async def _standing(self, number: str, country: str | None) -> Standing:
        """Look the number up among those that the account owns, then among those on sale."""
        deadline = Deadline.after(self._seconds)
        try:
            owned = await self._read(_GET_OWNED, {"phone_number": number}, deadline)
        except ToolError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                return Standing(missing=_reason_missing(error))
        else:
            return _standing(owned, owned=True)
        if country is None:
            return Standing(owned=False, available=False)
        national = national_number(number)
        query = {"country_code": country, "contains": national, "limit": _SAMPLE_SIZE}
        try:
            found = await self._search(query, deadline)
        except ToolError as error:
            return Standing(owned=False, missing=_reason_missing(error))
        offer = next((item for item in found if item["phone_number"] == number), None)
        return _standing(offer, owned=False) if offer else Standing(owned=False, available=False)

    async def _offer(self, country: str, number_type: str, deadline: Deadline) -> Offer:
        """Sample the available numbers of a type for their capabilities and monthly rates."""
        portable = None
        if number_type == "mobile":
            portable = phonenumbers.is_mobile_number_portable_region(country)
        query = {"country_code": country, "type": number_type, "limit": _SAMPLE_SIZE}
        try:
            found = await self._search(query, deadline)
        except ToolError as error:
            return Offer(number_type, portable=portable, missing=_reason_missing(error))
        numbers = [item for item in found if item["type"] == number_type]
        rates = _rates(numbers)
        capabilities = [item["capabilities"] for item in numbers if "capabilities" in item]
        return Offer(
            number_type,
            offered=bool(numbers),
            capabilities={name: any(each.get(name) for each in capabilities) for name in _CAPABILITIES}
            if capabilities
            else None,
            monthly_rate=rates[0] if rates else None,
            highest_monthly_rate=rates[-1] if len(rates) > 1 else None,
            portable=portable,
            sample={"numbers": len(numbers), "at": datetime.now(UTC).isoformat(timespec="seconds")},
        )

    async def _search(self, query: Mapping[str, Any], deadline: Deadline) -> list[Mapping[str, Any]]:
        answer = await self._read(_SEARCH_AVAILABLE, query, deadline)
        return cast("list[Mapping[str, Any]]", answer.get("available_numbers", []))

    async def _read(self, operation: str, arguments: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        tool = self._tools[operation]
        return content_of(tool, await self._requester.send(tool, arguments, deadline), arguments)

    @property
    def _source(self) -> str:
        return urlsplit(self._requester.server(self._tools[_GET_OWNED])).netloc


def _standing(number: Mapping[str, Any], *, owned: bool) -> Standing:
    """Return the standing of a number as the API describes it; its schema requires only the type."""
    return Standing(
        owned=owned,
        available=not owned,
        type=number["type"],
        capabilities=number.get("capabilities"),
        monthly_rate=number.get("monthly_rate"),
    )


def _rates(numbers: list[Mapping[str, Any]]) -> list[str]:
    """Return the distinct monthly rates, in ascending order and the API's own spelling."""
    rates: dict[Decimal, str] = {}
    for number in numbers:
        text = number.get("monthly_rate")
        if (rate := money(text)) is not None:
            rates.setdefault(rate, str(text))
    return [rates[rate] for rate in sorted(rates)]


def _reason_missing(error: ToolError) -> str:
    reason = error.message.removeprefix(f"{NOTHING_DONE}: ")
    return f"{reason[0].upper()}{reason[1:]} {error.hint}"


def _bad_request(detail: str, *, field: str | None = None) -> Response:
    """Return a response of status 400 with problem details (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": "Bad request",
        "status": 400,
        "detail": detail,
        "code": "bad_parameter",
    }
    return JSONResponse(
        body if field is None else {**body, "field": field}, 400, media_type="application/problem+json"
    )
