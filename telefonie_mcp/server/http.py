"""Streamable HTTP: the MCP server at ``/mcp``, and ``/healthz`` and ``/readyz``.

On a loopback address, ``Host`` and ``Origin`` must be loopback names, so that a web page cannot reach the
server through DNS rebinding (MCP 2026-07-28, "Streamable HTTP", security warning). In hosted mode, everything
is behind :class:`~telefonie_mcp.server.auth.gate.Gate`.
"""

import logging
from typing import TYPE_CHECKING, Final

from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from telefonie_mcp.app import App
from telefonie_mcp.server.dependencies import shares_a_ledger
from telefonie_mcp.server.fairness import CALLER_FRACTION, OpenRequests
from telefonie_mcp.server.handlers import TelefonieServer
from telefonie_mcp.server.limits import MAX_CONNECTIONS, WholeBodies
from telefonie_mcp.server.readiness import Readiness
from telefonie_mcp.server.tightening import HeaderChecks
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.catalog import Catalog

if TYPE_CHECKING:
    from telefonie_mcp.server.auth.gate import Gate

__all__ = ["gated", "http_app", "mcp_app"]

_log: Final = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def http_app(
    server: TelefonieServer,
    app: App,
    readiness: Readiness | None = None,
    *,
    connections: int = MAX_CONNECTIONS,
) -> ASGIApp:
    """Return the ASGI application that serves ``server``, in hosted mode to those who have a token.

    Args:
        server: The MCP server.
        app: Its parts.
        readiness: Whether it should get requests; by default always.
        connections: How many connections there may be.

    """
    application = mcp_app(server, app, readiness, connections=connections)
    return gated(application, app.settings, readiness) if app.settings.hosted else application


def mcp_app(
    server: TelefonieServer,
    app: App,
    readiness: Readiness | None = None,
    *,
    connections: int = MAX_CONNECTIONS,
) -> Starlette:
    """Return the same; in hosted mode it needs the gate before it, and a tenant has some connections only."""
    readiness = readiness or Readiness(app.settings.mode)

    def catalog() -> Catalog:
        return server.handlers.views.app.catalog

    application = server.streamable_http_app(
        json_response=app.settings.http_json,
        stateless_http=app.settings.legacy_sessions == "stateless",
        transport_security=_security(app.settings),
        custom_starlette_routes=[
            Route("/healthz", readiness.healthz),
            Route("/readyz", readiness.readyz),
        ],
    )
    if app.settings.legacy_sessions == "stateless":
        from telefonie_mcp.server.sessions import NoSessions  # noqa: PLC0415 - only in hosted mode

        application.add_middleware(NoSessions)
    elif app.settings.hosted:
        from telefonie_mcp.server.sessions import SessionLimit, Sessions  # noqa: PLC0415

        application.state.sessions = Sessions()
        application.add_middleware(SessionLimit, sessions=application.state.sessions)
    application.add_middleware(HeaderChecks, catalog=catalog)
    if app.settings.hosted:
        from telefonie_mcp.server.auth.challenges import Challenges  # noqa: PLC0415 - only in hosted mode
        from telefonie_mcp.server.auth.resource import Resource  # noqa: PLC0415
        from telefonie_mcp.server.auth.scope_gate import ScopeGate  # noqa: PLC0415

        application.add_middleware(
            ScopeGate,
            catalog=catalog,
            challenges=Challenges(Resource.of(app.settings).metadata_url),
        )
    application.add_middleware(WholeBodies, most=DEFAULT_MAX_REQUEST_BODY_SIZE)
    application.add_middleware(
        OpenRequests, most=max(1, int(connections * CALLER_FRACTION)), altogether=max(1, connections)
    )
    return application


def gated(application: ASGIApp, settings: Settings, readiness: Readiness | None = None) -> "Gate":
    """Return ``application`` behind the gate of hosted mode.

    Args:
        application: What it lets requests with a good token through to.
        settings: Who issues the tokens.
        readiness: Waits for the keys of the issuer.

    Raises:
        SettingsError: the secret for introspection cannot be read.

    """
    from telefonie_mcp.server.auth.gate import Gate  # noqa: PLC0415 - only in hosted mode
    from telefonie_mcp.server.auth.resource import Resource  # noqa: PLC0415
    from telefonie_mcp.server.auth.tokens import Tokens  # noqa: PLC0415

    if not shares_a_ledger(settings):
        _log.warning("the ledger is a SQLite file, which is fine for one replica; several need PostgreSQL")
    for sentence in settings.hosting_warnings:
        _log.warning("%s", sentence)
    gate = Gate(application, Resource.of(settings), Tokens.of(settings))
    if readiness:
        readiness.require("issuer", gate.verifier.reach)
    return gate


def _security(settings: Settings) -> TransportSecuritySettings:
    if settings.hosted:  # the gate has checked both
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    listening = [str(settings.http).rpartition(":")[0]] if settings.http else []
    hosts = (*_LOOPBACK, *listening)
    return TransportSecuritySettings(
        allowed_hosts=[pattern for host in hosts for pattern in (host, f"{host}:*")],
        allowed_origins=[f"http://{host}{port}" for host in hosts for port in ("", ":*")],
    )
