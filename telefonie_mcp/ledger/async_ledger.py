"""The ledger for asynchronous calls: opened by its first use, run in threads, with errors for agents."""

import logging
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio import to_thread

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.ledger.records import (
    ApprovalUsedError,
    Entry,
    InProgressError,
    Intent,
    LedgerError,
    LimitReachedError,
    Limits,
    State,
)

if TYPE_CHECKING:
    from telefonie_mcp.ledger.store import Ledger

__all__ = ["AsyncLedger", "in_progress"]

_log: Final = logging.getLogger(__name__)


class AsyncLedger:
    """Asynchronous access to one ledger.

    Args:
        url: Returns the URL, as for :meth:`telefonie_mcp.ledger.store.Ledger.open`; called on first use.
        limits: The budgets of each account.

    """

    def __init__(self, url: Callable[[], str], limits: Limits) -> None:
        self._url = url
        self._limits = limits
        self._ledger: Ledger | None = None
        self._opening = anyio.Lock()

    async def begin(self, intent: Intent) -> int:
        """Record an intent, reserve its budget, and return the id of the entry; required before sending.

        Raises:
            ToolError: ``limit_reached``; ``in_progress``: another write about the subject has no outcome;
                ``approval_used``; ``ledger_unavailable``: the ledger cannot be written.

        """
        try:
            ledger = await self._open()
            return await to_thread.run_sync(ledger.begin, intent, self._limits)
        except LimitReachedError as error:
            raise ToolError(
                f"{NOTHING_DONE}: {error}.",
                code="limit_reached",
                hint="Only the operator can change this limit; tell the user, do not work around it.",
                setting=error.setting,
            ) from error
        except InProgressError as error:
            raise in_progress(error) from error
        except ApprovalUsedError as error:
            raise ToolError(
                f"{NOTHING_DONE} by this call: {error}, and it is good for one execution.",
                code="approval_used",
                hint="Look at the current state; make a new call if something is still wanted.",
            ) from error
        except LedgerError as error:
            raise _unavailable(error) from error

    async def finish(
        self, entry: int, state: State, reason: str = "", monthly_rate: Decimal | None = None
    ) -> bool:
        """Record an outcome, and return whether that succeeded; if not, recovery determines it later."""
        try:
            ledger = await self._open()
            await to_thread.run_sync(
                partial(ledger.finish, entry, state, reason=reason, monthly_rate=monthly_rate)
            )
        except LedgerError:
            _log.exception("the outcome %s of ledger entry %s could not be recorded", state, entry)
            return False
        return True

    async def unfinished(self, account: str) -> list[Entry]:
        """Return the abandoned writes: without a final outcome, and with no process working on them.

        Raises:
            ToolError: ``ledger_unavailable``: the ledger cannot be read, so no write is possible.

        """
        try:
            ledger = await self._open()
            return await to_thread.run_sync(ledger.unfinished, account)
        except LedgerError as error:
            raise _unavailable(error) from error

    async def recent(self, **filters: Any) -> list[Entry]:
        """Return recorded writes, newest first; the filters are those of ``Ledger.recent``.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        ledger = await self._open()
        return await to_thread.run_sync(partial(ledger.recent, **filters))

    def close(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    async def _open(self) -> "Ledger":
        async with self._opening:
            if self._ledger is None:
                self._ledger = await to_thread.run_sync(_open_ledger, self._url())
            return self._ledger


def in_progress(error: InProgressError) -> ToolError:
    """Return the error for a write whose subject has an earlier write without an outcome."""
    return ToolError(
        f"{NOTHING_DONE}: {error}.",
        code="in_progress",
        hint="Look at the current state; try again when the other write has its outcome.",
        retryable=True,
    )


def _unavailable(error: LedgerError) -> ToolError:
    """Return the error for a write that cannot be recorded."""
    return ToolError(
        f"{NOTHING_DONE}: {error}. A write is recorded before it is sent, so none is possible; reads work.",
        code="ledger_unavailable",
        hint="Ask the operator to make the ledger writable (TELEFONIE_LEDGER, TELEFONIE_STATE_DIR).",
    )


def _open_ledger(url: str) -> "Ledger":
    from telefonie_mcp.ledger.store import Ledger  # noqa: PLC0415 - importing SQLAlchemy is slow

    return Ledger.open(url)
