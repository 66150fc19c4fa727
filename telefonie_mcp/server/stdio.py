"""The stdio transport with a graceful shutdown: requests received before the end of input are answered.

The SDK's server cancels running requests when the input ends. Here the server sees the end only after every
request has been answered, and :meth:`Input.end` ends the input from inside the process.

The SDK hands every line to a thread that waits for it, and every answer to another: three hand-overs for each
request, a tenth of a call. POSIX says when a pipe, socket or terminal can be read, and when it takes
``PIPE_BUF`` bytes without making anybody wait; a plain file always can. The descriptors stay blocking: others
may share what they stand for.
"""

import os
import select
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from typing import Final, Protocol

import anyio
import mcp_types as types
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

__all__ = ["Incoming", "Input", "Outgoing", "Output", "PendingRequests", "off_the_wire", "stdio"]

_STDIN: Final = 0
_STDOUT: Final = 1
_STDERR: Final = 2
_READ_BYTES: Final = 65_536


class Input(anyio.AsyncFile[str]):
    """Lines of standard input, which can be ended from inside the process."""

    def __init__(self, descriptor: int = _STDIN) -> None:
        super().__init__(sys.stdin)
        self._descriptor = descriptor
        self._ended = False

    async def __aiter__(self) -> AsyncGenerator[str]:
        """Yield each line, in UTF-8; what stands after the last line end is a line."""
        begun: list[bytes] = []
        while chunk := await self._read():
            end, *others = chunk.split(b"\n")
            begun.append(end)
            for other in others:
                yield b"".join(begun).decode(errors="replace")
                begun = [other]
        if last := b"".join(begun):
            yield last.decode(errors="replace")

    async def _read(self) -> bytes:
        # A plain file can always be read: epoll refuses to wait for it, and kqueue waits for ever at its end.
        if self._ended or select.select([self._descriptor], [], [], 0)[0]:
            await anyio.lowlevel.checkpoint()  # a client that never pauses must not hold up the answers
        else:
            with suppress(anyio.ClosedResourceError):  # it was ended meanwhile
                await anyio.wait_readable(self._descriptor)
        try:
            return b"" if self._ended else os.read(self._descriptor, _READ_BYTES)
        except OSError:  # a socket whose other end left answers unread, or a terminal that has hung up
            return b""

    def end(self) -> None:
        """End the input: no other line comes."""
        self._ended = True
        anyio.notify_closing(self._descriptor)


class Output(anyio.AsyncFile[str]):
    """Text for what was standard output."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(sys.stdout)
        self._descriptor = descriptor
        self._written: list[str] = []

    async def write(self, text: str) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - bytes are another AsyncFile
        """Keep ``text`` until it is flushed, and return its length."""
        self._written.append(text)
        return len(text)

    async def flush(self) -> None:
        """Write what was kept.

        Raises:
            BrokenPipeError: the client has closed its end.
            ConnectionResetError: the same, of a connection by TCP with answers that nobody read.

        """
        waiting = memoryview("".join(self._written).encode())
        self._written.clear()
        while waiting:
            if not select.select([], [self._descriptor], [], 0)[1]:
                await anyio.wait_writable(self._descriptor)
            waiting = waiting[os.write(self._descriptor, waiting[: select.PIPE_BUF]) :]


@contextmanager
def off_the_wire() -> Generator[Output]:
    """Yield standard output, and send whatever else is written to it to standard error meanwhile.

    The client reads nothing but messages, as with the SDK's ``stdio_server``.
    """
    wire = os.dup(_STDOUT)
    aside = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else os.dup(_STDERR)
    os.dup2(aside, _STDOUT)
    os.close(aside)
    try:
        yield Output(wire)
    finally:
        os.dup2(wire, _STDOUT)
        os.close(wire)


@asynccontextmanager
async def stdio(
    source: Input, seconds: float, at_end: Callable[[], None]
) -> AsyncGenerator[tuple["Incoming", "Outgoing"]]:
    """Open the read and write streams of a server.

    Args:
        source: The input; not used on Windows, where no loop can wait for standard input.
        seconds: How long to wait for responses at the end of the input.
        at_end: Called at the end of the input, to end requests without an end of their own (subscriptions).

    """
    pending = PendingRequests()
    posix = sys.platform != "win32"
    try:
        with off_the_wire() if posix else nullcontext() as output:
            async with stdio_server(source if posix else None, output) as (read, write):
                outgoing = Outgoing(write, pending)
                try:
                    yield Incoming(read, outgoing, pending, seconds, at_end), outgoing
                finally:
                    source.end()
    except* (BrokenPipeError, ConnectionResetError):
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
