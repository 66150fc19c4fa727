"""Finds out what became of writes without an outcome: after a crash, a kill, or an answer that never came.

Runs before every write, and changes nothing at the API: it looks, as the hints say, and records what is true.
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
    """Settle the abandoned entries of ``account``, as far as the API can be read.

    An entry about ``subject`` itself must be settled: the ledger would refuse another write about it, and
    whatever else that write were told of the current state could be the doing of the entry.

    Args:
        requester: The way to the API.
        ledger: The ledger.
        account: Whose entries.
        subject: What the call that comes next is about.
        deadline: When the call that comes next needs its time.
        seconds: How long the API may work on a request: a write that has not happened is believed not to
            happen any more only when it is older than that.

    Raises:
        ToolError: the ledger cannot be read, or an entry about ``subject`` could not be settled. Nothing
            was done.

    """
    for entry in await ledger.unfinished(account):
        try:
            found = await _look(requester, entry, deadline, seconds)
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
class _Found:
    state: State
    reason: str
    monthly_rate: Decimal | None = None


async def _look(requester: Requester, entry: Entry, deadline: Deadline, seconds: float) -> _Found:
    tool = requester.catalog.everything.get(entry.tool)
    settle = tool.hints.settle if tool else None
    if tool is None or settle is None or not tells(tool, settle, entry.arguments):
        return _Found("unverified", "nothing can be looked up that would tell")
    after = await read_current_state(requester, tool, settle, entry.arguments, deadline)
    done = happened(tool, settle, entry.arguments, entry.previous, after)
    if done:
        return _Found(
            "done", "found to have happened", money((after or {}).get(tool.hints.offer_members.monthly_rate))
        )
    if time.time() - entry.created.timestamp() < seconds:
        return _Found("unknown", "has not happened so far")
    if done is None:
        return _Found("unverified", "the current state does not tell")
    return _Found("not_done", "found not to have happened")
