"""Slow, many and broken connections: what they cannot do to the others. The limits here are small ones."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from socket import create_server
from tempfile import TemporaryFile
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from anyio.abc import SocketStream
from mcp import Client
from mcp_types import CLIENT_INFO_META_KEY
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.server.http import http_app
from telefonie_mcp.server.limits import MAX_CONNECTIONS, HttpLimits, LimitedServer, usable_connections
from tests.support.wire import MODERN, SECONDS, answer_of, app_of, initialize, request, running

SMALL = 0.2
LATER = 10 * SECONDS
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
MODERN_HEADERS = {**HEADERS, "MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"}
LIST = json.dumps(request(1, "tools/list", modern=True))


@asynccontextmanager
async def limited(asgi: Any, limits: HttpLimits) -> AsyncGenerator[int]:
    """Serve an application within `limits` and give the port."""
    listener = create_server(("127.0.0.1", 0), backlog=64)
    server = LimitedServer(
        asgi, listener, limits, log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    with anyio.fail_after(SECONDS), closing(listener):
        async with anyio.create_task_group() as tasks:
            port = listener.getsockname()[1]
            tasks.start_soon(server.serve)
            try:
                yield port
            finally:
                server.should_exit = True


@asynccontextmanager
async def mcp_limited(home: Path, limits: HttpLimits, **variables: str) -> AsyncGenerator[int]:
    app = app_of(home, **variables)
    async with limited(http_app(mcp_server(app), app), limits) as port:
        yield port


async def connect(port: int) -> SocketStream:
    return await anyio.connect_tcp("127.0.0.1", port)


async def rest(stream: SocketStream) -> bytes:
    data = b""
    try:
        async for chunk in stream:
            data += chunk
    except anyio.BrokenResourceError:
        pass
    return data


async def held(_: Request) -> Response:
    return PlainTextResponse("here")


def post(headers: dict[str, str], length: int = 100) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(
        ["POST /mcp HTTP/1.1", "Host: 127.0.0.1", *lines, f"Content-Length: {length}", "", ""]
    ).encode()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /he",
    ],
)
async def test_headers_that_do_not_end_are_given_up(sent: bytes, tmp_path: Path) -> None:
    limits = HttpLimits(headers_seconds=SMALL, body_seconds=LATER)
    async with mcp_limited(tmp_path, limits) as port, await connect(port) as stream:
        await stream.send(sent) if sent else None
        said = await rest(stream)
    answers = re.findall(rb"HTTP/1.1 (\d+)", said)
    assert answers == ([b"200"] if b"healthz" in sent else []) + [b"408"]
    assert said.endswith(b"The headers of the request did not arrive in time.")


@pytest.mark.parametrize(
    "headers", [MODERN_HEADERS, {**HEADERS, "MCP-Protocol-Version": "2025-11-25"}, HEADERS]
)
@pytest.mark.parametrize("sent", [b"", b'{"jsonrpc"'])
async def test_a_body_that_does_not_end_is_given_up_in_every_era(
    headers: dict[str, str], sent: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = HttpLimits(headers_seconds=LATER, body_seconds=SMALL)
    async with mcp_limited(tmp_path, limits) as port:
        async with await connect(port) as stream:
            await stream.send(post(headers) + sent)
            said = await rest(stream)
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            answer = await client.post(f"http://127.0.0.1:{port}/mcp", content=LIST, headers=MODERN_HEADERS)
    assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in said.lower()
    assert answer.status_code == 200
    assert "Traceback" not in caplog.text


async def test_a_trickle_does_not_keep_a_request_alive(tmp_path: Path) -> None:
    limits = HttpLimits(headers_seconds=SMALL, body_seconds=SMALL)
    async with mcp_limited(tmp_path, limits) as port:
        for start in (b"GET /mcp HTTP/1.1\r\nX-A: ", post(MODERN_HEADERS, 1_000_000)):
            async with await connect(port) as stream:
                await stream.send(start)
                said = b""
                while not said:
                    await stream.send(b"a")
                    with anyio.move_on_after(SMALL / 20):
                        said = await stream.receive()
                assert said.startswith(b"HTTP/1.1 408")


async def test_a_body_that_nobody_reads_any_more_is_given_up_without_a_second_answer() -> None:
    limits = HttpLimits(headers_seconds=LATER, body_seconds=SMALL)
    application = Starlette(routes=[Route("/mcp", held, methods=["POST"])])
    async with limited(application, limits) as port, await connect(port) as stream:
        await stream.send(post(HEADERS) + b"a")
        said = await rest(stream)
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200"]


async def test_a_response_takes_as_long_as_it_does_and_the_connection_goes_on() -> None:
    go = anyio.Event()

    async def parts() -> AsyncGenerator[bytes]:
        yield b"first"
        await go.wait()
        yield b"last"

    async def stream(_: Request) -> Response:
        return StreamingResponse(parts())

    async def slow(request: Request) -> Response:
        await request.body()
        await go.wait()
        return PlainTextResponse("done")

    routes = [Route("/stream", stream), Route("/slow", slow, methods=["POST"]), Route("/", held)]
    limits = HttpLimits(headers_seconds=SMALL, body_seconds=SMALL)
    answers: list[str] = []
    async with (
        limited(Starlette(routes=routes), limits) as port,
        httpx.AsyncClient(timeout=SECONDS) as client,
    ):
        url = f"http://127.0.0.1:{port}"

        async def ask() -> None:
            answers.append((await client.post(f"{url}/slow", content=b"x" * 100_000)).text)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            async with client.stream("GET", f"{url}/stream") as streamed:
                chunks = streamed.aiter_bytes()
                assert await anext(chunks) == b"first"
                for _ in range(2):  # two deadlines pass, one after the other
                    async with await connect(port) as late:
                        assert b"408" in await rest(late)
                go.set()
                assert await anext(chunks) == b"last"
        assert answers == ["done"]
        assert (await client.get(url)).text == "here"


async def test_an_event_stream_of_2025_stays_open(tmp_path: Path) -> None:
    limits = HttpLimits(headers_seconds=SMALL, body_seconds=SMALL)
    async with mcp_limited(tmp_path, limits) as port, httpx.AsyncClient(timeout=SECONDS) as client:
        url = f"http://127.0.0.1:{port}/mcp"
        first = await client.post(url, json=initialize("2025-11-25"), headers=HEADERS)
        session = {"Mcp-Session-Id": first.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await client.post(url, json=ready, headers={**HEADERS, **session})
        async with client.stream("GET", url, headers={"Accept": "text/event-stream", **session}) as events:
            assert events.status_code == 200
            async with await connect(port) as late:
                assert b"408" in await rest(late)
            await client.delete(url, headers=session)  # which ends the stream in order
            assert [line async for line in events.aiter_lines() if line.startswith("data")] == []


async def test_connections_beyond_the_limit_wait_and_the_open_ones_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = HttpLimits(headers_seconds=LATER, connections=3)
    get = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with mcp_limited(tmp_path, limits) as port, AsyncExitStack() as open_ones:
        mine, *others = [await open_ones.enter_async_context(await connect(port)) for _ in range(3)]
        await mine.send(get)
        assert (await mine.receive()).startswith(b"HTTP/1.1 200")
        waiting = [await open_ones.enter_async_context(await connect(port)) for _ in range(20)]
        for each in waiting:
            await each.send(get.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await mine.send(get)
        assert (await mine.receive()).startswith(b"HTTP/1.1 200")
        with anyio.move_on_after(SMALL) as silence:
            await waiting[0].receive()
        assert silence.cancelled_caught
        await others[0].aclose()
        for each in waiting:  # one after the other takes the place that became free
            assert (await rest(each)).startswith(b"HTTP/1.1 200")
    assert caplog.text.count("3 connections are open; further ones wait") == 1


EXHAUSTED = """
import anyio, resource, socket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from telefonie_mcp.server.limits import HttpLimits, LimitedServer

