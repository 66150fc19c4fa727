"""Streamable HTTP on a loopback address: the MCP server at ``/mcp``, a health check at ``/healthz``.

``Host`` and ``Origin`` must be loopback names, so that a web page cannot reach the server through DNS
rebinding (MCP 2026-07-28, "Streamable HTTP", security warning).
"""

from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from telefonie_mcp import __version__
from telefonie_mcp.app import App
from telefonie_mcp.server.limits import WholeBodies
from telefonie_mcp.server.tightening import HeaderChecks

__all__ = ["http_app"]

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def http_app(server: Server[Any], app: App) -> Starlette:
    """Return the ASGI application that serves ``server``."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "mode": app.settings.mode, "version": __version__})

    listening = [str(app.settings.http).rpartition(":")[0]] if app.settings.http else []
    hosts = (*_LOOPBACK, *listening)
    application = server.streamable_http_app(
        json_response=app.settings.http_json,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[pattern for host in hosts for pattern in (host, f"{host}:*")],
            allowed_origins=[f"http://{host}{port}" for host in hosts for port in ("", ":*")],
        ),
        custom_starlette_routes=[Route("/healthz", health)],
    )
    application.add_middleware(HeaderChecks, catalog=lambda: app.catalog)
    application.add_middleware(WholeBodies, most=DEFAULT_MAX_REQUEST_BODY_SIZE)
    return application
