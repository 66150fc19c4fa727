"""Lookup and capabilities answer for every region that libphonenumber knows, through MCP."""

import phonenumbers
from mcp import Client

from telefonie_mcp.server import create_server
from telefonie_mcp.settings import read_settings
from tests.lookup.test_numbering import SHARED, example
from tests.support.wire import answer_of


async def test_every_region_is_looked_up_and_says_what_it_offers() -> None:
    settings = read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_MAX_CALLS_PER_MINUTE": "10000"})
    assert len(phonenumbers.SUPPORTED_REGIONS) >= 245
    async with Client(create_server(settings)) as client:
        for region in sorted(phonenumbers.SUPPORTED_REGIONS):
            found = await client.call_tool("lookup_number", {"phone_number": example(region)})
            assert not found.is_error, answer_of(found)
            assert answer_of(found)["country_code"] == SHARED.get(region, region)
            offers = await client.call_tool("get_number_capabilities", {"country_code": region})
            assert not offers.is_error, answer_of(offers)
            assert answer_of(offers)["country_code"] == region
