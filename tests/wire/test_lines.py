"""What the lines on standard input and output are, without a client library in between."""

import json
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.server.handlers import META
from tests.support.wire import MODERN, initialize, request, running

IN_MEMORY = ("--sandbox-db", ":memory:")
HINTS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
LARGE = 5_000_000
NONSENSE_CANCELLED = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[1]}}'


def call(number: int, tool: str, *, modern: bool = False, **arguments: Any) -> dict[str, Any]:
    return request(number, "tools/call", modern=modern, name=tool, arguments=arguments)


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
async def test_raw_lines_of_a_legacy_client_are_answered(version: str, tmp_path: Path) -> None:
    async with running(*IN_MEMORY, home=tmp_path) as server:
        result = (await server.ask(initialize(version)))["result"]
        assert result["protocolVersion"] == version
        assert result["serverInfo"]["name"] == "telefonie-mcp"
        assert "sandbox" in result["serverInfo"]["title"]
        assert result["capabilities"] == {
            "tools": {"listChanged": False},
            "resources": {"listChanged": False, "subscribe": True},
            "prompts": {"listChanged": False},
            "completions": {},
            "extensions": {"io.modelcontextprotocol/ui": {}},
        }
        await server.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

        tools = (await server.ask(request(1, "tools/list")))["result"]["tools"]
        assert all(tool["annotations"].keys() == HINTS for tool in tools)
        assert all(tool["outputSchema"]["type"] == "object" for tool in tools)

        found = (await server.ask(call(2, "search_available_numbers", country_code="US", limit=1)))["result"]
        assert found["_meta"] == {f"{META}mode": "sandbox"}
        assert json.loads(found["content"][0]["text"]) == found["structuredContent"]
        refused = (await server.ask(call(3, "release_number", phone_number="+14155550100")))["result"]
        assert refused["isError"] is True
        assert "structuredContent" not in refused

        assert (await server.ask(call(4, "nonsense")))["error"]["code"] == -32602
        assert (await server.ask(request(5, "nonsense/list")))["error"]["code"] == -32601
        await server.hang_up()
        assert (await server.rest(), await server.end()) == (b"", 0)


async def test_raw_lines_of_a_modern_client_are_answered_without_a_handshake(tmp_path: Path) -> None:
    async with running(*IN_MEMORY, home=tmp_path) as server:
        discovered = (await server.ask(request(1, "server/discover", modern=True)))["result"]
        assert MODERN in discovered["supportedVersions"]
        assert discovered["ttlMs"] == 3_600_000
        assert discovered["cacheScope"] == "public"

        listed = (await server.ask(request(2, "tools/list", modern=True)))["result"]
        assert listed["ttlMs"] == 3_600_000
        assert all(tool["annotations"].keys() == HINTS for tool in listed["tools"])

        found = (
            await server.ask(call(3, "search_available_numbers", modern=True, country_code="DE", limit=1))
        )["result"]
        assert found["resultType"] == "complete"
        assert found["_meta"][f"{META}mode"] == "sandbox"
        assert json.loads(found["content"][0]["text"]) == found["structuredContent"]

        assert (await server.ask(call(4, "nonsense", modern=True)))["error"]["code"] == -32602
        assert (await server.ask(request(5, "nonsense/list", modern=True)))["error"]["code"] == -32601
        without_envelope = await server.ask(request(6, "tools/list"))
        assert without_envelope["error"]["code"] == -32602
        await server.hang_up()
        assert (await server.rest(), await server.end()) == (b"", 0)


@pytest.mark.measured
async def test_lines_that_are_no_message_are_answered_and_change_nothing(tmp_path: Path) -> None:
    lines = {
        b"{": -32700,
        b"hello": -32700,
        b"\xff\xfe\x00": -32700,
        b"x" * LARGE: -32700,
        b'{"jsonrpc":"2.0","id":1,"method":"ping"': -32700,
        b'"ping"': -32600,
        b"null": -32600,
        b"[]": -32600,
        b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]': -32600,
        b'{"jsonrpc":"1.0","id":1,"method":"ping"}': -32600,
        b'{"id":1}': -32600,
    }
    async with running(*IN_MEMORY, home=tmp_path) as server:
        for before in (True, False):
            for line, code in lines.items():
                await server.send(line)
                answer = await server.receive()
                assert (answer["id"], answer["error"]["code"]) == (None, code)
            if before:
                await server.ask(initialize("2025-06-18"))
        for ignored in (b"", b"  ", b"\r", NONSENSE_CANCELLED, b'{"jsonrpc":"2.0","id":[1],"method":"ping"}'):
            await server.send(ignored)
        assert (await server.ask(request(2, "ping")))["result"] == {}


async def test_arguments_of_any_size_and_shape_get_one_readable_answer(tmp_path: Path) -> None:
    nested: Any = []
    for _ in range(100):
        nested = [nested]
    async with running(*IN_MEMORY, home=tmp_path) as server:
        await server.ask(initialize("2025-11-25"))
        for number, value in enumerate(("x" * LARGE, nested, {"a": nested}, 10**400, [None] * 10_000)):
            answer = await server.ask(call(number, "search_available_numbers", country_code=value))
            assert answer["result"]["isError"] is True
            (text,) = [part["text"] for part in answer["result"]["content"]]
            assert len(text) < 1000
            assert json.loads(text)["field"] == "country_code"
        for arguments in ("[]", "x", 5):
            wrong = request(9, "tools/call", name="list_owned_numbers", arguments=arguments)
            assert (await server.ask(wrong))["error"]["code"] == -32602


async def test_requests_that_were_piped_in_are_all_answered_before_the_end(tmp_path: Path) -> None:
    async with running(*IN_MEMORY, home=tmp_path) as server:
        await server.send(initialize("2025-11-25"))
        for number in range(5):
            await server.send(call(number, "search_available_numbers", country_code="US", limit=1))
        await server.hang_up()
        answers = [json.loads(line) for line in (await server.rest()).splitlines()]
        assert {answer["id"] for answer in answers} == {"initialize", *range(5)}
        assert all("result" in answer for answer in answers)
        assert await server.end() == 0
