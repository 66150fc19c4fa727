"""Many requests at the same time, with little work for each: the servers need the processors."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from tests.bench.sessions import is_whole

__all__ = ["calls_per_second"]

_SECONDS: Final = 120
_ERROR: Final = b'"isError":true'


class _Caller(asyncio.Protocol):
    """Sends one request again and again, each when the one before is answered."""

    def __init__(self, message: bytes, times: int) -> None:
        self._message = message
        self._left = times
        self._received = b""
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._message)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not is_whole(self._received):
            return
        if not self._received.startswith(b"HTTP/1.1 200") or _ERROR in self._received:
            self.finished.set_exception(AssertionError(self._received))
            return
        self._received = b""
        self._left -= 1
        if self._left:
            self._transport.write(self._message)
        else:
            self._transport.close()
            self.finished.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(exc or EOFError("the server has closed the connection"))


def calls_per_second(port: int, messages: Sequence[bytes], times: int) -> float:
    """Send every message ``times`` times, all messages side by side."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        callers = [
            (await loop.create_connection(lambda each=each: _Caller(each, times), "127.0.0.1", port))[1]
            for each in messages
        ]
        async with asyncio.timeout(_SECONDS):
            await asyncio.gather(*(caller.finished for caller in callers))

    began = time.perf_counter()
    asyncio.run(run())
    return len(messages) * times / (time.perf_counter() - began)
