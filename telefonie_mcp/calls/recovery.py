"""Recovery of writes without an outcome, as after a crash or a lost response.

Runs before every write. It reads the current state of each subject, as the hints say, and records the outcome
in the ledger; it changes nothing at the API.
"""

import logging
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from telefonie_mcp.calls.current_state import happened, read_current_state, tells
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.async_ledger import AsyncLedger, in_progress
from telefonie_mcp.ledger.records import Entry, InProgressError, State
from telefonie_mcp.money import money
from telefonie_mcp.tools.requester import Requester

__all__ = ["recover"]

_log: Final = logging.getLogger(__name__)


async def recover(
    requester: Requester,
    ledger: AsyncLedger,
    account: str,
    subject: str,
    deadline: Deadline,
    *,
    seconds: float,
) -> None:
    """Determine the outcome of the abandoned entries of ``account``; those that cannot be read stay open.

    The outcome of an entry about ``subject`` must be determined: otherwise the ledger would refuse the next
    write, and its assessment could mistake the effect of the entry for the state before it.

    Args:
        requester: Sends the reads.
        ledger: Holds the entries, and records their outcomes.
        account: The account whose entries are recovered.
        subject: The subject of the write that follows.
        deadline: Time limit of the recovery.
        seconds: Time limit of one call. While an entry is younger, the API may still be processing its
            request, so that it "has not happened" is not yet an outcome.

    Raises:
        ToolError: the ledger cannot be read, or the outcome of an entry about ``subject`` is not determined.

    """
    for entry in await ledger.unfinished(account):
        try:
            found = await _find_outcome(requester, entry, deadline, seconds)
        except ToolError as error:
            _log.warning("ledger entry %s cannot be settled now: %s", entry.id, error.code)
            if entry.subject == subject:
                raise
            continue
        settled = False
        if found.state != "unknown":
            _log.warning("ledger entry %s (%s %s): %s", entry.id, entry.tool, entry.subject, found.reason)
            settled = await ledger.finish(entry.id, found.state, found.reason, found.monthly_rate)
        if not settled and entry.subject == subject:
            raise in_progress(InProgressError(subject))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the current state shows of a recorded write; ``unknown`` leaves its entry open."""

    state: State
    reason: str
    monthly_rate: Decimal | None = None


async def _find_outcome(requester: Requester, entry: Entry, deadline: Deadline, seconds: float) -> _Outcome:
    tool = requester.catalog.everything.get(entry.tool)
    settle = tool.hints.settle if tool else None
    if tool is None or settle is None or not tells(tool, settle, entry.arguments):
        return _Outcome("unverified", "nothing can be looked up that would tell")
    after = await read_current_state(requester, tool, settle, entry.arguments, deadline)
    done = happened(tool, settle, entry.arguments, entry.previous, after)
    if done:
        return _Outcome(
            "done", "found to have happened", money((after or {}).get(tool.hints.offer_members.monthly_rate))
        )
    if time.time() - entry.created.timestamp() < seconds:
        return _Outcome("unknown", "has not happened so far")
    if done is None:
        return _Outcome("unverified", "the current state does not tell")
    return _Outcome("not_done", "found not to have happened")