async def here(_):
    return PlainTextResponse("here")

listener = socket.create_server(("127.0.0.1", 0), backlog=64)
print(listener.getsockname()[1], flush=True)
app = Starlette(routes=[Route("/", here)])
limits = HttpLimits(connections=1000, retry_seconds=0.01)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
anyio.run(LimitedServer(app, listener, limits, log_config=None, access_log=False).serve)
"""


async def test_running_out_of_descriptors_neither_silences_the_server_nor_fills_the_log() -> None:
    with TemporaryFile() as log, anyio.fail_after(SECONDS):
        process = await anyio.open_process(
            [sys.executable, "-c", EXHAUSTED], stderr=log, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout
            port = int(await process.stdout.receive())
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as first:
                assert (await first.get("/")).text == "here"
                many = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
                while not (size := os.fstat(log.fileno()).st_size):
                    await anyio.sleep(0.01)
                for _ in range(100):
                    assert (await first.get("/")).text == "here"
                for each in many:
                    each.close()
                async with httpx.AsyncClient(base_url=first.base_url, timeout=SECONDS) as second:
                    assert (await second.get("/")).text == "here"
            assert os.fstat(log.fileno()).st_size == size
            log.seek(0)
            assert b"cannot accept a connection (Too many open files); trying again" in log.read()
        finally:
            process.terminate()
            await process.aclose()


def test_connections_leave_descriptors_for_everything_else() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert usable_connections() <= min(MAX_CONNECTIONS, soft / 2)


async def test_a_caller_cannot_become_another_by_what_it_says(tmp_path: Path) -> None:
    """A name, an invented session, a forwarded address and another loopback address make no caller."""
    two = {"TELEFONIE_MAX_CALLS_PER_MINUTE": "2"}
    async with running("--http", "0", "--sandbox-db", ":memory:", home=tmp_path, variables=two) as server:
        url = await server.address()
        codes: list[str] = []
        for number in range(5):
            message = request(number, "tools/call", modern=True, name="list_owned_numbers", arguments={})
            message["params"]["_meta"][CLIENT_INFO_META_KEY] = {"name": f"client {number}", "version": "1"}
            headers = {
                **MODERN_HEADERS,
                "Mcp-Method": "tools/call",
                "Mcp-Name": "list_owned_numbers",
                "Mcp-Session-Id": f"session-{number}",
                "X-Forwarded-For": f"10.0.0.{number}",
            }
            transport = httpx.AsyncHTTPTransport(local_address=f"127.0.0.{number + 1}")
            async with httpx.AsyncClient(transport=transport, timeout=SECONDS) as client:
                answer = await client.post(url, json=message, headers=headers)
            codes.append("rate_limited" if "rate_limited" in answer.text else str(answer.status_code))
        assert codes == ["200", "200", *["rate_limited"] * 3]
        async with Client(url, mode="legacy") as client:  # whose session this server has issued
            assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 0


async def test_over_stdio_there_is_one_caller_whatever_it_calls_itself(tmp_path: Path) -> None:
    two = {"TELEFONIE_MAX_CALLS_PER_MINUTE": "2", "TELEFONIE_SANDBOX_DB": ":memory:"}
    async with running(home=tmp_path, variables=two) as server:
        limited_after: list[bool] = []
        for number in range(4):
            message = request(number, "tools/call", modern=True, name="list_owned_numbers", arguments={})
            message["params"]["_meta"][CLIENT_INFO_META_KEY] = {"name": f"client {number}", "version": "1"}
            limited_after.append("rate_limited" in json.dumps(await server.ask(message)))
    assert limited_after == [False, False, True, True]
