"""Standard input and output with a clean end: whatever was asked before it gets its answer.

The SDK's transport waits for its input in a thread that nothing can interrupt, and the SDK's server cancels
what it is working on when the input ends. Here a signal ends the input like a client that hangs up, and the
server sees the end when every request before it is answered.
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
    """Standard input that can be ended from this side."""

    def __init__(self) -> None:
        self._ended, self._end = os.pipe()

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - BufferedReader passes nothing else
        """Wait for bytes and return how many there are now in ``buffer``; none at the end."""
        ready, _, _ = select.select([_STDIN, self._ended], [], [])
        return 0 if self._ended in ready else os.readv(_STDIN, [buffer])

    def end(self) -> None:
        """Let this and every later read see the end."""
        os.write(self._end, b".")


@asynccontextmanager
async def stdio(
    source: Input, seconds: float, at_end: Callable[[], None]
) -> AsyncGenerator[tuple["Incoming", "Outgoing"]]:
    """Open the streams for a server.

    Args:
        source: The input; not used on Windows, where nothing can wait for it and for its end at once.
        seconds: How long the end of the input waits for answers at most.
        at_end: Called at the end of the input, to let go of requests that only the client would end.

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
        pass  # the client has left and does not want its answers


class PendingRequests:
    """The requests in either direction that have no answer yet."""

    def __init__(self) -> None:
        self._theirs = set[types.RequestId]()
        self._ours = set[types.RequestId]()
        self._changed = anyio.Event()

    def received(self, message: types.JSONRPCMessage) -> None:
        """Note what the client sent."""
        match message:
            case types.JSONRPCRequest(id=request):
                self._theirs.add(request)
            case types.JSONRPCNotification(
                method="notifications/cancelled", params={"requestId": str() | int() as request}
            ):
                self._theirs.discard(request)  # it gets no answer
            case types.JSONRPCNotification():
                pass
            case types.JSONRPCResponse(id=request) | types.JSONRPCError(id=request):
                self._ours -= {request}

    def sent(self, message: types.JSONRPCMessage) -> None:
        """Note what the server sent."""
        match message:
            case types.JSONRPCRequest(id=request):
                self._ours.add(request)
            case types.JSONRPCNotification():
                pass
            case types.JSONRPCResponse(id=request) | types.JSONRPCError(id=request):
                self._theirs -= {request}
        self._changed.set()

    async def drained(self) -> None:
        """Wait until there is none, apart from those that wait for a client which has left."""
        while len(self._theirs) > len(self._ours):
            self._changed = anyio.Event()
            await self._changed.wait()


class _Source(Protocol):
    async def receive(self) -> SessionMessage | Exception: ...
    async def aclose(self) -> None: ...


class _Sink(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...
    async def aclose(self) -> None: ...


class Outgoing(ObjectSendStream[SessionMessage]):
    """What the client receives."""

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
    """What the client sends; its end waits for the answers.

    A line that is no message is answered as JSON-RPC 2.0 §5.1 says; the SDK would drop it in silence.
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
            if error := _no_message(item):
                await self._outgoing.send(SessionMessage(error))

    async def aclose(self) -> None:
        """Close the stream."""
        await self._source.aclose()


def _no_message(reason: Exception) -> types.JSONRPCError | None:
    """Return the answer to a line that the SDK could not read; none to a blank one."""
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
