"""Graceful shutdown on SIGINT and SIGTERM."""

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

_EXIT_SECONDS: Final = 3


@asynccontextmanager
async def ending_on_signal(
    drain: Callable[[], Awaitable[None]], end: Callable[[], None]
) -> AsyncGenerator[None]:
    """On SIGINT or SIGTERM, await ``drain`` and then call ``end``, which must make the block finish.

    If the block still runs three seconds later, for example because a client does not read its responses, the
    process exits with status 0.
    """
    loop = asyncio.get_running_loop()
    signalled = anyio.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(signalled.set)

    async def stop() -> None:
        await signalled.wait()
        await drain()
        end()
        await anyio.sleep(_EXIT_SECONDS)
        logging.shutdown()
        os._exit(0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop)
        handlers = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            tasks.cancel_scope.cancel()
