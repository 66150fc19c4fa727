"""The tools of a large document share what ``tools/list`` may take."""

import json
from typing import Any

import pytest

from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.tools import document, parse

MAX_TOOLS = 4 * 1024 * 1024


def size(tool: Tool) -> int:
    parts = (tool.input_schema, tool.output_schema, tool.description)
    return sum(len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in parts)


def posting(number: int, members: int) -> dict[str, Any]:
    """Return an operation with as many arguments, of which each takes some 1,000 bytes."""
    choices = {"type": "string", "enum": [f"{number} {'x' * 40} {n}" for n in range(20)]}
    schema = {"type": "object", "properties": {f"m{n}": choices for n in range(members)}}
    return {
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "x", "content": {"application/json": {"schema": schema}}}},
    }


def large(count: int, members: int) -> dict[str, Any]:
    paths = {f"/{n}": {"post": posting(n, members)} for n in range(count)}
    return {**document(), "paths": {**paths, "/last": {"post": posting(count, 1)}}}


@pytest.mark.unmeasured
def test_the_largest_schemas_are_opened_until_all_tools_fit() -> None:
    catalog = build_catalog([parse(large(120, 50))])
    assert len(catalog.tools) == 121
    assert sum(map(size, catalog)) <= MAX_TOOLS
    last = catalog["post_last"]
    assert "enum" in last.input_schema["properties"]["m0"]
    for tool in catalog:
        arguments = tool.input_schema["properties"]
        assert len(arguments) == (2 if tool is last else 51)
        assert [schema for schema in arguments.values() if "enum" in schema]


def test_what_fits_is_left_as_it_is() -> None:
    catalog = build_catalog([parse(large(30, 50))])
    assert all("enum" in tool.input_schema["properties"]["m49"] for tool in catalog if len(tool.bindings) > 1)
