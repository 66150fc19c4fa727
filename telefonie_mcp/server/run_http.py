"""Runs the server over HTTP, or the sandbox alone on a socket, with a graceful shutdown.

It ends as :mod:`telefonie_mcp.server.run` says; a server over stdio imports nothing of it.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio

from telefonie_mcp import __version__
from telefonie_mcp.app import App
from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.files import file_warnings
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.server.run import announce
from telefonie_mcp.server.signals import ending_on_signal, reloading_on_hangup
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.types import Address

if TYPE_CHECKING:
    from telefonie_mcp.server.draining import Draining
    from telefonie_mcp.server.tenants import TenantServers

__all__ = ["serve_http", "serve_sandbox", "serve_tenants"]

_SHUTDOWN_SECONDS: Final = 2
"""How long requests other than writes may delay the shutdown of an HTTP server."""

_LATE_SECONDS: Final = 1
"""How long a refusal of a request that came during the shutdown may take."""

_BACKLOG: Final = 64
"""Connections that wait to be accepted; the system turns further ones away."""

_log: Final = logging.getLogger(__name__)


async def serve_http(app: App, address: Address) -> None:
    """Serve any number of clients at ``http://ADDRESS/mcp`` until a signal arrives.

    Raises:
        SettingsError: ``address`` cannot be bound.

    """
    from telefonie_mcp.server.dependencies import connected_replicas, reach_ledger  # noqa: PLC0415
    from telefonie_mcp.server.http import http_app  # noqa: PLC0415
    from telefonie_mcp.server.limits import usable_connections  # noqa: PLC0415
    from telefonie_mcp.server.readiness import Readiness  # noqa: PLC0415

    settings = app.settings
    connections = usable_connections(hosted=settings.hosted)
    with _listen(address, "TELEFONIE_HTTP") as listener:
        announce(app)
        async with connected_replicas(settings) as replicas:
            app = replace(app, replicas=replicas)
            readiness = Readiness(
                settings.mode, {"ledger": reach_ledger(settings, replicas)} if settings.hosted else {}
            )
            server = mcp_server(app)

            async def end() -> None:
                await app.drain()
                server.subscriptions.close()

            application = http_app(server, app, readiness, connections=connections)
            async with reloading_on_hangup(_reload_nothing) if settings.hosted else nullcontext():
                await _serve_ready(application, listener, settings, readiness, end, connections=connections)


async def _reload_nothing() -> None:
    """Go on: without it, SIGHUP would end the process in the middle of a write."""
    _log.warning("SIGHUP reads TELEFONIE_TENANTS again, and there is none; everything stays as it was")


async def serve_tenants(servers: "TenantServers", address: Address) -> None:
    """Serve the tenants of a file, read again at each SIGHUP, until another signal arrives.

    Raises:
        SettingsError: ``address`` cannot be bound.

    """
    from telefonie_mcp.server.dependencies import connected_replicas, reach_ledger  # noqa: PLC0415
    from telefonie_mcp.server.http import gated  # noqa: PLC0415
    from telefonie_mcp.server.limits import usable_connections  # noqa: PLC0415
    from telefonie_mcp.server.readiness import Readiness  # noqa: PLC0415

    settings, connections = servers.settings, usable_connections(hosted=True)
    with _listen(address, "TELEFONIE_HTTP") as listener:
        _log.warning("telefonie-mcp %s, LIVE for %d tenants", __version__, len(servers.tenants))
        for sentence in (*servers.tenants.warnings, *file_warnings(settings.ledger_url, {})):
            _log.warning("%s", sentence)
        async with connected_replicas(settings) as replicas:
            servers.replicas, servers.connections = replicas, connections
            readiness = Readiness(settings.mode, {"ledger": reach_ledger(settings, replicas)})
            application = gated(servers.application(readiness), settings, readiness)
            async with reloading_on_hangup(servers.reload):
                await _serve_ready(
                    application, listener, settings, readiness, servers.drain, connections=connections
                )


async def _serve_ready(
    application: Any,
    listener: socket.socket,
    settings: Settings,
    readiness: Any,
    end: Callable[[], Awaitable[None]],
    *,
    connections: int,
) -> None:
    """Serve until a signal arrives; ``end`` finishes writes and ends subscriptions."""

    async def drain(requests: "Draining") -> None:
        readiness.draining = True
        await anyio.sleep(settings.drain_seconds if settings.hosted else 0)
        requests.leaving = True
        await end()
        # Writes have their outcome now, but not yet their response; other calls go on for a while.
        with anyio.move_on_after(settings.timeout if settings.hosted else _SHUTDOWN_SECONDS):
            await requests.drained()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(readiness.look)
        await _serve(application, listener, "/mcp", drain, connections=connections)
        await readiness.aclose()
        tasks.cancel_scope.cancel()


async def serve_sandbox(
    database: str,
    address: Address,
    *,
    ready: Callable[[str], None] | None = None,
    around: Callable[[Any], Any] | None = None,
) -> None:
    """Serve the sandbox alone, with an account for every API key, until a signal arrives.

    Args:
        database: Its database.
        address: Where it listens.
        ready: Is told the base URL when the sandbox listens.
        around: Wraps the ASGI application.

    Raises:
        SettingsError: ``address`` cannot be bound.
        SandboxError: the database cannot be used.

    """
    from telefonie_mcp.sandbox import create_sandbox  # noqa: PLC0415

    with _listen(address, "--port") as listener:
        sandbox = create_sandbox(database)
        sandbox = around(sandbox) if around else sandbox
        await _serve(sandbox, listener, "/v1/numbers", _end_at_once, ready=ready)


async def _end_at_once(_: "Draining") -> None:
    await anyio.lowlevel.checkpoint()


def _listen(address: Address, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno or 0)  # error.strerror repeats the address
        raise SettingsError(
            f"{setting}: cannot listen on {address} ({reason}); choose another port, or 0 for any"
        ) from error
    # Accepted connections inherit TCP_NODELAY. asyncio sets it only on sockets with an explicit protocol,
    # which these lack. Without it, the second part of a response waits 40 ms until the first is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _serve(
    asgi: Any,
    listener: socket.socket,
    path: str,
    drain: Callable[["Draining"], Awaitable[None]],
    *,
    ready: Callable[[str], None] | None = None,
    connections: int | None = None,
) -> None:
    from telefonie_mcp.server.draining import Draining  # noqa: PLC0415 - a stdio server does not need it
    from telefonie_mcp.server.limits import HttpLimits, LimitedServer, usable_connections  # noqa: PLC0415

    requests = Draining(asgi)

    async def finish() -> None:
        await drain(requests)
        server.should_exit = True  # nobody else comes; who came late is answered before event streams end
        with anyio.move_on_after(_LATE_SECONDS):
            await requests.drained()

    def end() -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # no tracebacks of cancelled requests
        server.handle_exit(signal.SIGTERM, None)  # ends event streams: sse_starlette wraps it

    server = LimitedServer(
        requests,
        listener,
        HttpLimits(connections=connections or usable_connections()),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    url = f"http://{Address(host=host, port=port)}{path}"
    async with ending_on_signal(finish, end):
        _log.warning("serving on %s", url)
        if ready:
            ready(url)
        elif not _log.isEnabledFor(logging.WARNING):
            print(f"serving on {url}", file=sys.stderr)  # noqa: T201 - nobody could know a chosen port
        await server.serve()
