"""Streamable HTTP: who gets in, what is refused, and what never leaves the process."""

import json
from pathlib import Path
from socket import create_server
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from tests.support.commands import command
from tests.support.wire import MODERN, SECONDS, answer_of, initialize, request, running, serving_http

HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": MODERN,
    "Mcp-Method": "tools/list",
}


async def never_asked(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    raise AssertionError(params)


LIST = json.dumps(request(1, "tools/list", modern=True))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:8000"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 400),
    ],
)
async def test_host_and_origin_are_checked(headers: dict[str, str], status: int, tmp_path: Path) -> None:
    async with serving_http(tmp_path) as url, httpx.AsyncClient(timeout=SECONDS) as client:
        answer = await client.post(url, content=LIST, headers={**HEADERS, **headers})
    assert answer.status_code == status


@pytest.mark.parametrize("address", ["127.9.9.9:0", "localhost:0"])
async def test_every_address_that_may_be_listened_on_answers(address: str, tmp_path: Path) -> None:
    async with (
        running("--http", address, "--sandbox-db", ":memory:", home=tmp_path) as server,
        httpx.AsyncClient(timeout=SECONDS) as client,
    ):
        answer = await client.post(await server.address(), content=LIST, headers=HEADERS)
    assert answer.status_code == 200


async def test_health_is_answered_and_unknown_paths_and_too_large_bodies_are_refused(tmp_path: Path) -> None:
    async with (
        running("--http", "0", "--sandbox-db", ":memory:", home=tmp_path) as server,
        httpx.AsyncClient(timeout=SECONDS) as client,
    ):
        url = await server.address()
        health = await client.get(url.replace("/mcp", "/healthz"))
        assert (health.status_code, health.json()["status"], health.json()["mode"]) == (200, "ok", "sandbox")
        assert (await client.get(url.replace("/mcp", "/"))).status_code == 404
        assert (await client.post(url, content=b"x" * 5_000_000, headers=HEADERS)).status_code == 413
        assert (await client.post(url, content=LIST, headers=HEADERS)).status_code == 200


@pytest.mark.parametrize(("plain", "kind"), [("false", "text/event-stream"), ("true", "application/json")])
async def test_answers_are_event_streams_unless_plain_json_is_asked_for(
    plain: str, kind: str, tmp_path: Path
) -> None:
    async with (
        serving_http(tmp_path, TELEFONIE_HTTP_JSON=plain) as url,
        httpx.AsyncClient(timeout=SECONDS) as client,
    ):
        legacy = {**HEADERS, "MCP-Protocol-Version": "2025-11-25"}
        answer = await client.post(url, json=initialize("2025-11-25"), headers=legacy)
    assert answer.headers["content-type"].startswith(kind)


async def test_plain_json_leaves_no_way_to_ask_a_client_of_2025(tmp_path: Path) -> None:
    async with (
        serving_http(tmp_path, TELEFONIE_HTTP_JSON="true", TELEFONIE_APPROVAL="human") as url,
        Client(url, mode="legacy", elicitation_callback=never_asked) as client,
    ):
        arguments = {"phone_number": "+14155550123", "confirm": True}
        answer = answer_of(await client.call_tool("purchase_number", arguments))
    assert answer["code"] == "not_approved"
    assert "the connection cannot carry requests from the server" in answer["message"]


async def test_several_clients_are_served_at_once(tmp_path: Path) -> None:
    totals: list[int] = []
    async with serving_http(tmp_path) as url:

        async def visit(mode: str) -> None:
            async with Client(url, mode=mode) as client:
                answers = [answer_of(await client.call_tool("list_owned_numbers", {})) for _ in range(5)]
                totals.extend(answer["total"] for answer in answers)

        async with anyio.create_task_group() as tasks:
            for mode in ("auto", "legacy") * 3:
                tasks.start_soon(visit, mode)
    assert totals == [0] * 30


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("0.0.0.0:0", "TELEFONIE_HTTP: must be a loopback address, not 0.0.0.0"),
        ("example.com:80", "must be a loopback address"),
        ("[::]:80", "must be a loopback address"),
        ("somewhere", "must be HOST:PORT or PORT"),
        ("127.0.0.1:99999", "must have a port from 0 to 65535"),
    ],
)
def test_addresses_that_are_not_loopback_addresses_stop_the_start(
    address: str, words: str, tmp_path: Path
) -> None:
    status, _, errors = command(tmp_path, "--http", address)
    assert status == 2
    assert errors.startswith("telefonie-mcp: ")
    assert words in errors


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        in_memory = ("--sandbox-db", ":memory:")
        status, _, errors = command(tmp_path, "--http", f"127.0.0.1:{port}", *in_memory)
        assert status == 2
        assert f"TELEFONIE_HTTP: cannot listen on 127.0.0.1:{port} (Address already in use)" in errors
        status, _, errors = command(tmp_path, "sandbox", "--port", port, *in_memory)
        assert status == 2
        assert errors.startswith(f"telefonie-mcp: --port: cannot listen on 127.0.0.1:{port}")


async def test_the_sandbox_on_a_socket_keeps_accounts_apart(tmp_path: Path) -> None:
    async with (
        running("sandbox", "--port", "0", "--sandbox-db", ":memory:", home=tmp_path) as server,
        httpx.AsyncClient(timeout=SECONDS) as client,
    ):
        url = await server.address()
        order = {"phone_number": "+14155550123"}

        async def ask(method: str, key: str | None, **options: Any) -> int:
            headers = {"X-API-Key": key} if key else {}
            answer = await client.request(method, f"{url}/owned", headers=headers, **options)
            assert answer.headers["Telefonie-Sandbox"] == "true"
            return answer.json()["total"] if answer.status_code == 200 else answer.status_code

        assert await ask("GET", None) == 401
        assert await ask("POST", "account-one", json=order) == 201
        assert await ask("POST", "account-two", json=order) == 409
        assert await ask("GET", "account-one") == 1
        assert await ask("GET", "account-two") == 0
        server.process.terminate()
        assert await server.end() == 0
