"""The page of MCP Apps on the wire, and rules for its source; tests/clients shows it in a browser."""

import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import INVALID_PARAMS, TextResourceContents

from telefonie_mcp.server import app_page
from telefonie_mcp.server.app_page import page
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from tests.support.transports import both_eras
from tests.support.wire import Mode, connected

PAGE = "ui://telefonie/numbers"
BOUND = ["search_available_numbers", "list_owned_numbers"]
PARTS = {
    path.name: path.read_text("utf-8")
    for path in Path(app_page.__file__).parent.iterdir()
    if path.suffix in {".html", ".css", ".js"}
}


def server(*, apps: bool = True, **settings: Any) -> Any:
    return create_server(Settings(sandbox_db=":memory:", apps=apps, **settings))


def listing(result: Any) -> list[dict[str, Any]]:
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in result.tools]


@both_eras
async def test_clients_read_the_page_as_a_resource(mode: Mode, tmp_path: Path) -> None:
    async with connected("memory", mode, tmp_path) as client:
        (content,) = (await client.read_resource(PAGE)).contents
        listed = (await client.list_resources()).resources
    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.mime_type, content.text) == (PAGE, APP_MIME_TYPE, page())
    assert content.meta == {"ui": {"csp": {}, "prefersBorder": True}}
    assert PAGE not in {each.uri for each in listed}


@both_eras
async def test_search_and_list_name_the_page_and_the_extension_is_declared(mode: Mode) -> None:
    async with Client(server(), mode=mode) as client:
        tools = (await client.list_tools()).tools
        assert client.server_capabilities
        assert client.server_capabilities.extensions == {EXTENSION_ID: {}}
    bound = {tool.name: tool.meta for tool in tools if tool.meta}
    assert bound == {name: {"ui": {"resourceUri": PAGE}} for name in BOUND}


@both_eras
async def test_without_apps_everything_is_as_before_and_with_them_nothing_else_is_new(mode: Mode) -> None:
    async def seen(*, apps: bool) -> dict[str, Any]:
        async with Client(server(apps=apps), mode=mode) as client:
            answers = [
                client.server_capabilities,
                await client.list_tools(),
                await client.list_resources(),
                await client.list_resource_templates(),
                await client.list_prompts(),
                await client.call_tool("search_available_numbers", {"country_code": "US", "limit": 1}),
            ]
            if not apps:
                with pytest.raises(MCPError, match="Unknown resource") as refused:
                    await client.read_resource(PAGE)
                assert refused.value.error.code == INVALID_PARAMS
            instructions = client.instructions
        dumped = [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in answers if each]
        return {"answers": dumped, "instructions": instructions}

    before, after = await seen(apps=False), await seen(apps=True)
    assert "extensions" not in before["answers"][0]
    assert after["answers"][0].pop("extensions") == {EXTENSION_ID: {}}
    for tool in after["answers"][1]["tools"]:
        if tool["name"] in BOUND:
            assert tool.pop("_meta") == {"ui": {"resourceUri": PAGE}}
    assert after == before


@both_eras
async def test_every_client_gets_the_same_list(mode: Mode) -> None:
    able = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
    lists: list[list[dict[str, Any]]] = []
    for extensions in ([], [able]):
        async with Client(server(), mode=mode, extensions=extensions) as client:
            lists.append(listing(await client.list_tools()))
    assert lists[0] == lists[1]


@pytest.mark.parametrize(
    ("settings", "bound"),
    [
        ({"read_only": True}, BOUND),
        ({"tools": ("list_owned_numbers",)}, BOUND[1:]),
        ({"tools": ("get_owned_number",)}, []),
        ({"toolsets": ("lookup",)}, []),
    ],
)
async def test_a_page_that_no_tool_shows_is_not_offered(settings: dict[str, Any], bound: list[str]) -> None:
    async with Client(server(**settings)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools if tool.meta] == bound
        assert client.server_capabilities
        assert bool(client.server_capabilities.extensions) is bool(bound)
        if bound:
            await client.read_resource(PAGE)
        else:
            with pytest.raises(MCPError, match="Unknown resource"):
                await client.read_resource(PAGE)


def test_the_page_is_small_and_its_parts_are_all_in_it() -> None:
    assert len(page().encode()) < 40_000
    assert sum(len(text.splitlines()) for text in PARTS.values()) <= 500
    assert all(text in page() for name, text in PARTS.items() if name != "numbers.html")


@pytest.mark.parametrize("name", PARTS)
def test_the_source_turns_no_text_into_markup_and_loads_and_keeps_nothing(name: str) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|setHTML|srcdoc|write(ln)?\(",
        r"\beval\b|\bFunction\(|set(Timeout|Interval)\(\s*[\"'`]|\bimport\b|javascript:",
        r"https?://|//[a-z]|url\(|@import|@font-face|<(img|link|iframe|object|embed|base|a)\b|\bsrc=|\bhref\b",
        r"\bfetch\b|XMLHttpRequest|WebSocket|EventSource|sendBeacon|Worker|window\.open|location",
        r"localStorage|sessionStorage|indexedDB|cookie|caches",
        r"parseFloat|Number\([^)]*(rate|price|value)\b|toFixed",
    )
    for pattern in forbidden:
        assert not re.search(pattern, PARTS[name]), pattern


def test_the_page_calls_nothing_but_a_preview_and_a_list() -> None:
    scripts = "\n".join(text for name, text in PARTS.items() if name.endswith(".js"))
    assert re.findall(r'callTool\("(\w+)"', scripts) == ["purchase_number", "list_owned_numbers"]
    assert re.findall(r"\bconfirm\b.{7}", scripts) == ["confirm: false"]
    methods = {*re.findall(r'(?:request|post)\((?:\{ method: )?"([a-z/-]+)"', scripts)}
    assert methods == {
        "tools/call",
        "ui/initialize",
        "ui/message",
        "ui/notifications/initialized",
        "ui/notifications/size-changed",
        "ui/open-link",
        "ui/update-model-context",
    }


def test_the_page_forbids_itself_everything_that_is_not_inside_it() -> None:
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy"\s+content="([^"]+)"', page())
    directives = dict(each.split(maxsplit=1) for each in re.split(r";\s+", policy))
    assert directives["default-src"] == "'none'"
    assert {name: value for name, value in directives.items() if value != "'none'"} == {
        "script-src": "'unsafe-inline'",
        "style-src": "'unsafe-inline'",
    }
