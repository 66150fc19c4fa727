"""A server in front of a live API, which is a sandbox on a socket or behind a transport that watches."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
import httpx2 as httpx

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.upstream.client import asgi_transport
from tests.sandbox.support import serve
from tests.support.served import live_app
from tests.support.wire import SECONDS

Mode = Literal["sandbox", "live"]


class Watching(httpx.AsyncBaseTransport):
    """The sandbox as a live API that remembers what it was asked."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.hosts: set[str] = set()
        self._sandbox = asgi_transport(create_sandbox(":memory:"))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        self.hosts.add(request.url.host)
        return await self._sandbox.handle_async_request(request)


class Down(httpx.AsyncBaseTransport):
    """An API that cannot be reached."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)


class Silent(httpx.AsyncBaseTransport):
    """An API that never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError(request)


@asynccontextmanager
async def running(mode: Mode, **changes: Any) -> AsyncGenerator[App]:
    """Give a server in either mode; the live one's API is a sandbox on a socket.

    The sandbox prepares the first search of a region, which takes its time on a busy machine.
    """
    if mode == "live":
        async with (
            serve(create_sandbox(":memory:")) as url,
            live_app(None, SECONDS, base_url=url, **changes) as app,
        ):
            yield app
        return
    app = App.from_settings(Settings(sandbox_db=":memory:", timeout=SECONDS, **changes))
    try:
        yield app
    finally:
        await app.aclose()


async def ask(app: App, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, whose answer is validated on the way."""
    return (await app.pipeline.call(tool, arguments, CommandLine())).content


async def refused(app: App, tool: str, **arguments: Any) -> ToolError:
    """Call a tool that must refuse."""
    try:
        answer = await ask(app, tool, **arguments)
    except ToolError as error:
        return error
    raise AssertionError(answer)
