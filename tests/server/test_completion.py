"""Completions through the SDK's client, in both protocol eras."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, PromptReference, ResourceTemplateReference

from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from tests.support.account import connected_live, owning
from tests.support.faulty import faulty, hang, replying
from tests.support.transports import both_eras, everywhere
from tests.support.wire import Mode, Transport, connected

FIND = PromptReference(name="find_and_buy_number")
GIVE_BACK = PromptReference(name="give_back_number")
NUMBER = ResourceTemplateReference(uri="telefonie://numbers/{phone_number}")
COUNTRY = ResourceTemplateReference(uri="telefonie://countries/{country_code}")


async def complete(
    client: Client, ref: PromptReference | ResourceTemplateReference, name: str, value: str, **context: str
) -> list[str]:
    result = await client.complete(ref, {"name": name, "value": value}, context or None)
    assert len(result.completion.values) <= 100
    return result.completion.values


@both_eras
@everywhere
async def test_countries_types_areas_and_owned_numbers_are_completed(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    async with connected(transport, mode, tmp_path, TELEFONIE_SANDBOX_DB=":memory:") as client:
        assert client.server_capabilities
        assert client.server_capabilities.completions is not None
        assert await complete(client, FIND, "country", "germ") == ["DE"]
        assert await complete(client, COUNTRY, "country_code", "swit") == ["CH"]
        assert await complete(client, FIND, "type", "") == ["local", "national", "toll-free", "mobile"]
        assert await complete(client, FIND, "type", "To") == ["toll-free"]
        assert "415" in await complete(client, FIND, "area", "41", country="us")
        await client.call_tool("purchase_number", {"phone_number": "+14155550123", "confirm": True})
        for ref in (GIVE_BACK, NUMBER):
            assert await complete(client, ref, "phone_number", "") == ["+14155550123"]
            assert await complete(client, ref, "phone_number", "1 (415") == ["+14155550123"]
            assert await complete(client, ref, "phone_number", "+44") == []
            assert await complete(client, ref, "phone_number", "+1 1 415 555 0123") == ["+14155550123"]


@pytest.mark.parametrize(
    ("ref", "name", "context"),
    [
        (FIND, "area", {}),
        (FIND, "area", {"country": "Atlantis"}),
        (FIND, "area", {"type": "local", "purpose": "x"}),
        (FIND, "purpose", {}),
        (FIND, "nonsense", {}),
        (PromptReference(name="move_webhooks"), "from_host", {}),
        (NUMBER, "nonsense", {}),
    ],
)
async def test_arguments_without_suggestions_get_an_empty_list(
    ref: Any, name: str, context: dict[str, str]
) -> None:
    async with Client(create_server(Settings(sandbox_db=":memory:"))) as client:
        assert await complete(client, ref, name, "", **context) == []


async def test_numbers_to_be_brought_are_not_those_of_the_account(tmp_path: Path) -> None:
    variables = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_TOOLSETS": "numbers,porting"}
    async with connected("memory", "auto", tmp_path, **variables) as client:
        await client.call_tool("purchase_number", {"phone_number": "+14155550123", "confirm": True})
        bring = PromptReference(name="bring_my_numbers")
        assert await complete(client, bring, "numbers", "+1") == []
        assert await complete(client, bring, "date", "") == []


@both_eras
@pytest.mark.parametrize(
    "ref", [PromptReference(name="nonsense"), ResourceTemplateReference(uri="telefonie://numbers/{x}")]
)
async def test_completing_what_does_not_exist_is_refused(ref: Any, mode: Mode) -> None:
    async with Client(create_server(Settings(sandbox_db=":memory:")), mode=mode) as client:
        with pytest.raises(MCPError, match="Unknown") as refused:
            await complete(client, ref, "x", "")
    assert refused.value.error.code == INVALID_PARAMS


async def test_the_first_hundred_of_many_numbers_are_suggested(tmp_path: Path) -> None:
    async with (
        faulty(owning(250)) as provider,
        connected_live(provider, "memory", "auto", tmp_path) as client,
    ):
        result = await client.complete(NUMBER, {"name": "phone_number", "value": "+1415"})
        assert result.completion.values == [*provider.owned][:100]
        assert result.completion.has_more is True
        assert provider.count("GET") == 2
        assert await complete(client, NUMBER, "phone_number", "+14155550249") == ["+14155550249"]


async def test_a_large_account_is_not_searched_to_its_end(tmp_path: Path) -> None:
    async with (
        faulty(owning(1200)) as provider,
        connected_live(provider, "memory", "auto", tmp_path) as client,
    ):
        assert await complete(client, NUMBER, "phone_number", "+14155551199") == []
        assert provider.count("GET") == 10


async def test_an_api_that_ignores_pages_suggests_each_number_once(tmp_path: Path) -> None:
    async with (
        faulty(owning(100, deaf=True)) as provider,
        connected_live(provider, "memory", "auto", tmp_path) as client,
    ):
        assert await complete(client, NUMBER, "phone_number", "") == [*provider.owned]


async def test_an_api_that_fails_suggests_nothing(tmp_path: Path) -> None:
    async with (
        faulty(GET=[replying(401)]) as provider,
        connected_live(provider, "memory", "auto", tmp_path) as client,
    ):
        assert await complete(client, NUMBER, "phone_number", "+1") == []


async def test_who_types_does_not_wait_for_an_api_that_hangs(tmp_path: Path) -> None:
    async with faulty(GET=[hang]) as provider, connected_live(provider, "memory", "auto", tmp_path) as client:
        assert await complete(client, NUMBER, "phone_number", "+1") == []
        assert provider.count("GET") == 1


async def test_nothing_of_the_account_is_suggested_without_the_tool_that_lists_it() -> None:
    settings = Settings(sandbox_db=":memory:", exclude_tools=("list_owned_numbers",))
    async with Client(create_server(settings)) as client:
        await client.call_tool("purchase_number", {"phone_number": "+14155550123", "confirm": True})
        assert await complete(client, NUMBER, "phone_number", "") == []
