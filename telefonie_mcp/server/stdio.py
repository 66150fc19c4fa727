"""The stdio transport with a graceful shutdown: requests received before the end of input are answered.

The SDK reads standard input in a thread that cannot be interrupted, and its server cancels running requests
when the input ends. Here :meth:`Input.end` ends the input from inside the process, and the server sees the
end only after every request has been answered.
"""

import io
import os
import select
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import anyio
import mcp_types as types
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

__all__ = ["Incoming", "Input", "Outgoing", "PendingRequests", "stdio"]

_STDIN: Final = 0


class Input(io.RawIOBase):
    """Standard input that can be ended from inside the process."""

    def __init__(self) -> None:
        self._ended, self._end = os.pipe()

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - BufferedReader passes nothing else
        """Wait for input, read it into ``buffer``, and return the number of bytes; 0 at the end."""
        ready, _, _ = select.select([_STDIN, self._ended], [], [])
        return 0 if self._ended in ready else os.readv(_STDIN, [buffer])

    def end(self) -> None:
        """End the input: this read and every later one return 0 bytes."""
        os.write(self._end, b".")


@asynccontextmanager
async def stdio(
    source: Input, seconds: float, at_end: Callable[[], None]
) -> AsyncGenerator[tuple["Incoming", "Outgoing"]]:
    """Open the read and write streams of a server.

    Args:
        source: The input; not used on Windows, where ``select`` does not work on standard input.
        seconds: How long to wait for responses at the end of the input.
        at_end: Called at the end of the input, to end requests without an end of their own (subscriptions).

    """
    lines = io.TextIOWrapper(io.BufferedReader(source), encoding="utf-8", errors="replace")
    pending = PendingRequests()
    try:
        async with stdio_server(None if sys.platform == "win32" else anyio.wrap_file(lines)) as (read, write):
            outgoing = Outgoing(write, pending)
            try:
                yield Incoming(read, outgoing, pending, seconds, at_end), outgoing
            finally:
                source.end()
    except* BrokenPipeError:
        pass  # the client has closed its end and reads no more responses


class PendingRequests:
    """The unanswered requests of the client and of the server."""

    def __init__(self) -> None:
        self._from_client = set[types.RequestId]()
        self._from_server = set[types.RequestId]()
        self._changed = anyio.Event()

    def received(self, message: types.JSONRPCMessage) -> None:
        """Register a message from the client."""
        match message:
            case types.JSONRPCRequest(id=request):
                self._from_client.add(request)
            case types.JSONRPCNotification(
                method="notifications/cancelled", params={"requestId": str() | int() as request}
            ):
                self._from_client.discard(request)  # a cancelled request gets no response
            case types.JSONRPCNotification():
                pass
            case types.JSONRPCResponse(id=request) | types.JSONRPCError(id=request):
                self._from_server -= {request}

    def sent(self, message: types.JSONRPCMessage) -> None:
        """Register a message from the server."""
        match message:
            case types.JSONRPCResponse(id=request) | types.JSONRPCError(id=request):  # nearly every one
                self._from_client -= {request}
            case types.JSONRPCRequest(id=request):
                self._from_server.add(request)
            case types.JSONRPCNotification():
                pass
        self._changed.set()

    async def drained(self) -> None:
        """Wait until all client requests are answered, ignoring those blocked on a disconnected client.

        A client request that waits for a response from the client (elicitation) is such a blocked request.
        """
        while len(self._from_client) > len(self._from_server):
            self._changed = anyio.Event()
            await self._changed.wait()


class _Source(Protocol):
    async def receive(self) -> SessionMessage | Exception: ...
    async def aclose(self) -> None: ...


class _Sink(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...
    async def aclose(self) -> None: ...


class Outgoing(ObjectSendStream[SessionMessage]):
    """The stream of messages to the client."""

    def __init__(self, sink: _Sink, pending: PendingRequests) -> None:
        self._sink = sink
        self._pending = pending

    async def send(self, item: SessionMessage) -> None:
        """Send one message."""
        await self._sink.send(item)
        self._pending.sent(item.message)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._sink.aclose()


class Incoming(ObjectReceiveStream[SessionMessage]):
    """The stream of messages from the client; it ends after the responses have been sent.

    A line that is not a message is answered with an error (JSON-RPC 2.0 §5.1); the SDK would ignore it.
    """

    def __init__(
        self,
        source: _Source,
        outgoing: Outgoing,
        pending: PendingRequests,
        seconds: float,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._outgoing = outgoing
        self._pending = pending
        self._seconds = seconds
        self._at_end = at_end

    async def receive(self) -> SessionMessage:
        """Return the next message."""
        while True:
            try:
                item = await self._source.receive()
            except anyio.EndOfStream:
                self._at_end()
                with anyio.move_on_after(self._seconds):
                    await self._pending.drained()
                raise
            if isinstance(item, SessionMessage):
                self._pending.received(item.message)
                return item
            if error := _error_response(item):
                await self._outgoing.send(SessionMessage(error))

    async def aclose(self) -> None:
        """Close the stream."""
        await self._source.aclose()


def _error_response(reason: Exception) -> types.JSONRPCError | None:
    """Return the error response to a line that is not a message; ``None`` for a blank line."""
    problem = reason.errors(include_url=False)[0] if isinstance(reason, ValidationError) else None
    if problem and not str(problem["input"]).strip():
        return None
    if problem and problem["type"] == "json_invalid":
        error = types.ErrorData(code=types.PARSE_ERROR, message="Parse error: the line is not JSON")
    else:
        error = types.ErrorData(
            code=types.INVALID_REQUEST, message="Invalid request: the line is not one JSON-RPC 2.0 message"
        )
    return types.JSONRPCError(jsonrpc="2.0", id=None, error=error)
