"""Before the yes: what the API wants besides, where it tells, and in which currency a number costs."""

from collections.abc import Mapping
from typing import Any

import httpx2 as httpx
import pytest
from mcp_types import ElicitResult

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.upstream.client import asgi_transport
from tests.safety.test_approval import answering
from tests.support.faulty import Provider, faulty
from tests.support.served import called, served

ADDRESS = "an address may be wanted, on file with the account"
BUNDLE = "documents may be wanted: a bundle, which the provider approves first"
UNKNOWN = "unknown: an address or documents may be wanted, and the API does not tell"
TEST_ADDRESS, TEST_BUNDLE = "+15005550013", "+15005550014"


class Mute(httpx.AsyncBaseTransport):
    """The sandbox without its capabilities."""

    def __init__(self) -> None:
        self._sandbox = asgi_transport(create_sandbox(":memory:", embedded=True))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/capabilities"):
            return httpx.Response(404, json={"detail": "There is no such thing."}, request=request)
        return await self._sandbox.handle_async_request(request)


async def preview(
    number: str = "", transport: httpx.AsyncBaseTransport | None = None, country: str = "US", **settings: str
) -> Mapping[str, Any]:
    """Return the preview of buying a number in the sandbox, by default the first one on sale."""
    variables = {f"TELEFONIE_{name}": value for name, value in settings.items()}
    app = App.from_settings(
        read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", **variables}), transport=transport
    )
    try:
        if not number:
            asked = {"country_code": country, "limit": 1}
            found = (await app.pipeline.call("search_available_numbers", asked, CommandLine())).content
            number = found["available_numbers"][0]["phone_number"]
        with pytest.raises(ToolError) as refused:
            await app.pipeline.call("purchase_number", {"phone_number": number}, CommandLine())
    finally:
        await app.aclose()
    return refused.value.as_dict()


@pytest.mark.parametrize(
    ("number", "country", "words"),
    [
        ("", "US", "nothing"),
        ("", "DE", ADDRESS),
        ("", "IT", BUNDLE),
        (TEST_ADDRESS, "", ADDRESS),
        (TEST_BUNDLE, "", BUNDLE),
    ],
)
async def test_a_preview_says_what_may_be_wanted_where_the_api_tells(
    number: str, country: str, words: str
) -> None:
    assert (await preview(number, country=country))["preview"]["requires"] == words


async def test_a_preview_says_that_it_cannot_be_known_where_the_api_does_not_tell() -> None:
    for told in (await preview(TOOLSETS="numbers"), await preview(transport=Mute())):
        assert told["preview"]["requires"] == UNKNOWN
        assert "next_call" in told


async def test_the_person_is_told_before_the_yes() -> None:
    asked: list[str] = []
    no = answering(ElicitResult(action="decline"), asked)
    rules: dict[str, Any] = {"approval": "human", "currency": "USD", "elicitation_callback": no}
    async with faulty() as provider, served(provider, 30, **rules) as client:
        assert (await called(client, "purchase_number"))["code"] == "not_approved"
    assert f"· requires: {UNKNOWN}" in asked[0].splitlines()
    assert "· priced: in USD" in asked[0].splitlines()


@pytest.mark.parametrize(
    ("rate", "currency", "priced", "shown"),
    [
        ("1.15", None, ", priced in the account's currency.", ("1.15", None)),
        ("1.15", "USD", ", priced in USD.", ("1.15", None)),
        ("1.15 EUR", None, ".", ("1.15", "1.15 EUR")),
        ("$1.15", "USD", ".", ("1.15", "$1.15")),
    ],
)
async def test_a_preview_names_the_currency_once(
    rate: str, currency: str | None, priced: str, shown: tuple[str, str | None]
) -> None:
    async with faulty(Provider(rate=rate)) as provider, served(provider, 30, currency=currency) as client:
        told = await called(client, "purchase_number", confirm=False)
    assert told["message"].endswith(f"start its monthly billing{priced}")
    facts = told["preview"]
    assert (facts["monthly_rate"], facts["current"].get("monthly_rate")) == shown
    assert told["next_call"]["arguments"]["max_monthly_rate"] == 1.15


def test_the_tools_name_the_currency_that_the_operator_names() -> None:
    plain, named = (
        App.from_settings(read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", **given})).catalog
        for given in ({}, {"TELEFONIE_CURRENCY": "USD"})
    )
    for name in ("search_available_numbers", "purchase_number", "get_number_capabilities"):
        assert "the account's currency" in plain[name].description
        assert named[name].description == plain[name].description.replace("the account's currency", "USD")


def test_bundle_and_foc_are_explained_in_words() -> None:
    variables = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_TOOLSETS": "all"}
    catalog = App.from_settings(read_settings(variables)).catalog
    assert "a bundle is a set of documents that the provider approves first" in (
        catalog["get_number_capabilities"].description
    )
    words = "FOC, firm order commitment, is the date on which numbers move."
    assert words in catalog["check_portability"].description
    assert "on that date the numbers move into your account" in catalog["submit_port_order"].description
