"""Waits, before an HTTP server ends, until the requests that it has accepted are answered."""

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Draining"]


class Draining:
    """ASGI middleware that counts unanswered POST requests: in MCP, every call is one.

    Event streams of 2025-11-25 and earlier are GET requests and never end by themselves; they do not count.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._unanswered = 0
        self._answered = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self._unanswered += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._unanswered -= 1
            self._answered.set()

    async def drained(self) -> None:
        """Wait until every POST request has its complete response."""
        while self._unanswered:
            self._answered = anyio.Event()
            await self._answered.wait()
