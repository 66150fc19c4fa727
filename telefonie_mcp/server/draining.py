"""Waits, before an HTTP server ends, until the requests that it has accepted are answered."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Draining"]


class Draining:
    """ASGI middleware that knows the unanswered POST requests: in MCP, every call is one.

    Event streams of 2025-11-25 and earlier are GET requests and never end by themselves; they do not count.

    Attributes:
        leaving: Whether clients are told with each answer to close their connection: the next request would
            find nobody.

    """

    def __init__(self, app: ASGIApp) -> None:
        self.leaving = False
        self._app = app
        self._unanswered: set[object] = set()
        self._answered: anyio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return

        async def send_last(message: Message) -> None:
            if self.leaving and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        request = object()
        self._unanswered.add(request)
        try:
            await self._app(scope, receive, send_last)
        finally:
            self._unanswered.discard(request)
            if self._answered:
                self._answered.set()

    async def drained(self) -> None:
        """Wait until every POST request that is here now has its complete response."""
        waiting = {*self._unanswered}
        while waiting := waiting & self._unanswered:
            if self._answered is None or self._answered.is_set():
                self._answered = anyio.Event()
            await self._answered.wait()
