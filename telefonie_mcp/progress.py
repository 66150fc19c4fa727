"""Progress notifications (MCP ``notifications/progress``). Without a progress token, reports are dropped.

The listener is a context variable, because the code that reports is far below the code that knows the client.
A slow listener does not delay a call: a report that is not delivered within a second is dropped.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import anyio

__all__ = ["Listener", "listening", "report"]

Listener = Callable[[float, float | None, str], Awaitable[None]]
"""Receives the progress so far, the total if known, and a message."""

_DELIVERY_SECONDS: Final = 1.0
"""Seconds that a report waits for its listener."""

_SMALLEST_STEP: Final = 2**-10
"""Increase of the progress for a report without a higher value."""


class _Progress:
    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.done: float = 0
        self.total: float | None = None


_current: Final[ContextVar[_Progress | None]] = ContextVar("progress", default=None)


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Deliver what is passed to :func:`report` inside the block to ``listener``."""
    token = _current.set(_Progress(listener))
    try:
        yield
    finally:
        _current.reset(token)


async def report(sentence: str, *, done: float | None = None, total: float | None = None) -> None:
    """Report ``sentence`` and, where known, the progress so far and the total.

    The progress value must increase with each notification (MCP, "Progress"), so a report without a higher
    value increases it by the smallest step.
    """
    progress = _current.get()
    if progress is None:
        return
    progress.done = max(done or 0, progress.done + _SMALLEST_STEP)
    progress.total = total if total is not None else progress.total
    with anyio.move_on_after(_DELIVERY_SECONDS):
        await progress.listener(progress.done, progress.total, sentence)
