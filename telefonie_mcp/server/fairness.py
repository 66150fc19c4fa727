"""What one caller, or one tenant, may take of an HTTP server for many: open requests, and large ones.

An event stream is a request without an end of its own: one caller could hold every connection with them.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from telefonie_mcp.calls.uploads import takes_bytes
from telefonie_mcp.errors import NOTHING_DONE
from telefonie_mcp.server.auth.principal import Principal
from telefonie_mcp.server.limits import BODY_BYTES, refused
from telefonie_mcp.settings.types import is_loopback
from telefonie_mcp.tools.catalog import Tool

__all__ = ["CALLER_FRACTION", "MAX_BYTES", "TENANT_FRACTION", "Held", "LargeRequests", "OpenRequests"]

CALLER_FRACTION: Final = 1 / 2
"""Of the connections that a server or a tenant has: how many one caller may hold with requests."""

TENANT_FRACTION: Final = 1 / 2
"""Of the connections: how many all callers of one tenant may hold together."""

MAX_BYTES: Final = 1024 * 1024
"""Bytes of a request, unless it is a call of a tool that takes a document."""

_RETRY_SECONDS: Final = 10


class Held:
    """How many of something each caller has; of who has none, nothing is kept."""

    def __init__(self) -> None:
        self._counts = Counter[str]()

    def by(self, caller: str) -> int:
        """Return how many a caller has."""
        return self._counts[caller]

    def total(self) -> int:
        """Return how many all have."""
        return self._counts.total()

    def take(self, caller: str) -> None:
        """Give a caller one more."""
        self._counts[caller] += 1

    def give_back(self, caller: str) -> None:
        """Take one from a caller that has some."""
        self._counts[caller] -= 1
        if not self._counts[caller]:
            del self._counts[caller]

    @contextmanager
    def one_more(self, caller: str) -> Generator[None]:
        """Give a caller one more while the block runs."""
        self.take(caller)
        try:
            yield
        finally:
            self.give_back(caller)


class OpenRequests:
    """ASGI middleware that answers 429 beyond a number of open requests.

    A caller is whom the token names, and without tokens an address of the network; this machine is one.

    Args:
        app: The application.
        most: What one caller may have.
        altogether: What all may have.

    """

    def __init__(self, app: ASGIApp, most: int, altogether: int) -> None:
        self._app = app
        self._most = most
        self._altogether = altogether
        self._open = Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = _caller(scope)
        if self._open.by(caller) >= self._most:
            await _refusal(f"a caller may have {self._most}")(scope, receive, send)
            return
        if self._open.total() >= self._altogether:
            await _refusal(f"all callers together may have {self._altogether}")(scope, receive, send)
            return
        self._open.take(caller)
        try:
            await self._app(scope, receive, send)
        finally:
            self._open.give_back(caller)


def _caller(scope: Scope) -> str:
    if principal := Principal.in_scope(scope):
        return principal.name
    host, _ = scope.get("client") or ("", 0)
    return "loopback" if is_loopback(host) else host


def _refusal(rule: str) -> JSONResponse:
    message = f"Too many open requests; {rule} at the same time, event streams included"
    return refused(429, message, {"Retry-After": str(_RETRY_SECONDS)})


class LargeRequests:
    """Middleware of an MCP server that refuses requests of more than :data:`MAX_BYTES`.

    Only a tool that takes bytes, such as a scanned document, has a use for more.

    Args:
        tools: Returns the tools by name.

    """

    def __init__(self, tools: Callable[[], Mapping[str, Tool]]) -> None:
        self._tools = tools

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Handle one request."""
        size = ctx.request.scope.get(BODY_BYTES, 0) if ctx.request is not None else 0
        if size > MAX_BYTES and not self._takes_bytes(ctx):
            raise MCPError(
                types.INVALID_REQUEST,
                f"{NOTHING_DONE}: the request has {size:,} bytes; more than {MAX_BYTES:,} are accepted only "
                "for a tool that takes a document",
            )
        return await call_next(ctx)

    def _takes_bytes(self, ctx: ServerRequestContext[Any, Any]) -> bool:
        name = str((ctx.params or {}).get("name")) if ctx.method == "tools/call" else ""
        tool = self._tools().get(name)
        return bool(tool and takes_bytes(tool.input_schema))
