"""SIGINT and SIGTERM: what must not be left half done is finished, then everything ends."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final

import anyio

__all__ = ["ending_on_signal"]

_LAST_SECONDS: Final = 3


@asynccontextmanager
async def ending_on_signal(
    drain: Callable[[], Awaitable[None]], end: Callable[[], None]
) -> AsyncGenerator[None]:
    """Let SIGINT and SIGTERM ``drain`` and then ``end`` what runs in the block.

    Should the block go on for three seconds after that, because a client does not read its answers or an API
    does not answer a read, the process ends all the same.
    """
    loop = asyncio.get_running_loop()
    signalled = anyio.Event()

    def notice(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(signalled.set)

    async def stop() -> None:
        await signalled.wait()
        await drain()
        end()
        await anyio.sleep(_LAST_SECONDS)
        logging.shutdown()
        os._exit(0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop)
        handlers = {number: signal.signal(number, notice) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            tasks.cancel_scope.cancel()
