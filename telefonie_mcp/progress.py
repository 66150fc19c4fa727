"""How far a call is, said to whoever made it; a call that nobody listens to says it to nobody.

The listener is ambient (a context variable): what takes long stands deep inside, and most of what lies
between has nothing to say. It must never hold a call up, so what cannot be delivered at once is lost.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import anyio

__all__ = ["Listener", "listening", "report"]

Listener = Callable[[float, float | None, str], Awaitable[None]]
"""Takes how much is done, how much there is in all if that is known, and a sentence."""

_PATIENCE: Final = 1.0  # seconds for a listener that does not take what it is told
_HAIR: Final = 2**-10


@dataclass(slots=True)
class _Progress:
    listener: Listener
    done: float = 0
    total: float | None = None


_current: Final[ContextVar[_Progress | None]] = ContextVar("progress", default=None)


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Tell ``listener`` what :func:`report` says inside the block."""
    token = _current.set(_Progress(listener))
    try:
        yield
    finally:
        _current.reset(token)


async def report(sentence: str, *, done: float | None = None, total: float | None = None) -> None:
    """Say what is happening, and how much is done where that is known.

    What is done only ever grows (MCP, "Progress"): a sentence without news of it moves it by a hair.
    """
    progress = _current.get()
    if progress is None:
        return
    progress.done = max(done or 0, progress.done + _HAIR)
    progress.total = total if total is not None else progress.total
    with anyio.move_on_after(_PATIENCE):
        await progress.listener(progress.done, progress.total, sentence)
