"""An HTTP server that slow, many and broken clients cannot stop: deadlines for requests, limited connections.

uvicorn waits forever for the rest of a request, accepts every connection, and asyncio logs a traceback for
each attempt to accept one when there are no file descriptors. Here a request that does not arrive in time is
answered with 408 (RFC 9110 §15.5.9); connections beyond the limit wait in the small backlog of the system,
while the open ones are served; and a failure to accept is logged once in a while. A response, such as an
event stream, may take as long as it does.
"""

import asyncio
import errno
import logging
import socket
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import h11
import uvicorn
from mcp_types import INVALID_REQUEST
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = [
    "BODY",
    "BODY_BYTES",
    "MAX_CONNECTIONS",
    "HttpLimits",
    "LimitedServer",
    "WholeBodies",
    "refused",
    "usable_connections",
]

BODY: Final = "telefonie_mcp.body"
"""Member of an ASGI scope: the request's body, or its beginning if it is too large."""

BODY_BYTES: Final = "telefonie_mcp.body_bytes"
"""Member of an ASGI scope: the size of that."""

MAX_CONNECTIONS: Final = 512
"""Open connections to a server on a desk; further ones wait until one closes."""

MAX_HOSTED_CONNECTIONS: Final = 4096
"""The same of a server at a public address, where every open event stream is one."""

_DESCRIPTORS_FRACTION: Final = 1 / 2
"""Of the file descriptors: what connections may take; the rest is for the ledger, the API and files."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one client may take of the server.

    Attributes:
        headers_seconds: How long the headers of a request may take, from the connection or the first byte.
        body_seconds: How long its body may take after them.
        connections: Open connections.
        retry_seconds: The pause after a connection could not be accepted.
        log_seconds: The least time between two log entries about that.

    """

    headers_seconds: float = 10
    body_seconds: float = 30
    connections: int = MAX_CONNECTIONS
    retry_seconds: float = 0.5
    log_seconds: float = 60


def usable_connections(*, hosted: bool = False) -> int:
    """Return how many connections to allow with the file descriptors that this process may have.

    Args:
        hosted: Take as many descriptors as the system allows; its usual limit is meant for other programs.

    """
    most = MAX_HOSTED_CONNECTIONS if hosted else MAX_CONNECTIONS
    if sys.platform == "win32":
        return most
    import resource  # noqa: PLC0415 - not on Windows

    descriptors, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = int(most / _DESCRIPTORS_FRACTION)
    if hosted and resource.RLIM_INFINITY != descriptors < wanted:
        descriptors = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    if descriptors == resource.RLIM_INFINITY:
        return most
    return max(1, min(most, int(descriptors * _DESCRIPTORS_FRACTION)))


def refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer to a request that reaches no MCP server: a JSON-RPC error without an id."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": message}}
    return JSONResponse(error, status, headers)


class WholeBodies:
    """ASGI middleware that hands over a request when its body is complete, or larger than ``most`` bytes.

    An application that waits for a body itself would log a traceback for each one that never ends. What is
    behind it finds the body at :data:`BODY` in the scope, and reads the same bytes.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = await self._read(receive)
        if read is None:
            return
        scope[BODY], scope[BODY_BYTES] = read["body"], len(read["body"])
        whole = [read]
        del read  # an event stream would keep it as long as it is open

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> Message | None:
        """Return one message with the body, or the beginning of a too large one; ``None`` without it."""
        parts: list[bytes] = []
        size, more = 0, True
        while more and size <= self._most:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
        return {"type": "http.request", "body": b"".join(parts), "more_body": more}


class _Protocol(H11Protocol):
    """A connection that is given up when a request is not complete in time."""

    def __init__(self, limits: HttpLimits, closed: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._seconds = {"headers": limits.headers_seconds, "body": limits.body_seconds}
        self._closed = closed
        self._awaited: Literal["headers", "body"] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await("headers")

    def connection_lost(self, exc: Exception | None) -> None:
        self._await(None)
        self._closed()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_rest(begun=True)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_rest(begun=bool(self.conn.trailing_data[0]))

    def _await_rest(self, *, begun: bool) -> None:
        """Await what is missing of a request, of which something may have ``begun`` to arrive."""
        if self.transport.is_closing():
            self._await(None)
        elif self.conn.their_state is h11.SEND_BODY:
            self._await("body")
        else:
            self._await("headers" if begun and self.conn.their_state is h11.IDLE else None)

    def _await(self, part: Literal["headers", "body"] | None) -> None:
        if part == self._awaited:
            return
        if self._timer:
            self._timer.cancel()
        self._awaited = part
        self._timer = self.loop.call_later(self._seconds[part], self._give_up) if part else None

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:  # the response has begun
            self.transport.abort()
            return
        text = f"The {self._awaited} of the request did not arrive in time.".encode()
        headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(text))),
            ("connection", "close"),
        ]
        response = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
        for event in (response, h11.Data(data=text), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if self.cycle:
            self.cycle.disconnected = True  # the application can neither read on nor answer
            self.cycle.message_event.set()
        self.transport.close()


class LimitedServer(uvicorn.Server):
    """uvicorn's server, which accepts connections within limits and leaves signals alone.

    Args:
        asgi: The application.
        listener: The socket to accept connections from; closed at the end.
        limits: What a client may take.
        options: Further options of :class:`uvicorn.Config`.

    """

    def __init__(self, asgi: Any, listener: socket.socket, limits: HttpLimits, **options: Any) -> None:
        # Without proxy_headers=False, any client on this machine could name its own address.
        super().__init__(uvicorn.Config(asgi, ws="none", proxy_headers=False, **options))
        self._listener = listener
        self._limits = limits
        self._free = asyncio.Semaphore(limits.connections)
        self._accepting: asyncio.Task[None] | None = None
        self._logged: float | None = None

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Install no handlers: uvicorn would raise the signals again at the end."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and then accept connections."""
        await super().startup(sockets or [])
        self._accepting = asyncio.create_task(self._accept())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no further connection, and end the open ones."""
        if self._accepting:
            self._accepting.cancel()
            with suppress(asyncio.CancelledError):
                await self._accepting
        self._listener.close()
        await super().shutdown(sockets or [])

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        while True:
            if self._free.locked():
                self._warn(f"{self._limits.connections} connections are open; further ones wait")
            await self._free.acquire()
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                self._free.release()
                if error.errno in _EXHAUSTED:
                    self._warn(f"cannot accept a connection ({error.strerror}); trying again")
                    await asyncio.sleep(self._limits.retry_seconds)
                continue
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> _Protocol:
        return _Protocol(
            self._limits,
            self._free.release,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    def _warn(self, message: str) -> None:
        now = asyncio.get_running_loop().time()
        if self._logged is None or now - self._logged >= self._limits.log_seconds:
            self._logged = now
            _log.warning("%s", message)
