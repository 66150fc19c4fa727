"""The resources through the SDK's client, in both protocol eras, against the sandbox and a live API."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from telefonie_mcp.app import App
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.server.resources import Resources
from telefonie_mcp.settings.fields import Settings
from tests.support.account import Heard, connected_live, owning, read
from tests.support.faulty import NUMBER, Exchange, faulty, replying
from tests.support.transports import both_eras, everywhere
from tests.support.wire import Mode, Transport, answer_of, connected

IN_MEMORY = ":memory:"


async def buy(client: Client, number: str, **settings: str) -> None:
    result = await client.call_tool("purchase_number", {"phone_number": number, "confirm": True, **settings})
    assert not result.is_error


@both_eras
@everywhere
async def test_resources_and_templates_are_listed_with_titles_and_annotations(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    async with connected(transport, mode, tmp_path, TELEFONIE_SANDBOX_DB=IN_MEMORY) as client:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert client.server_capabilities
        assert client.server_capabilities.resources
        assert client.server_capabilities.resources.subscribe is True
        assert client.server_capabilities.resources.list_changed is False
    assert [each.uri for each in resources if "openapi" not in each.uri] == [
        "telefonie://numbers",
        "telefonie://log",
    ]
    assert {each.uri_template for each in templates} == {
        "telefonie://numbers/{phone_number}",
        "telefonie://countries/{country_code}",
    }
    assert not tools & {each.name for each in (*resources, *templates)}
    for each in (*resources, *templates):
        assert each.title
        assert each.description
        assert each.annotations
        assert each.annotations.audience
        assert each.annotations.priority is not None
    assert all((each.size is not None) is ("openapi" in each.uri) for each in resources)


@both_eras
@everywhere
async def test_the_whole_account_is_read_page_by_page(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    heard: Heard = []
    async with faulty(owning(250)) as provider, connected_live(provider, transport, mode, tmp_path) as client:
        account = json.loads(await read(client, "telefonie://numbers", heard))
        assert (account["total"], account["complete"]) == (250, True)
        assert [each["phone_number"] for each in account["numbers"]] == [*provider.owned]
        assert [target for _, target in provider.log] == [
            f"/v1/numbers/owned?page={page}&page_size=100" for page in (1, 2, 3)
        ]
    assert heard == [(done, 250, f"All owned numbers: {done} read") for done in (100, 200, 250)]


async def test_a_client_that_did_not_ask_for_progress_gets_none(tmp_path: Path) -> None:
    async with faulty(owning(101)) as provider, connected_live(provider, "stdio", "auto", tmp_path) as client:
        assert json.loads(await read(client, "telefonie://numbers"))["complete"]


async def test_an_api_that_ignores_the_page_is_not_asked_for_ever(tmp_path: Path) -> None:
    async with (
        faulty(owning(150, deaf=True)) as provider,
        connected_live(provider, "memory", "auto", tmp_path) as client,
    ):
        account = json.loads(await read(client, "telefonie://numbers"))
        assert (len(account["numbers"]), account["complete"]) == (100, False)
        assert "ignore page" in account["note"]
        assert provider.count("GET") == 2


async def test_a_number_is_read_under_both_spellings_of_its_uri(tmp_path: Path) -> None:
    async with connected("memory", "auto", tmp_path, TELEFONIE_SANDBOX_DB=IN_MEMORY) as client:
        await buy(client, NUMBER, friendly_name="Front desk")
        for spelling in ("+14155550100", "%2B14155550100"):
            number = json.loads(await read(client, f"telefonie://numbers/{spelling}"))
            assert (number["phone_number"], number["friendly_name"]) == (NUMBER, "Front desk")


@both_eras
async def test_a_country_shows_what_it_offers(mode: Mode, tmp_path: Path) -> None:
    async with connected("memory", mode, tmp_path, TELEFONIE_SANDBOX_DB=IN_MEMORY) as client:
        country = json.loads(await read(client, "telefonie://countries/gb"))
    assert country.keys() == {"available_numbers", "capabilities"}
    numbers = country["available_numbers"]
    assert len(numbers) == 20
    assert {each["country_code"] for each in numbers} == {country["capabilities"]["country_code"]} == {"GB"}
    rates = {each["type"]: each["monthly_rate"] for each in country["capabilities"]["types"]}
    assert {each["type"]: each["monthly_rate"] for each in numbers} == rates
    assert rates.keys() == {"local", "national", "toll-free", "mobile"}


async def test_a_country_says_what_the_listed_tools_say(tmp_path: Path) -> None:
    for toolsets, members in (("numbers", {"available_numbers"}), ("lookup", {"capabilities"})):
        async with connected(
            "memory", "auto", tmp_path, TELEFONIE_SANDBOX_DB=IN_MEMORY, TELEFONIE_TOOLSETS=toolsets
        ) as client:
            assert json.loads(await read(client, "telefonie://countries/US")).keys() == members


async def test_a_country_of_a_live_api_is_read(tmp_path: Path) -> None:
    async with faulty() as provider, connected_live(provider, "memory", "auto", tmp_path) as client:
        country = json.loads(await read(client, "telefonie://countries/US"))
        assert country["available_numbers"][0]["phone_number"] == NUMBER
        assert country["capabilities"]["country_code"] == "US"


async def test_port_orders_are_resources_where_porting_is_on(tmp_path: Path) -> None:
    variables = {"TELEFONIE_SANDBOX_DB": IN_MEMORY, "TELEFONIE_TOOLSETS": "numbers,porting"}
    async with connected("memory", "auto", tmp_path, **variables) as client:
        order = await client.call_tool("create_port_order", {"phone_numbers": ["+12125550123"]})
        assert order.structured_content
        name = order.structured_content["port_order_id"]
        orders = json.loads(await read(client, "telefonie://port-orders"))
        assert [each["port_order_id"] for each in orders["port_orders"]] == [name]
        assert json.loads(await read(client, f"telefonie://port-orders/{name}"))["port_order_id"] == name


@both_eras
@pytest.mark.parametrize(
    ("uri", "words", "field"),
    [
        ("telefonie://numbers/+14155550199", "404", None),
        ("telefonie://numbers/nonsense", "must be in E.164 format", "phone_number"),
        ("telefonie://countries/UK", "did you mean GB", "country_code"),
        ("telefonie://numbers/%2E%2E", "must be in E.164 format", "phone_number"),
        ("telefonie://nowhere", "Unknown resource; the resources are telefonie://openapi/", None),
    ],
)
async def test_what_cannot_be_read_says_why(
    uri: str, words: str, field: str | None, mode: Mode, tmp_path: Path
) -> None:
    async with connected("memory", mode, tmp_path, TELEFONIE_SANDBOX_DB=IN_MEMORY) as client:
        with pytest.raises(MCPError, match=words) as refused:
            await read(client, uri)
    assert refused.value.error.code == INVALID_PARAMS
    assert refused.value.error.data.get("field") == field


async def test_an_api_that_is_broken_is_no_missing_resource(tmp_path: Path) -> None:
    async with (
        faulty(GET=[replying(401)]) as provider,
        connected_live(provider, "memory", "auto", tmp_path) as client,
    ):
        with pytest.raises(MCPError) as refused:
            await read(client, "telefonie://numbers")
    assert refused.value.error.code == INTERNAL_ERROR
    assert refused.value.error.data["code"] == "unauthorized"


async def test_a_limit_of_the_api_is_waited_out_and_said(tmp_path: Path) -> None:
    limited = replying(429, Retry_After="3")
    faults: list[Any] = [limited, Exchange.honest]
    heard: Heard = []
    async with (
        faulty(provider := owning(1)),
        connected_live(provider, "memory", "auto", tmp_path, TELEFONIE_TIMEOUT="1") as client,
    ):
        provider.faults["GET"] = faults
        account = json.loads(await read(client, "telefonie://numbers", heard))
    assert account["complete"]
    assert [sentence for _, _, sentence in heard] == [
        "All owned numbers: too many requests; waiting 3 seconds",
        "All owned numbers: 1 read",
    ]


async def test_a_limit_that_lasts_too_long_is_not_waited_out(tmp_path: Path) -> None:
    async with (
        faulty(GET=[replying(429, Retry_After="61")]) as provider,
        connected_live(provider, "memory", "auto", tmp_path, TELEFONIE_TIMEOUT="1") as client,
    ):
        with pytest.raises(MCPError, match="429"):
            await read(client, "telefonie://numbers")
        assert provider.count("GET") == 1


async def test_a_limit_is_waited_out_five_times_at_most(tmp_path: Path) -> None:
    async with (
        faulty(GET=[replying(429, Retry_After="1")]) as provider,
        connected_live(provider, "memory", "auto", tmp_path, TELEFONIE_TIMEOUT="1") as client,
    ):
        with pytest.raises(MCPError, match="429"):
            await read(client, "telefonie://numbers")
        assert provider.count("GET") == 6


async def test_reading_pages_keeps_to_the_rate_limit_of_calls(tmp_path: Path) -> None:
    heard: Heard = []
    async with (
        faulty(provider := owning(3)),
        connected_live(provider, "memory", "auto", tmp_path, TELEFONIE_MAX_CALLS_PER_MINUTE="12") as client,
    ):
        one = {"phone_number": next(iter(provider.owned))}
        while not (await client.call_tool("get_owned_number", one)).is_error:
            pass  # until no call is left, and the next is allowed in five seconds
        assert json.loads(await read(client, "telefonie://numbers", heard))["complete"]
    assert "too many requests" in str(heard)


def test_a_document_of_the_operator_has_a_date_and_a_name_that_is_no_tools(tmp_path: Path) -> None:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Log", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/log": {"get": {"operationId": "log", "responses": {"204": {"description": "x"}}}}},
    }
    (tmp_path / "log.json").write_text(json.dumps(document))
    written = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    os.utime(tmp_path / "log.json", (written, written))
    settings = Settings.model_validate({"api_key": "k" * 9, "spec": (tmp_path / "log.json",)})
    listed = Resources(App.from_settings(settings)).listed()
    names = [each.name for each in listed]
    assert "log-resource" in names
    assert len(names) == len({*names, "log"}) - 1
    dates = {each.name: each.annotations and each.annotations.last_modified for each in listed}
    assert dates["openapi-log"] == "2026-01-02T03:04:05+00:00"
    assert {name for name, date in dates.items() if date} == {"openapi-log"}


@pytest.mark.parametrize(
    ("settings", "uris", "templates"),
    [
        ({"exclude_tools": ("list_owned_numbers",)}, set[str](), 2),
        ({"tools": ("list_owned_numbers",)}, {"telefonie://numbers"}, 0),
        ({"read_only": True}, {"telefonie://numbers"}, 2),
    ],
)
async def test_nothing_is_offered_whose_tool_is_off(
    settings: dict[str, Any], uris: set[str], templates: int
) -> None:
    async with Client(create_server(Settings(sandbox_db=":memory:", **settings))) as client:
        listed = {each.uri for each in (await client.list_resources()).resources}
        assert {uri for uri in listed if "openapi" not in uri} - {"telefonie://log"} == uris
        assert len((await client.list_resource_templates()).resource_templates) == templates
        if not uris:
            with pytest.raises(MCPError, match="Unknown resource"):
                await client.read_resource("telefonie://numbers")


async def test_a_number_that_is_not_owned_is_refused_with_the_tools_next_step(tmp_path: Path) -> None:
    async with connected("memory", "auto", tmp_path) as client:
        with pytest.raises(MCPError) as refused:
            await read(client, "telefonie://numbers/+14155550199")
        answer = answer_of(await client.call_tool("get_owned_number", {"phone_number": "+14155550199"}))
    assert answer["hint"] == "list_owned_numbers shows the numbers of this account."
    assert refused.value.error.message == f"{answer['message']} {answer['hint']}"
    assert refused.value.error.data == answer
