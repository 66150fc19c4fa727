"""One life of a number, told the same way to every transport and both protocol eras."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, TextResourceContents

from telefonie_mcp import __version__
from tests.support.transports import both_eras
from tests.support.wire import Mode, Transport, answer_of, connected, running

DOCUMENT = Path(__file__).parents[2] / "telefonie_mcp/openapi/data/telefonie-numbers-openapi.yml"


@both_eras
@pytest.mark.parametrize("transport", get_args(Transport))
async def test_a_client_gets_the_whole_service(transport: Transport, mode: Mode, tmp_path: Path) -> None:
    async with connected(transport, mode, tmp_path) as client:
        await gets_the_whole_service(client, mode)


@both_eras
async def test_the_command_serves_http(mode: Mode, tmp_path: Path) -> None:
    async with (
        running("--http", "0", home=tmp_path) as server,
        Client(await server.address(), mode=mode) as client,
    ):
        await gets_the_whole_service(client, mode)


async def gets_the_whole_service(client: Client, mode: Mode) -> None:
    assert client.protocol_version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[mode]
    introduces_itself(client)
    await describes_its_tools(client)
    await lives_the_life_of_a_number(client)
    await refuses_what_is_wrong(client)
    await shows_its_documents(client)


def introduces_itself(client: Client) -> None:
    server = client.server_info
    assert server
    assert server.name == "telefonie-mcp"
    assert server.version == __version__
    assert server.title
    assert "sandbox" in server.title
    assert server.website_url == "https://www.telefonie.com"
    assert server.icons
    assert {icon.theme for icon in server.icons} == {"light", "dark"}
    assert client.instructions
    assert client.instructions.startswith("SANDBOX: ")
    assert "confirm=true" in client.instructions


async def describes_its_tools(client: Client) -> None:
    hints = {
        tool.name: tool.annotations and tool.annotations.model_dump(exclude_unset=True)
        for tool in (await client.list_tools()).tools
    }
    read = {"read_only_hint": True, "destructive_hint": False, "idempotent_hint": True}
    act = {"read_only_hint": False, "destructive_hint": True, "idempotent_hint": False}
    change = {"read_only_hint": False, "destructive_hint": False, "idempotent_hint": True}
    assert hints == {
        name: {**hint, "open_world_hint": True}
        for name, hint in {
            "search_available_numbers": read,
            "list_owned_numbers": read,
            "purchase_number": act,
            "get_owned_number": read,
            "update_owned_number": change,
            "release_number": {**act, "idempotent_hint": True},
            "lookup_number": read,
            "get_number_capabilities": read,
        }.items()
    }


async def lives_the_life_of_a_number(client: Client) -> None:
    async def call(tool: str, *, refused: bool = False, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        assert result.is_error is refused
        assert result.meta
        assert result.meta["telefonie-mcp/mode"] == "sandbox"
        return answer_of(result)

    found = await call("search_available_numbers", country_code="US", area_code="415", limit=1)
    (offer,) = found["available_numbers"]
    number = offer["phone_number"]
    assert await call("list_owned_numbers") == {"numbers": [], "total": 0}

    preview = await call("purchase_number", refused=True, phone_number=number, confirm=False)
    assert preview["message"].startswith("Nothing was done")
    assert preview["code"] == "confirmation_required"
    assert preview["preview"]["monthly_rate"] == offer["monthly_rate"]
    assert (await call("list_owned_numbers"))["total"] == 0

    bought = await call(preview["next_call"]["name"], **preview["next_call"]["arguments"])
    assert bought["phone_number"] == number
    assert await call("get_owned_number", phone_number=number) == bought

    updated = await call("update_owned_number", phone_number=number, voice_url="https://example.com/voice")
    assert updated["voice_url"] == "https://example.com/voice"
    assert updated["replaced"] == {"voice_url": ""}
    assert (await call("list_owned_numbers"))["numbers"][0]["voice_url"] == "https://example.com/voice"

    preview = await call("release_number", refused=True, phone_number=number, confirm=False)
    assert preview["preview"]["would_be_lost"]["voice_url"] == "https://example.com/voice"
    released = await call(preview["next_call"]["name"], **preview["next_call"]["arguments"])
    assert released == {"message": "Number released", "phone_number": number}
    assert (await call("list_owned_numbers"))["total"] == 0


async def refuses_what_is_wrong(client: Client) -> None:
    result = await client.call_tool(
        "search_available_numbers", {"country_code": "Germany", "limit": 500, "color": "blue"}
    )
    assert result.is_error
    refusal = answer_of(result)
    assert refusal["message"].startswith("Nothing was done")
    assert refusal["code"] == "invalid_arguments"
    assert {error["field"] for error in refusal["errors"]} == {"country_code", "limit", "color"}

    with pytest.raises(MCPError, match="Unknown tool 'buy_everything'") as unknown_tool:
        await client.call_tool("buy_everything", {})
    assert unknown_tool.value.error.code == INVALID_PARAMS


async def shows_its_documents(client: Client) -> None:
    resources = {resource.uri: resource for resource in (await client.list_resources()).resources}
    document = resources["telefonie://openapi/telefonie-numbers"]
    assert document.size == DOCUMENT.stat().st_size
    (contents,) = (await client.read_resource(document.uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == document.mime_type == "application/yaml"
    assert contents.text == DOCUMENT.read_text()

    (contents,) = (await client.read_resource("telefonie://log")).contents
    assert isinstance(contents, TextResourceContents)
    written = [entry["tool"] for entry in json.loads(contents.text)["entries"]]
    assert written == ["release_number", "update_owned_number", "purchase_number"]

    with pytest.raises(MCPError, match="Unknown resource") as unknown_resource:
        await client.read_resource("file:///etc/passwd")
    assert unknown_resource.value.error.code == INVALID_PARAMS
