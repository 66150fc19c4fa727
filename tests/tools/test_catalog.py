"""What agents see; the exact form stands in tests/snapshots/tools.json.

After an intended change: ``UPDATE_SNAPSHOTS=1 python -m pytest tests/tools/test_catalog.py`` writes the
snapshot anew and fails once, so that the change is looked at.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from mcp import Client

from telefonie_mcp.errors import SettingsError, UnknownToolError
from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.server.handlers import create_server, tool_definition
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.catalog import restrict
from telefonie_mcp.tools.derivation import build_catalog
from telefonie_mcp.tools.naming import snake_case
from tests.openapi.test_foreign_documents import serving
from tests.support.tools import catalog

SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "tools.json"
WRITING = ["purchase_number", "update_owned_number", "release_number"]
PORTING = ["create_port_order", "update_port_order", "upload_port_document"]
DESTRUCTIVE = ["purchase_number", "release_number", "submit_port_order", "cancel_port_order"]


def definitions() -> list[dict[str, Any]]:
    return [
        tool_definition(tool).model_dump(mode="json", by_alias=True, exclude_none=True)
        for tool in build_catalog(load_documents(toolsets=TOOLSETS))
    ]


def test_the_tools_are_those_of_the_snapshot() -> None:
    seen = json.dumps(definitions(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(seen)
        pytest.fail("the snapshot was written anew; look at the difference and run again")
    assert SNAPSHOT.exists(), "there is no snapshot; see this module's docstring"
    assert seen == SNAPSHOT.read_text()


@pytest.mark.parametrize(("toolsets", "bound"), [("numbers", 2000), ("numbers,lookup", 3000)])
async def test_tools_list_is_small_in_the_legacy_era(toolsets: str, bound: int) -> None:
    settings = read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_TOOLSETS": toolsets})
    async with Client(create_server(settings), mode="legacy") as client:
        listed = await client.list_tools()
    text = listed.model_dump_json(
        by_alias=True, exclude_none=True, exclude={"result_type", "ttl_ms", "cache_scope"}
    )
    assert len(text.encode()) / 4 <= bound


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema in a schema."""
    if isinstance(node, dict):
        schema = cast("dict[str, Any]", node)
        yield schema
        children: list[Any] = [*schema.get("properties", {}).values(), schema.get("items")]
        children += schema.get("anyOf", [])
        for child in children:
            yield from schemas(child)


async def test_schemas_are_such_as_every_client_can_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, _):
        tools = (await client.list_tools()).tools
    assert len(tools) == 15
    for tool in tools:
        assert re.fullmatch(r"[a-z0-9_]{1,44}", tool.name)
        assert tool.input_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert (tool.output_schema or {})["type"] == "object"
        assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in tool.input_schema["properties"])
        for schema in [*schemas(tool.input_schema), *schemas(tool.output_schema)]:
            assert not schema.keys() & {
                "$ref",
                "oneOf",
                "const",
                "not",
                "if",
                "nullable",
                "example",
                "discriminator",
            }
            assert not isinstance(schema.get("type"), list)
            assert schema.get("type") != "array" or "items" in schema


def test_annotations_follow_the_contract() -> None:
    by_name = {definition["name"]: definition["annotations"] for definition in definitions()}
    for name, hints in by_name.items():
        assert hints.keys() == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
        assert hints["readOnlyHint"] is (name not in [*WRITING, *PORTING, *DESTRUCTIVE])
        assert hints["destructiveHint"] is (name in DESTRUCTIVE)
        assert hints["openWorldHint"] is True
    assert by_name["purchase_number"]["idempotentHint"] is False
    assert by_name["update_owned_number"]["idempotentHint"] is True


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("searchAvailableNumbers", "search_available_numbers"),
        ("getHTTPStatus2", "get_http_status2"),
        ("X-Request-ID", "x_request_id"),
        ("list-vehicles", "list_vehicles"),
        ("already_snake", "already_snake"),
        ("Éclair", "clair"),
    ],
)
def test_names_of_tools_are_in_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


@pytest.mark.parametrize(
    ("read_only", "tools", "exclude", "left"),
    [
        (True, (), (), ["search_available_numbers", "list_owned_numbers", "get_owned_number"]),
        (True, ("purchase_number",), (), []),
        (False, ("purchase_number", "get_owned_number"), (), ["purchase_number", "get_owned_number"]),
        (False, ("purchase_number",), ("purchase_number",), []),
        (False, (), ("release_number",), [tool.name for tool in catalog()][:-1]),
    ],
)
def test_tools_can_be_switched_off(
    read_only: bool, tools: tuple[str, ...], exclude: tuple[str, ...], left: list[str]
) -> None:
    restricted = restrict(catalog(), read_only=read_only, tools=tools, exclude_tools=exclude)
    assert list(restricted.tools) == left
    assert restricted.sibling(catalog()["release_number"], "getOwnedNumber").name == "get_owned_number"


def test_the_reason_why_a_tool_is_missing_is_named() -> None:
    restricted = restrict(catalog(), read_only=True, tools=(), exclude_tools=())
    with pytest.raises(UnknownToolError, match="purchase_number is switched off by TELEFONIE_READ_ONLY"):
        restricted["purchase_number"]
    with pytest.raises(UnknownToolError, match="did you mean search_available_numbers"):
        restricted["search_numbers_available"]
    with pytest.raises(UnknownToolError, match="the tools are search_available_numbers, list"):
        restricted["zzz"]


@pytest.mark.parametrize("setting", ["tools", "exclude_tools"])
def test_unknown_names_of_tools_stop_the_start(setting: str) -> None:
    names: dict[str, Any] = {"tools": (), "exclude_tools": (), setting: ("buy_number", "release_numbr")}
    with pytest.raises(SettingsError, match=f"TELEFONIE_{setting.upper()}: there is no tool 'buy_number'"):
        restrict(catalog(), read_only=False, **names)
    names[setting] = ("release_numbr",)
    with pytest.raises(SettingsError, match="did you mean release_number"):
        restrict(catalog(), read_only=False, **names)
