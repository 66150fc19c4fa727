"""Many requests at the same time, with little work for each: the servers need the processors."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

from tests.bench.sessions import is_whole

__all__ = ["answers", "calls_per_second"]

_SECONDS: Final = 120
_ERROR: Final = b'"isError":true'


class _Caller(asyncio.Protocol):
    """Sends one request after the other, each when the one before is answered."""

    def __init__(self, messages: Iterator[bytes]) -> None:
        self._messages = messages
        self._received = b""
        self.answers: list[bytes] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        if message := next(self._messages, None):
            self._transport.write(message)
        else:
            self._transport.close()
            self.finished.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not is_whole(self._received):
            return
        if not self._received.startswith(b"HTTP/1.1 200"):
            self.finished.set_exception(AssertionError(self._received))
            return
        self.answers.append(self._received)
        self._received = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or EOFError("the server has closed the connection"))


def answers(port: int, clients: Sequence[Iterable[bytes]]) -> list[list[bytes]]:
    """Return the answers to the requests of each client; all clients send them side by side."""

    async def run() -> list[list[bytes]]:
        loop = asyncio.get_running_loop()
        callers = [
            (await loop.create_connection(lambda each=each: _Caller(iter(each)), "127.0.0.1", port))[1]
            for each in clients
        ]
        async with asyncio.timeout(_SECONDS):
            await asyncio.gather(*(caller.finished for caller in callers))
        return [caller.answers for caller in callers]

    return asyncio.run(run())


def calls_per_second(port: int, messages: Sequence[bytes], times: int) -> float:
    """Send every message ``times`` times, all messages side by side."""
    began = time.perf_counter()
    found = answers(port, [repeat(each, times) for each in messages])
    seconds = time.perf_counter() - began
    assert not any(_ERROR in answer for each in found for answer in each), "a call has failed"
    return len(messages) * times / seconds
