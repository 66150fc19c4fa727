"""The monthly rates of what is held already, where the ledger does not know them.

A spend limit needs the rate of everything that the account holds. An answer without a readable rate leaves a
gap in the ledger, which is filled by reading the current state, or stands against every purchase.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from telefonie_mcp.calls.current_state import can_read, read_current_state
from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.records import Entry, Usage
from telefonie_mcp.tools.requester import Requester

__all__ = ["find_rates", "with_rates"]


async def find_rates(
    requester: Requester, policy: Policy, usage: Usage, deadline: Deadline
) -> dict[int, Decimal]:
    """Return the rates that the API shows now, by the ids of the entries that lack one."""
    found: dict[int, Decimal] = {}
    for entry in usage.unpriced:
        rate = await _rate(requester, policy, entry, deadline)
        if rate is not None:
            found[entry.id] = rate
    return found


def with_rates(usage: Usage, rates: Mapping[int, Decimal]) -> Usage:
    """Return ``usage`` with the rates that were found."""
    return replace(
        usage,
        spend=usage.spend + sum(rates.values()),
        unpriced=tuple(entry for entry in usage.unpriced if entry.id not in rates),
    )


async def _rate(requester: Requester, policy: Policy, entry: Entry, deadline: Deadline) -> Decimal | None:
    tool = requester.catalog.everything.get(entry.tool)
    settle = tool.hints.settle if tool else None
    if tool is None or settle is None or not can_read(requester.catalog, tool, settle, entry.arguments):
        return None
    try:
        current = await read_current_state(requester, tool, settle, entry.arguments, deadline)
    except ToolError:
        return None
    return policy.rate((current or {}).get(tool.hints.offer_members.monthly_rate))
