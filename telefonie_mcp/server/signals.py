"""Graceful shutdown on SIGINT and SIGTERM."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
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
    signalled = anyio.Event()

    async def stop() -> None:
        await signalled.wait()
        await drain()
        end()
        await anyio.sleep(_EXIT_SECONDS)
        logging.shutdown()
        os._exit(0)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop)
        with ExitStack() as handlers:
            for number in (signal.SIGINT, signal.SIGTERM):
                handlers.enter_context(_noticing(number, signalled.set))
            yield
            tasks.cancel_scope.cancel()


@contextmanager
def _noticing(number: signal.Signals, call: Callable[[], None]) -> Generator[None]:
    """Let the event loop ``call`` at a signal.

    The loop's own way wakes it. A handler of Python alone would wait for the loop's next event where the
    signal comes just before the loop waits, or to another thread.
    """
    loop, before = asyncio.get_running_loop(), signal.getsignal(number)
    if sys.platform == "win32":  # whose loop has no way of its own, and wakes at any signal

        def notice(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(call)

        signal.signal(number, notice)
    else:
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        if sys.platform != "win32":
            loop.remove_signal_handler(number)
        signal.signal(number, before)
