"""One line for each request that the sandbox answers on its socket, without a secret in it."""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote

from telefonie_mcp.redaction import HIDDEN, Redactor
from telefonie_mcp.text import clean_line

__all__ = ["ShowRequests"]

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

_SECRET: Final = re.compile(
    r"key|token|secret|pass|pwd|auth|signature|credential|(^|_)pin($|_)", re.IGNORECASE
)
_HEADERS: Final = frozenset({b"x-api-key", b"authorization", b"proxy-authorization", b"cookie"})
_SHORTEST: Final = 4
"""Characters of a header's value that is looked for: a shorter one stands in any path."""


class ShowRequests:
    """An ASGI application that reports every request to another one.

    Args:
        app: The other one.
        show: Is given a line for each request: time, method, target, status and duration.

    """

    def __init__(self, app: Any, show: Callable[[str], None]) -> None:
        self._app = app
        self._show = show

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), "no answer"

        async def noted(message: _Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            took = (time.perf_counter() - begun) * 1000
            clock = time.strftime("%H:%M:%S")
            self._show(f"{clock}  {scope['method']} {_target(scope)}  {status}  {took:.0f} ms")


def _target(scope: _Message) -> str:
    """Return the path and the query of a request, without what could be a secret."""
    path = clean_line(scope["path"])
    query = scope.get("query_string", b"").decode("latin-1")
    parts = [_parameter(part) for part in query.split("&") if part]
    target = f"{path}?{'&'.join(parts)}" if parts else path
    values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() in _HEADERS]
    words = {word for value in values for word in value.split() if len(word) >= _SHORTEST}
    return clean_line(Redactor(words).text(target))


def _parameter(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}={HIDDEN}" if equals and _SECRET.search(unquote(name)) else unquote(part)
