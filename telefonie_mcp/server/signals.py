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

__all__ = ["ending_on_signal", "reloading_on_hangup"]

_EXIT_SECONDS: Final = 3
_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def ending_on_signal(
    drain: Callable[[], Awaitable[None]], end: Callable[[], None]
) -> AsyncGenerator[None]:
    """On SIGINT or SIGTERM, await ``drain`` and then call ``end``, which must make the block finish.

    If the block still runs three seconds later, for example because a client does not read its responses, the
    process exits with status 0. Further signals change nothing, also after the block: the process is ending.
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
            for number in _ENDING:
                handlers.enter_context(_calling_on(number, signalled.set))
            yield
            tasks.cancel_scope.cancel()
        if signalled.is_set():
            for number in _ENDING:
                signal.signal(number, signal.SIG_IGN)


@asynccontextmanager
async def reloading_on_hangup(reload: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """Await ``reload`` after each SIGHUP while the block runs, once for those that come during one."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None:  # Windows has none
        yield
        return
    asked = asyncio.Event()

    async def reload_when_asked() -> None:
        while True:
            await asked.wait()
            asked.clear()
            await reload()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reload_when_asked)
        with _calling_on(hangup, asked.set):
            yield
        tasks.cancel_scope.cancel()


@contextmanager
def _calling_on(number: signal.Signals, call: Callable[[], None]) -> Generator[None]:
    """Call ``call`` on the event loop at each signal ``number`` while the block runs.

    Uses the loop's own signal handling, because it wakes the loop. A plain Python handler runs only when the
    main thread next executes code: it would wait for the loop's next event if the signal arrives just before
    the loop starts to wait, or is delivered to another thread.
    """
    loop, before = asyncio.get_running_loop(), signal.getsignal(number)
    if sys.platform == "win32":  # this loop has no signal handling of its own, and every signal wakes it

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(call)

        signal.signal(number, on_signal)
    else:
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        if sys.platform != "win32":
            loop.remove_signal_handler(number)
        signal.signal(number, before)
