"""Recovery of writes without an outcome, as after a crash or a lost response.

Runs before every write. It reads the current state of each subject, as the hints say, and records the outcome
in the ledger; it changes nothing at the API.
"""

import logging
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from telefonie_mcp.calls.assessment import Request
from telefonie_mcp.calls.current_state import happened, read_current_state, tells
from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.async_ledger import AsyncLedger, in_progress
from telefonie_mcp.ledger.errors import InProgressError
from telefonie_mcp.ledger.records import Entry, State, Survey
from telefonie_mcp.tools.requester import Requester

__all__ = ["Recovery"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the current state shows of a recorded write; ``unknown`` leaves its entry open."""

    state: State
    reason: str
    monthly_rate: Decimal | None = None
    seen: bool = False


def _settles(found: _Outcome, entry: Entry, request: Request) -> bool:
    return found.state != "unknown" and (found.seen or entry.key == request.account.key)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Finds out what became of writes without an outcome.

    Attributes:
        requester: The way to the API.
        policy: Reads rates.
        ledger: The ledger.
        seconds: How long the API may work on a request: a write that has not happened is believed not to
            happen any more only when it is older than that.

    """

    requester: Requester
    policy: Policy
    ledger: AsyncLedger
    seconds: float

    async def settle(self, request: Request, survey: Survey, deadline: Deadline) -> None:
        """Settle the abandoned entries of an account, as far as the API can be read.

        An entry about the subject of ``request`` itself must be settled: the ledger would refuse another
        write about it, and whatever that write were told of the current state could be the doing of the
        entry.

        An entry that was sent with another API key is settled only by a positive finding: that another
        account does not show a thing proves nothing.

        Args:
            request: The call that comes next.
            survey: What the ledger knows.
            deadline: When the call that comes next needs its time.

        Raises:
            ToolError: an entry about the subject could not be settled. Nothing was done.

        """
        for entry in survey.abandoned:
            try:
                found = await self._find_outcome(entry, deadline)
            except ToolError as error:
                _log.warning("ledger entry %s cannot be settled now: %s", entry.id, error.code)
                if entry.subject == request.subject:
                    raise
                continue
            settled = False
            if _settles(found, entry, request):
                _log.warning("ledger entry %s (%s %s): %s", entry.id, entry.tool, entry.subject, found.reason)
                settled = await self.ledger.finish(
                    entry.id, found.state, deadline, found.reason, found.monthly_rate
                )
            if not settled and entry.subject == request.subject:
                raise in_progress(InProgressError(entry.subject))

    async def check(self, request: Request, survey: Survey, deadline: Deadline) -> None:
        """Refuse a preview where :meth:`settle` would refuse the call; records nothing.

        Raises:
            ToolError: an entry about the subject could not be settled. Nothing was done.

        """
        for entry in survey.abandoned:
            if entry.subject == request.subject:
                found = await self._find_outcome(entry, deadline)
                if not _settles(found, entry, request):
                    raise in_progress(InProgressError(entry.subject))

    async def _find_outcome(self, entry: Entry, deadline: Deadline) -> _Outcome:
        tool = self.requester.catalog.everything.get(entry.tool)
        settle = tool.hints.settle if tool else None
        if tool is None or settle is None or not tells(self.requester.catalog, tool, settle, entry.arguments):
            return _Outcome("unverified", "nothing can be looked up that would tell")
        after = await read_current_state(self.requester, tool, settle, entry.arguments, deadline)
        done = happened(tool, settle, entry.arguments, entry.previous, after)
        if done:
            rate = self.policy.rate((after or {}).get(tool.hints.offer_members.monthly_rate))
            return _Outcome("done", "found to have happened", rate, seen=after is not None)
        if time.time() - entry.created.timestamp() < self.seconds:
            return _Outcome("unknown", "has not happened so far")
        if done is None:
            return _Outcome("unverified", "the current state does not tell")
        return _Outcome("not_done", "found not to have happened")
