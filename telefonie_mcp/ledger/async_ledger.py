"""The ledger for calls: opened by the first write, used in threads, with errors that an agent can act on."""

import logging
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.ledger.accounts import Account, Limits, is_earlier_name
from telefonie_mcp.ledger.errors import (
    ApprovalUsedError,
    ChangedError,
    InProgressError,
    LedgerError,
    LimitReachedError,
    UnpricedError,
)
from telefonie_mcp.ledger.records import Entry, Intent, State, Survey
from telefonie_mcp.ledger.source import LedgerSource, in_thread

if TYPE_CHECKING:
    from telefonie_mcp.ledger.store import Ledger

__all__ = ["AsyncLedger", "explained", "in_progress"]

_log: Final = logging.getLogger(__name__)


class AsyncLedger:
    """Asynchronous access to the accounts of one server in a ledger.

    Every method waits for the database no longer than until its deadline.

    Args:
        source: The ledger.
        limits: The budgets of every account.
        accounts: The accounts of this server; entries of an earlier release are carried over to them.

    """

    def __init__(
        self, source: LedgerSource, limits: Limits, *, accounts: Callable[[], Collection[Account]]
    ) -> None:
        self._source = source
        self._limits = limits
        self._accounts = accounts
        self._ledger: Ledger | None = None

    async def survey(self, account: Account, subject: str, deadline: Deadline) -> Survey:
        """Return what is known before a write about ``subject``; makes the ledger where there is none.

        Raises:
            ToolError: ``ledger_unavailable``: the ledger cannot be read, so no write is possible.

        """
        with explained():
            ledger = await self._open(deadline)
            return await in_thread(deadline, ledger.survey, account.name, subject, self._limits)

    async def peek(self, account: Account, subject: str, deadline: Deadline) -> Survey:
        """Return the same, but make no ledger: where there is none, nothing is known.

        Raises:
            ToolError: the ledger cannot be read.

        """
        with explained():
            if not await self._source.is_made(deadline):
                return Survey()
        return await self.survey(account, subject, deadline)

    async def begin(self, intent: Intent, deadline: Deadline) -> int:
        """Record an intent and reserve its budget; nothing may be sent before.

        Raises:
            ToolError: a budget is used up, the same thing is in progress or was written to, the approval is
                spent, or the ledger cannot be written.

        """
        with explained():
            ledger = await self._open(deadline)
            return await in_thread(deadline, ledger.begin, intent, self._limits)

    async def finish(
        self,
        entry: int,
        state: State,
        deadline: Deadline,
        reason: str = "",
        monthly_rate: Decimal | None = None,
    ) -> bool:
        """Record an outcome and return whether that worked; if not, it is looked up before the next write."""
        try:
            ledger = await self._open(deadline)
            record = partial(ledger.finish, entry, state, reason=reason, monthly_rate=monthly_rate)
            await in_thread(deadline, record)
        except LedgerError:
            _log.exception("the outcome %s of ledger entry %s could not be recorded", state, entry)
            return False
        return True

    async def price(self, entry: int, monthly_rate: Decimal, deadline: Deadline) -> None:
        """Record the monthly rate of an entry that had none.

        Raises:
            ToolError: the ledger cannot be written.

        """
        with explained():
            ledger = await self._open(deadline)
            await in_thread(deadline, ledger.price, entry, monthly_rate)

    async def recent(self, deadline: Deadline, **filters: Any) -> list[Entry]:
        """Return recorded writes, newest first, filtered as :meth:`Ledger.recent` says.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        ledger = await self._open(deadline)
        return await in_thread(deadline, partial(ledger.recent, **filters))

    async def _open(self, deadline: Deadline) -> "Ledger":
        ledger = await self._source.opened(deadline)
        if ledger is not self._ledger:
            if accounts := [account for account in self._accounts() if account.key]:
                await in_thread(deadline, _carry_over, ledger, accounts)
            self._ledger = ledger
        return ledger


@contextmanager
def explained(limits: Mapping[str, Any] | None = None) -> Generator[None]:
    """Turn what the ledger says into errors that an agent can act on.

    Args:
        limits: What the operator's limits leave, for the refusal by one of them.

    Raises:
        ToolError: instead of every error of the ledger.

    """
    try:
        yield
    except LimitReachedError as error:
        details: dict[str, Any] = {"setting": error.setting, **({"limits": dict(limits)} if limits else {})}
        when = f" It frees up at {error.frees_up:%Y-%m-%d %H:%M} UTC." if error.frees_up else ""
        raise ToolError(
            f"{NOTHING_DONE}: {error}.{when}",
            code="limit_reached",
            hint="Only the operator can change this limit; tell the user, do not work around it.",
            **details,
        ) from error
    except UnpricedError as error:
        raise ToolError(
            f"{NOTHING_DONE}: {error}, so what everything costs together cannot be told.",
            code="rate_unknown",
            hint="Tell the user: the operator can lift the limit, or the provider can say the rate.",
        ) from error
    except InProgressError as error:
        raise in_progress(error) from error
    except ChangedError as error:
        raise ToolError(
            f"{NOTHING_DONE}: {error}.",
            code="facts_changed",
            hint="Look at the current state; make the call again if it is still wanted.",
            retryable=True,
        ) from error
    except ApprovalUsedError as error:
        raise ToolError(
            f"{NOTHING_DONE} by this call: {error}, and it is good for one execution.",
            code="approval_used",
            hint="Look at the current state; make a new call if something is still wanted.",
        ) from error
    except LedgerError as error:
        raise ToolError(
            f"{NOTHING_DONE}: {error}. A write is recorded before it is sent, so none is possible; "
            "reads work.",
            code="ledger_unavailable",
            hint="Ask the operator to restore the ledger or make it writable (TELEFONIE_LEDGER, "
            "TELEFONIE_STATE_DIR); telefonie-mcp doctor looks for the cause.",
        ) from error


def in_progress(error: InProgressError) -> ToolError:
    """Return the error for a write whose subject has an earlier write without an outcome."""
    return ToolError(
        f"{NOTHING_DONE}: {error}.",
        code="in_progress",
        hint="Look at the current state; try again when the other write has its outcome.",
        retryable=True,
    )


def _carry_over(ledger: "Ledger", accounts: Collection[Account]) -> None:
    """Give what earlier releases recorded to the accounts whose keys it was done with."""
    for account in accounts:
        ledger.carry_over(account, partial(is_earlier_name, account=account))
