"""Streamable HTTP on a loopback address: the MCP server at ``/mcp``, ``/healthz`` and ``/readyz``.

``Host`` and ``Origin`` must be loopback names, so that a web page cannot reach the server through DNS
rebinding (MCP 2026-07-28, "Streamable HTTP", security warning).
"""

from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from telefonie_mcp.app import App
from telefonie_mcp.server.fairness import CALLER_FRACTION, OpenRequests
from telefonie_mcp.server.limits import MAX_CONNECTIONS, WholeBodies
from telefonie_mcp.server.readiness import Readiness

__all__ = ["http_app"]

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def http_app(
    server: Server[Any],
    app: App,
    readiness: Readiness | None = None,
    *,
    connections: int = MAX_CONNECTIONS,
) -> Starlette:
    """Return the ASGI application that serves ``server``.

    Args:
        server: The MCP server.
        app: Its parts.
        readiness: Whether it should get requests; by default always.
        connections: How many connections there may be.

    """
    readiness = readiness or Readiness(app.settings.mode)
    listening = [str(app.settings.http).rpartition(":")[0]] if app.settings.http else []
    hosts = (*_LOOPBACK, *listening)
    application = server.streamable_http_app(
        json_response=app.settings.http_json,
        stateless_http=app.settings.legacy_sessions == "stateless",
        transport_security=TransportSecuritySettings(
            allowed_hosts=[pattern for host in hosts for pattern in (host, f"{host}:*")],
            allowed_origins=[f"http://{host}{port}" for host in hosts for port in ("", ":*")],
        ),
        custom_starlette_routes=[
            Route("/healthz", readiness.healthz),
            Route("/readyz", readiness.readyz),
        ],
    )
    application.add_middleware(OpenRequests, most=max(1, int(connections * CALLER_FRACTION)))
    application.add_middleware(WholeBodies, most=DEFAULT_MAX_REQUEST_BODY_SIZE)
    return application
