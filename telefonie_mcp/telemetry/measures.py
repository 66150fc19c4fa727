"""Measures taken deep in a call, for whoever observes the call; without an observer they cost nothing.

The observer is a context variable, as the listener to progress is: the code that waits for the API or the
ledger is far below the code that knows the call.
"""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

__all__ = ["Measure", "Observer", "observing", "timed", "took"]

Measure = Literal["upstream", "ledger", "approval"]

Observer = Callable[[Measure, float, Mapping[str, str]], None]
"""Receives what was measured, the seconds that it took, and attributes from a small set of values."""

_current: Final[ContextVar[Observer | None]] = ContextVar("observer", default=None)


@contextmanager
def observing(observer: Observer) -> Generator[None]:
    """Deliver what is measured inside the block to ``observer``."""
    token = _current.set(observer)
    try:
        yield
    finally:
        _current.reset(token)


def timed() -> float | None:
    """Return the time, for :func:`took` later; ``None`` if nobody observes this call."""
    return None if _current.get() is None else time.perf_counter()


def took(what: Measure, since: float | None, **attributes: str) -> None:
    """Measure what began at ``since``."""
    if since is not None and (observer := _current.get()):
        observer(what, time.perf_counter() - since, attributes)
