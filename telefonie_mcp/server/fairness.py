"""What one caller may take of an HTTP server that serves many: requests that are open at the same time.

An event stream is a request without an end of its own: one caller could hold every connection with them.
"""

from collections import Counter
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from telefonie_mcp.server.auth.principal import Principal
from telefonie_mcp.settings.types import is_loopback

__all__ = ["CALLER_FRACTION", "OpenRequests"]

CALLER_FRACTION: Final = 1 / 2
"""Of the connections: how many one caller may hold with requests."""

_RETRY_SECONDS: Final = 10


class OpenRequests:
    """ASGI middleware that answers 429 to a caller with ``most`` open requests.

    A caller is whom the token names, and without tokens an address of the network; this machine is one.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._open = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = _caller(scope)
        if self._open[caller] >= self._most:
            await _refusal(self._most)(scope, receive, send)
            return
        self._open[caller] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


def _caller(scope: Scope) -> str:
    if principal := Principal.of(HTTPConnection(scope)):
        return principal.name
    host, _ = scope.get("client") or ("", 0)
    return "loopback" if is_loopback(host) else host


def _refusal(most: int) -> JSONResponse:
    message = f"Too many open requests; a caller may have {most} at the same time, event streams included"
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}}
    return JSONResponse(error, 429, headers={"Retry-After": str(_RETRY_SECONDS)})
