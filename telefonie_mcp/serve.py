"""Runs the server: over stdio, over HTTP, or the sandbox alone on a socket, and stops it cleanly.

On SIGINT and SIGTERM no further call is accepted, a write in flight is finished or settled, its answer is
delivered, and the process ends without a traceback.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import anyio
from mcp.server.stdio import stdio_server

from telefonie_mcp import __version__
from telefonie_mcp.app import App
from telefonie_mcp.server import mcp_server
from telefonie_mcp.settings import Address

__all__ = ["serve_http", "serve_sandbox", "serve_stdio"]

_FLUSH_SECONDS: Final = 0.1
_STREAM_SECONDS: Final = 1  # how long idle event streams may delay the end of an HTTP server
_log: Final = logging.getLogger(__name__)


async def serve_stdio(app: App) -> None:
    """Serve one client on standard input and output until it leaves or a signal arrives."""
    _announce(app)
    if sys.stdin.isatty():
        print(  # noqa: T201 - a person is looking
            "Waiting for an MCP client on standard input; this is not a prompt. "
            "Try telefonie-mcp demo, or see the README for how to connect a client. Ctrl+C stops.",
            file=sys.stderr,
        )
    server = mcp_server(app)
    async with anyio.create_task_group() as tasks, stdio_server() as (read, write):
        tasks.start_soon(_exit_on_signal, app)
        await server.run(read, write, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def serve_http(app: App, address: Address) -> None:
    """Serve any number of clients at ``http://ADDRESS/mcp`` until a signal arrives."""
    from telefonie_mcp.http import http_app  # noqa: PLC0415 - a stdio server does not pay for it

    await _serve(http_app(mcp_server(app), app), address, "/mcp", app.calls.drain, lambda: _announce(app))


async def serve_sandbox(database: str, address: Address) -> None:
    """Serve the sandbox alone, with an account for every API key, until a signal arrives."""
    from telefonie_mcp.sandbox import create_sandbox  # noqa: PLC0415

    await _serve(create_sandbox(database), address, "/v1/numbers", anyio.lowlevel.checkpoint, lambda: None)


def _announce(app: App) -> None:
    _log.warning("telefonie-mcp %s, %s", __version__, app.where)


async def _exit_on_signal(app: App) -> None:
    """End the process on a signal; a thread that waits for standard input can be stopped in no other way."""
    if sys.platform == "win32":  # asyncio has no signal handlers there; the console ends the process
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            await app.calls.drain()
            await anyio.sleep(_FLUSH_SECONDS)
            logging.shutdown()
            os._exit(0)


async def _serve(
    asgi: Any, address: Address, path: str, drain: Callable[[], Awaitable[None]], announce: Callable[[], None]
) -> None:
    import uvicorn  # noqa: PLC0415

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await drain()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        asgi,
        host=address.host,
        port=address.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STREAM_SECONDS,
    )
    listener = config.bind_socket()
    port = listener.getsockname()[1]
    announce()
    _log.warning("serving on http://%s%s", Address(host=address.host, port=port), path)
    with suppress(KeyboardInterrupt):
        await Server(config).serve(sockets=[listener])
