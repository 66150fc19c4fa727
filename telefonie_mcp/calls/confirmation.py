"""The answer to a destructive call without ``confirm``: nothing is done, and what would be is shown.

The facts are read now, from the API; nothing in a preview comes from the model but the identity of the
thing and the arguments it wants to send.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from telefonie_mcp.calls.current_state import look, sentence
from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.calls.settling import impossible
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.tools.catalog import CONFIRM, Tool
from telefonie_mcp.tools.requester import Api
from telefonie_mcp.upstream.retry import Deadline

__all__ = ["preview"]


async def preview(
    api: Api,
    policy: Policy,
    tool: Tool,
    arguments: Mapping[str, Any],
    ceiling: Decimal | None,
    *,
    deadline: Deadline,
    mode: str,
) -> ToolError:
    """Return the refusal that shows what the call would do and the exact call that would do it.

    Raises:
        ToolError: the current facts could not be read, or a rule stands against the call.

    """
    hints = tool.hints
    read = hints.preview or hints.settle
    fact = await look(api, tool, read, arguments, deadline) if read else None
    shown = tool.shown(arguments)
    if read and fact is None:
        return ToolError(
            f"{NOTHING_DONE}: {sentence(read.absent, shown)}.",
            code="not_found",
            field=hints.subject,
            hint="Nothing to confirm: see the message for where to look.",
        )
    if read is hints.settle and (refusal := impossible(tool, arguments, fact)):
        return refusal
    would = (
        sentence(hints.confirm, {**(fact or {}), **shown})
        or f"send {tool.operation.method} {tool.operation.path}"
    )
    rate = policy.check_offer(tool, fact, ceiling) if hints.effect == "acquire" else None
    price = f" at {rate} per month" if rate is not None else ""
    agreed = {} if rate is None or hints.ceiling is None else {hints.ceiling: float(rate)}
    facts = {
        "mode": mode,
        **({"monthly_rate": str(rate)} if rate is not None else {}),
        **({"current": fact} if fact else {}),
        **(
            {"would_be_lost": {name: fact[name] for name in hints.loses if name in fact}}
            if fact and hints.loses
            else {}
        ),
    }
    lacking = sentence(f"{{{hints.lacks}}}", fact) if fact and fact.get(hints.lacks) else ""
    warning = f" Now it would be refused, for want of {lacking}." if lacking else ""
    return ToolError(
        f"{NOTHING_DONE}, because {CONFIRM} was not true. {tool.name} would {would}{price}.{warning}",
        code="confirmation_required",
        hint="Show this to the user. Only if they agree, make exactly the call in next_call.",
        preview=facts,
        next_call={"name": tool.name, "arguments": {**shown, **agreed, CONFIRM: True}},
    )
