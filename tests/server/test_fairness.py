"""What one caller can take of a server: half of the connections, and large requests only for documents."""

import base64
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2 as httpx
import pytest
from mcp_types import INVALID_REQUEST

from telefonie_mcp.calls.uploads import takes_bytes
from telefonie_mcp.server.fairness import MAX_BYTES, OpenRequests
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.server.http import http_app
from telefonie_mcp.server.limits import MAX_CONNECTIONS
from tests.support.hosted import hosting
from tests.support.issuer import issuing
from tests.support.serving import serving
from tests.support.tenants import office
from tests.support.wire import MODERN, SECONDS, app_of, initialize, request

HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": MODERN}
LISTEN = request(
    1, "subscriptions/listen", modern=True, notifications={"resourceSubscriptions": ["telefonie://log"]}
)


@asynccontextmanager
async def stream(client: httpx.AsyncClient, url: str) -> AsyncGenerator[httpx.Response]:
    """Open an event stream, and wait for its first line."""
    headers = {**HEADERS, "Mcp-Method": "subscriptions/listen"}
    async with client.stream("POST", url, json=LISTEN, headers=headers) as response:
        lines = response.aiter_lines()  # whose end would be that of the response
        if response.status_code == 200:
            await anext(lines)
        yield response


async def test_one_caller_holds_half_of_the_connections_with_streams_of_both_eras(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    application = http_app(mcp_server(app), app, connections=4)
    with anyio.fail_after(SECONDS):
        async with (
            serving(application) as origin,
            httpx.AsyncClient(timeout=SECONDS) as client,
            AsyncExitStack() as streams,
        ):
            url = f"{origin}/mcp"
            first = await client.post(
                url, json=initialize("2025-11-25"), headers={"Accept": HEADERS["Accept"]}
            )
            session = {
                "Mcp-Session-Id": first.headers["mcp-session-id"],
                "MCP-Protocol-Version": "2025-11-25",
                "Accept": "text/event-stream",
            }
            legacy = await streams.enter_async_context(client.stream("GET", url, headers=session))
            modern = await streams.enter_async_context(stream(client, url))
            assert (legacy.status_code, modern.status_code) == (200, 200)
            for _ in range(2):
                async with stream(client, url) as refused:
                    assert refused.status_code == 429
                    assert int(refused.headers["retry-after"]) > 0
                    assert "may have 2 at the same time" in (await refused.aread()).decode()


async def test_callers_are_told_apart_by_their_tokens_and_places_are_given_back() -> None:
    go, open_now = anyio.Event(), list[str]()

    async def hold(scope: Any, _: Any, send: Any) -> None:
        open_now.append(scope["path"])
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    bounded = OpenRequests(hold, most=1, altogether=2)

    async def ask(host: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(bounded, client=(host, 1))) as client:
            return (await client.get("http://here/")).status_code

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "127.0.0.1")
        tasks.start_soon(ask, "10.0.0.1")
        while len(open_now) < 2:
            await anyio.lowlevel.checkpoint()
        assert await ask("127.0.0.9") == 429  # this machine is one caller
        assert await ask("10.0.0.1") == 429
        assert await ask("10.0.0.2") == 429  # all together have two
        go.set()
    assert await ask("127.0.0.1") == await ask("10.0.0.1") == 200


async def test_callers_of_one_tenant_together_leave_half_of_the_connections_to_others(tmp_path: Path) -> None:
    async with (
        issuing() as issuer,
        office(issuer, tmp_path, {"acme": {}, "beta": {}}) as served,
        httpx.AsyncClient(timeout=SECONDS) as client,
        AsyncExitStack() as streams,
    ):
        served.servers.connections = 8

        async def listen(tenant: str, person: int) -> httpx.Response:
            client.headers["Authorization"] = f"Bearer {served.token(tenant, sub=str(person))}"
            return await streams.enter_async_context(stream(client, served.url))

        assert [(await listen("acme", person)).status_code for person in (1, 1, 1)] == [200, 200, 429]
        assert [(await listen("acme", person)).status_code for person in (2, 3, 4)] == [200, 200, 429]
        refused = await listen("acme", 5)
        assert "all callers together may have 4 at the same time" in (await refused.aread()).decode()
        assert (await listen("beta", 1)).status_code == 200


async def test_a_body_that_does_not_come_counts_as_an_open_request() -> None:
    """Or somebody with a token could hold every connection with them."""
    async with issuing() as issuer, hosting(issuer) as hosted, AsyncExitStack() as opened:
        host, _, port = hosted.url.split("/")[2].partition(":")
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 9\r\n"
            f"Authorization: Bearer {hosted.token()}\r\n\r\n"
        )
        for _ in range(MAX_CONNECTIONS // 2):
            connection = await anyio.connect_tcp(host, int(port))
            await opened.enter_async_context(connection)
            await connection.send(head.encode())
        while (await hosted.post(hosted.token())).status_code != 429:
            pass
        assert (await hosted.post(hosted.token(sub="another"))).status_code == 200


async def test_a_large_request_is_refused_unless_the_tool_takes_a_document() -> None:
    large = base64.b64encode(b"x" * MAX_BYTES).decode()
    port: dict[str, Any] = {"toolsets": ("numbers", "porting")}
    async with issuing() as issuer, hosting(issuer, **port) as hosted:
        token = hosted.token("numbers:purchase porting:write")
        call: dict[str, Any] = {"name": "list_owned_numbers", "arguments": {"page": 1, "more": large}}
        refused = await hosted.post(token, "tools/call", **call)
        assert refused.json()["error"]["code"] == INVALID_REQUEST
        assert "more than 1,048,576 are accepted only for a tool that takes a document" in refused.text
        document: dict[str, Any] = {
            "name": "upload_port_document",
            "arguments": {"order_id": "none", "content": large},
        }
        assert "takes a document" not in (await hosted.post(token, "tools/call", **document)).text
        assert (
            await hosted.post(token, "tools/call", name="list_owned_numbers", arguments={})
        ).status_code == 200


@pytest.mark.parametrize(("scope", "told"), [("numbers:read", False), ("porting:read", True)])
async def test_what_a_caller_may_not_read_it_cannot_follow(scope: str, told: bool) -> None:
    port = "telefonie://port-orders"
    wanted = {"resourceSubscriptions": [port, "telefonie://numbers"]}
    chosen: dict[str, Any] = {"toolsets": ("numbers", "porting")}
    async with (
        issuing() as issuer,
        hosting(issuer, **chosen) as hosted,
        httpx.AsyncClient(timeout=SECONDS) as client,
    ):
        headers = {
            **HEADERS,
            "Mcp-Method": "subscriptions/listen",
            "Authorization": f"Bearer {hosted.token(scope)}",
        }
        message = request(1, "subscriptions/listen", modern=True, notifications=wanted)
        async with client.stream("POST", hosted.url, json=message, headers=headers) as response:
            lines = response.aiter_lines()
            while not (line := await anext(lines)).startswith("data:"):
                pass
        assert "telefonie://numbers" in line
        assert (port in line) is told


@pytest.mark.parametrize(
    ("schema", "takes"),
    [
        ({"type": "string", "contentEncoding": "base64"}, True),
        (
            {"anyOf": [{"type": "array", "items": {"type": "string", "format": "byte"}}, {"type": "null"}]},
            True,
        ),
        ({"type": "object", "properties": {"file": {"type": "string", "format": "byte"}}}, True),
        ({"type": "string", "format": "uri"}, False),
    ],
)
def test_what_takes_a_document(schema: dict[str, Any], takes: bool) -> None:
    assert takes_bytes({"type": "object", "properties": {"given": schema}}) is takes
