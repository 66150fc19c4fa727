"""Headers that tighten one request over HTTP: what they hide is neither listed nor callable, in both eras."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2 as httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from starlette.datastructures import Headers

from telefonie_mcp.app import App
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.server.http import http_app
from telefonie_mcp.server.tightening import hidden_by
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.catalog import Catalog
from tests.support.faulty import NUMBER, faulty
from tests.support.served import live_settings
from tests.support.serving import serving
from tests.support.wire import MODERN, SECONDS, Mode, request

WRITES = {"purchase_number", "update_owned_number", "release_number"}
LOOKUP = {"lookup_number", "get_number_capabilities"}


@pytest.fixture(scope="module")
def app() -> App:
    return App.from_settings(Settings(sandbox_db=":memory:"))


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return App.from_settings(Settings(sandbox_db=":memory:", exclude_tools=("update_owned_number",))).catalog


def headers(*lines: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.lower().encode(), value.encode()) for name, value in lines])


@pytest.mark.parametrize(
    ("given", "hidden"),
    [
        ({}, {}),
        ({"X-MCP-Readonly": "true"}, dict.fromkeys(WRITES - {"update_owned_number"}, "X-MCP-Readonly")),
        ({"X-MCP-Readonly": "1"}, dict.fromkeys(WRITES - {"update_owned_number"}, "X-MCP-Readonly")),
        ({"X-MCP-Readonly": "false"}, {}),
        ({"X-MCP-Readonly": ""}, {}),
        ({"X-MCP-Toolsets": " numbers "}, dict.fromkeys(LOOKUP, "X-MCP-Toolsets")),
        ({"X-MCP-Toolsets": "all"}, {}),
        ({"X-MCP-Toolsets": "lookup,porting,"}, None),
        ({"X-MCP-Tools": "list_owned_numbers, get_owned_number"}, None),
        ({"X-MCP-Tools": "update_owned_number"}, None),
        ({"X-MCP-Exclude-Tools": "release_number"}, {"release_number": "X-MCP-Exclude-Tools"}),
        ({"X-MCP-Exclude-Tools": "update_owned_number"}, {}),
    ],
)
def test_headers_hide_tools_and_never_show_one(
    catalog: Catalog, given: dict[str, str], hidden: dict[str, str] | None
) -> None:
    found = hidden_by(headers(*given.items()), catalog)
    assert found.keys() <= catalog.tools.keys()
    assert hidden is None or found == hidden
    if name := given.get("X-MCP-Tools"):
        assert catalog.tools.keys() - found.keys() == {*name.split(", ")} & catalog.tools.keys()
    if "porting" in given.get("X-MCP-Toolsets", ""):
        assert catalog.tools.keys() - found.keys() == LOOKUP


def test_a_header_that_stands_twice_says_both(catalog: Catalog) -> None:
    both = headers(("X-MCP-Tools", "list_owned_numbers"), ("X-MCP-Tools", "release_number"))
    assert catalog.tools.keys() - hidden_by(both, catalog).keys() == {"list_owned_numbers", "release_number"}
    either = headers(("X-MCP-Readonly", "false"), ("X-MCP-Readonly", "true"))
    assert "release_number" in hidden_by(either, catalog)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("X-MCP-Readonly", "banana", "X-MCP-Readonly must be true or false, not 'banana'"),
        ("X-MCP-Toolsets", "number", "X-MCP-Toolsets: there is no toolset 'number'; did you mean numbers?"),
        ("X-MCP-Tools", "buy", "X-MCP-Tools: there is no tool 'buy'"),
        ("X-MCP-Tools", "get_port_order", "Porting tools are off; the operator can set TELEFONIE_TOOLSETS"),
        ("X-MCP-Tools", ", ,", "X-MCP-Tools names nothing, and would limit nothing"),
        (
            "X-MCP-Exclude-Tools",
            "release_numbers",
            "X-MCP-Exclude-Tools: there is no tool 'release_numbers'; did you mean release_number?",
        ),
    ],
)
@pytest.mark.parametrize("modern", [True, False])
async def test_an_unknown_name_is_a_bad_request(
    app: App, name: str, value: str, words: str, *, modern: bool
) -> None:
    lines = {"Accept": "application/json, text/event-stream", name: value}
    if modern:
        lines |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"}
    transport = httpx.ASGITransport(http_app(mcp_server(app), app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        response = await http.post("/mcp", headers=lines, json=request(1, "tools/list", modern=modern))
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


@asynccontextmanager
async def tightened(url: str, mode: Mode, **lines: str) -> AsyncGenerator[Client]:
    """Connect a client that sends some headers."""
    sent = {name.replace("_", "-"): text for name, text in lines.items()}
    async with (
        httpx.AsyncClient(headers=sent, timeout=SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_a_header_hides_cannot_be_reached_in_any_way(tmp_path: Path, mode: Mode) -> None:
    ledger = str(tmp_path / "ledger.sqlite3")
    async with faulty() as provider:
        app = App.from_settings(live_settings(provider, 30, ledger=ledger, toolsets="numbers"))
        server = mcp_server(app)
        async with serving(http_app(server, app)) as base:
            url = f"{base}/mcp"
            async with tightened(url, mode, X_MCP_Readonly="true") as client:
                assert {tool.name for tool in (await client.list_tools()).tools} & WRITES == set()
                assert "only reads" in (client.instructions or "")
                assert "confirm=true" not in (client.instructions or "")
                for name in WRITES:
                    with pytest.raises(MCPError, match=f"{name} is switched off by X-MCP-Readonly"):
                        await client.call_tool(name, {"phone_number": NUMBER, "confirm": True})
                assert not (await client.call_tool("list_owned_numbers", {})).is_error
            provider.log.clear()
            async with tightened(url, mode, X_MCP_Tools="search_available_numbers") as client:
                listed = [tool.name for tool in (await client.list_tools()).tools]
                assert listed == ["search_available_numbers"]
                resources = {str(each.uri) for each in (await client.list_resources()).resources}
                assert "telefonie://numbers" not in resources
                listed = await client.list_resource_templates()
                templates = {each.uri_template for each in listed.resource_templates}
                assert "telefonie://numbers/{phone_number}" not in templates
                for uri in ("telefonie://numbers", "telefonie://numbers/%2B14155550100"):
                    with pytest.raises(MCPError, match="Unknown resource"):
                        await client.read_resource(uri)
                assert (await client.list_prompts()).prompts == []
            async with tightened(url, mode) as client:
                assert {tool.name for tool in (await client.list_tools()).tools} >= WRITES
                result = await client.call_tool("purchase_number", {"phone_number": NUMBER, "confirm": True})
                assert not result.is_error
        assert provider.count("POST") == 1


@pytest.mark.parametrize(("lines", "scope"), [({}, "public"), ({"X_MCP_Readonly": "true"}, "private")])
async def test_what_a_header_tightened_is_for_no_shared_cache(lines: dict[str, str], scope: str) -> None:
    app = App.from_settings(Settings(sandbox_db=":memory:"))
    async with (
        serving(http_app(mcp_server(app), app)) as base,
        tightened(f"{base}/mcp", "auto", **lines) as client,
    ):
        assert (await client.list_tools()).cache_scope == scope
        assert (await client.list_resources()).cache_scope == scope
        assert (await client.list_prompts()).cache_scope == scope
