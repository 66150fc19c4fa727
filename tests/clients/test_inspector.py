"""The MCP Inspector's command line as a client, over stdio and HTTP."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clients.support import run
from tests.support.wire import COMMAND, running

both = pytest.mark.parametrize("transport", ["stdio", "http"])


@asynccontextmanager
async def target(transport: str, home: Path) -> AsyncGenerator[list[str]]:
    database = str(home / "sandbox.sqlite3")
    if transport == "stdio":
        yield [*COMMAND, "--sandbox-db", database]
    else:
        async with running("--http", "0", "--sandbox-db", database, home=home) as server:
            yield [await server.address()]


async def inspect(home: Path, server: list[str], method: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Ask the Inspector for one method, and return its status and the result."""
    options = ["--method", method, *arguments, "--format", "json"]
    status, output, errors = await run(home, "mcp-inspector", "--cli", *server, *options)
    assert output, errors
    return status, json.loads(output)["result"]


async def call(home: Path, server: list[str], tool: str, **arguments: str) -> tuple[int, dict[str, Any]]:
    pairs = [f"{name}={value}" for name, value in arguments.items()]
    status, result = await inspect(home, server, "tools/call", "--tool-name", tool, "--tool-arg", *pairs)
    (part,) = result["content"]
    answer = json.loads(part["text"])
    assert result.get("structuredContent", answer) == answer
    return status, answer


@both
async def test_the_tools_and_their_annotations_on_the_wire(transport: str, tmp_path: Path) -> None:
    async with target(transport, tmp_path) as server:
        _, result = await inspect(tmp_path, server, "tools/list")
    hints = {
        tool["name"]: [
            tool["annotations"][f"{hint}Hint"]
            for hint in ("readOnly", "destructive", "idempotent", "openWorld")
        ]
        for tool in result["tools"]
    }
    read, change = [True, False, True, True], [False, False, True, True]
    assert hints == {
        "search_available_numbers": read,
        "list_owned_numbers": read,
        "purchase_number": [False, True, False, True],
        "get_owned_number": read,
        "update_owned_number": change,
        "release_number": [False, True, True, True],
        "lookup_number": read,
        "get_number_capabilities": read,
    }


@both
async def test_search_a_refused_and_a_confirmed_purchase(transport: str, tmp_path: Path) -> None:
    async with target(transport, tmp_path) as server:
        status, found = await call(tmp_path, server, "search_available_numbers", country_code="US", limit="1")
        assert status == 0
        number = found["available_numbers"][0]["phone_number"]
        _, refused = await call(tmp_path, server, "purchase_number", phone_number=number, confirm="false")
        assert refused["code"] == "confirmation_required"
        _, owned = await call(tmp_path, server, "list_owned_numbers", page="1")
        assert owned["total"] == 0
        status, bought = await call(tmp_path, server, "purchase_number", phone_number=number, confirm="true")
        assert (status, bought["phone_number"]) == (0, number)
        _, owned = await call(tmp_path, server, "list_owned_numbers", page="1")
        assert owned["total"] == 1


async def test_the_document_is_a_resource(tmp_path: Path) -> None:
    async with target("stdio", tmp_path) as server:
        _, result = await inspect(
            tmp_path, server, "resources/read", "--uri", "telefonie://openapi/telefonie-numbers"
        )
    assert result["contents"][0]["text"].startswith("openapi: 3.0.3")
