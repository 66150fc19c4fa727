"""Where calls find the ledger: opened by the first one, in a thread, and shared by all who use it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from telefonie_mcp.deadline import Deadline
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.files import FileMark
from telefonie_mcp.telemetry.measures import timed, took

if TYPE_CHECKING:
    from telefonie_mcp.ledger.store import Ledger

__all__ = ["MOST_THREADS", "LedgerSource", "in_thread"]

_LEAST_SECONDS: Final = 0.5
"""How long the ledger is waited for even when a call has no time left: its outcome is to be recorded."""

_GRACE_SECONDS: Final = 0.5
"""How much longer a database is waited for than it was told to wait for others."""

MOST_THREADS: Final = 40
"""Threads that use ledgers at the same time, as many as anyio has: several ledgers may be slow at once."""

_threads: Final = ThreadPoolExecutor(MOST_THREADS, "ledger")
"""Not anyio's: handing work to one of those and back takes half as many instructions again."""

_T = TypeVar("_T")


class LedgerSource:
    """A ledger that is opened by the first call that needs it, and that several accounts can use.

    Args:
        url: Where the ledger stands, as :meth:`telefonie_mcp.ledger.store.Ledger.open` takes it.
        found: The ledger's file when the server started, if it had a content: it must still be the same.

    """

    def __init__(self, url: Callable[[], str], found: FileMark | None = None) -> None:
        self._url = url
        self._found = found
        self._ledger: Ledger | None = None
        self._opening = anyio.Lock()

    async def opened(self, deadline: Deadline) -> "Ledger":
        """Return the ledger.

        Raises:
            LedgerError: it cannot be opened.

        """
        if self._ledger is not None:
            return self._ledger
        async with self._opening:
            if self._ledger is None:
                late = Event()
                try:
                    self._ledger = await in_thread(deadline, _open_ledger, self._url(), self._found, late)
                except BaseException:
                    late.set()
                    raise
                self._found = self._ledger.mark
            return self._ledger

    async def is_made(self, deadline: Deadline) -> bool:
        """Return whether there is a ledger already."""
        known = self._ledger or self._found
        return bool(known) or await in_thread(deadline, _is_made, self._url())

    def close(self) -> None:
        """Close the ledger; the next call opens it again."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None


async def in_thread(deadline: Deadline, work: Callable[..., _T], *arguments: Any) -> _T:
    """Run what blocks on the database in a thread, with the call's patience.

    A thread that does not come back is left behind: what it may still record has been sent to nobody. What
    has not begun when nobody waits for it any more, never begins.

    Raises:
        LedgerError: it did not answer in time.

    """
    patience = max(_LEAST_SECONDS, deadline.remaining)

    def run() -> _T:
        from telefonie_mcp.ledger.database import waiting  # noqa: PLC0415 - SQLAlchemy takes a while

        with waiting(patience):
            return work(*arguments)

    begun = timed()
    try:
        with anyio.move_on_after(patience + _GRACE_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(_threads, run)
    finally:
        took("ledger", begun)
    raise LedgerError("the ledger cannot be used: it does not answer in time")


def _open_ledger(url: str, found: FileMark | None, late: Event) -> "Ledger":
    """Open a ledger; nobody takes it when it is ``late``."""
    from telefonie_mcp.ledger.store import Ledger  # noqa: PLC0415 - SQLAlchemy takes a while

    if found:
        found.check()
    ledger = Ledger.open(url)
    try:
        ledger.check_entries()
    except BaseException:
        ledger.close()
        raise
    if late.is_set():
        ledger.close()
    return ledger


def _is_made(url: str) -> bool:
    from telefonie_mcp.ledger.inspection import is_there  # noqa: PLC0415 - SQLAlchemy takes a while

    return is_there(url)
