"""The gate before everything in hosted mode: host (421), browser origin (403), token (401, 503).

Only headers are read here, so that nobody without a good token can make the server keep a body. What is
behind the gate finds the principal in the ASGI scope (:meth:`.principal.Principal.of`). No other header is
believed: not ``X-Forwarded-Host``, and none of ``Mcp-*``.
"""

import asyncio
from typing import Final

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend
from starlette.authentication import AuthCredentials
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from telefonie_mcp.server.auth.challenges import Challenges
from telefonie_mcp.server.auth.fetching import IssuerError
from telefonie_mcp.server.auth.resource import Resource
from telefonie_mcp.server.auth.tokens import Tokens
from telefonie_mcp.tools.scopes import READ

__all__ = ["Gate"]

_MCP_PATH: Final = "/mcp"
"""The path at which the application behind the gate serves MCP, whatever the public URL's is."""

_OPEN: Final = frozenset({"/healthz", "/readyz"})
"""Paths that need no token and answer for any host: a probe addresses a machine, and learns nothing."""

_BROWSER_SECONDS: Final = 600
"""How long a browser may remember what it may send."""

_SENT: Final = ("authorization", "content-type", "last-event-id", "mcp-protocol-version", "mcp-session-id")
_SENT_MODERN: Final = ("mcp-method", "mcp-name", "x-mcp-readonly", "x-mcp-toolsets", "x-mcp-tools")
_SHOWN: Final = ("mcp-session-id", "www-authenticate", "retry-after")


class Gate:
    """ASGI application that lets requests with a good token through.

    Args:
        app: What is behind it; it serves MCP at ``/mcp``.
        resource: What is protected.
        verifier: Verifies tokens; closed with the application.

    """

    def __init__(self, app: ASGIApp, resource: Resource, verifier: Tokens) -> None:
        self.verifier: Final = verifier
        self._app = AuthContextMiddleware(app)
        self._direct = app
        self._resource = resource
        self._challenges = Challenges(resource.metadata_url)
        self._backend = BearerAuthBackend(verifier)
        self._browsers = CORSMiddleware(
            self._authenticate,
            allow_origins=sorted(resource.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[*_SENT, *_SENT_MODERN, "x-mcp-exclude-tools"],
            expose_headers=[*_SHOWN],
            max_age=_BROWSER_SECONDS,
        )
        self._metadata = CORSMiddleware(
            self._describe, allow_origins=["*"], allow_methods=["GET"], allow_headers=["mcp-protocol-version"]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing else is served
        path = scope["path"]
        if path in _OPEN:
            await self._direct(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._resource.serves(hosts[0], scope):
            await self._challenges.wrong_host()(scope, receive, send)
        elif path.rstrip("/") in self._resource.metadata_paths:
            await self._metadata(scope, receive, send)
        elif not {*origins} <= self._resource.origins or len(origins) > 1:
            await self._challenges.wrong_origin()(scope, receive, send)
        elif path.rstrip("/") not in {self._resource.path, _MCP_PATH}:
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
        else:
            await self._browsers({**scope, "path": _MCP_PATH, "raw_path": _MCP_PATH.encode()}, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = asyncio.create_task(self.verifier.reach())  # the start does not wait for the issuer
        try:
            await self._direct(scope, receive, send)
        finally:
            await self.verifier.aclose()
            await first

    async def _authenticate(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = await self._user(scope)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        credentials, user = found
        scope["user"], scope["auth"] = user, credentials
        await self._app(scope, receive, send)

    async def _user(self, scope: Scope) -> tuple[AuthCredentials, AuthenticatedUser] | Response:
        given = Headers(scope=scope).getlist("authorization")
        if not any(each.lower().partition(" ")[0] == "bearer" for each in given):
            return self._challenges.unauthenticated(READ)
        try:
            found = await self._backend.authenticate(HTTPConnection(scope)) if len(given) == 1 else None
        except IssuerError:
            return self._challenges.unavailable()
        return found or self._challenges.invalid_token(READ)

    async def _describe(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            headers = {"Cache-Control": "public, max-age=3600"}
            answer: Response = JSONResponse(self._resource.metadata, headers=headers)
        else:
            answer = PlainTextResponse("Method Not Allowed", 405, {"Allow": "GET, HEAD, OPTIONS"})
        await answer(scope, receive, send)
