"""What a write would do and whether it may: operator's rules, current state, price, a person's approval.

A confirmed call gets a :class:`Permit`, without which nothing is written; an unconfirmed one gets a preview,
and nothing is done. The current state is read from the API now, never taken from the model. After a person's
answer it is read again, and a change makes the answer void.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from telefonie_mcp.calls.approval import Caller, question_about
from telefonie_mcp.calls.current_state import CurrentState, impossible, read_current_state, refused
from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.openapi.hints import sentence
from telefonie_mcp.tools.catalog import CONFIRM, Tool
from telefonie_mcp.tools.requester import Requester

__all__ = ["Guard", "Permit", "preview"]


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to write, and what it rests on.

    Attributes:
        deadline: When the call must have its result; a person's time to answer does not count.
        before: The facts about the subject before the write; ``None`` where it does not exist yet.
        monthly_rate: What the write would cost per month, where that was needed and known.
        approval: The approval it spends, if a person was asked.

    """

    deadline: Deadline
    before: CurrentState | None = None
    monthly_rate: Decimal | None = None
    approval: str | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """Grants permits.

    Attributes:
        seconds: How long a call may take, a person's time to answer aside.

    """

    requester: Requester
    policy: Policy
    seconds: float

    async def permit(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        caller: Caller,
        ceiling: Decimal | None,
        deadline: Deadline,
    ) -> Permit:
        """Return leave for a confirmed call of ``tool``.

        Args:
            tool: A tool that writes.
            arguments: Its arguments, valid and complete.
            caller: Who calls, and how to ask the person behind it.
            ceiling: The highest monthly rate that the caller agreed to.
            deadline: When the call must have its result; a person's answer begins a new one.

        Raises:
            ToolError: a rule, the facts, the price or a person stands against it. Nothing was done.

        """
        permit, offer = await self._look(tool, arguments, ceiling, deadline)
        if not self._asks(tool):
            return permit
        question = question_about(tool, arguments, offer)
        approval = await caller.approve(question)
        permit, offer = await self._look(tool, arguments, ceiling, Deadline.after(self.seconds))
        if question_about(tool, arguments, offer).digest != question.digest:
            raise ToolError(
                f"{NOTHING_DONE}: the facts changed since the question was asked, so the approval is void.",
                code="facts_changed",
                hint="Make the call again to ask about the current facts.",
            )
        return replace(permit, approval=approval)

    def _asks(self, tool: Tool) -> bool:
        return tool.destructive and self.policy.approval == "human"

    async def _look(
        self, tool: Tool, arguments: Mapping[str, Any], ceiling: Decimal | None, deadline: Deadline
    ) -> tuple[Permit, CurrentState | None]:
        """Return the permit that the current facts allow, and the offer it rests on."""
        offer = before = await self._before(tool, arguments, deadline)
        preview = tool.hints.preview
        if preview and (self._asks(tool) or self.policy.needs_offer(tool, ceiling)):
            offer = await read_current_state(self.requester, tool, preview, arguments, deadline)
            if offer is None:
                raise refused(tool, preview.absent, tool.shown(arguments), "not_found")
        rate = self.policy.check_offer(tool, offer, ceiling)
        return Permit(deadline, before, rate), offer

    async def _before(
        self, tool: Tool, arguments: Mapping[str, Any], deadline: Deadline
    ) -> CurrentState | None:
        """Return the facts before the write, which must make it possible and meaningful."""
        settle = tool.hints.settle
        if settle is None:
            return None
        fact = await read_current_state(self.requester, tool, settle, arguments, deadline)
        if refusal := impossible(tool, arguments, fact):
            raise refusal
        return fact


async def preview(
    requester: Requester,
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
    fact = await read_current_state(requester, tool, read, arguments, deadline) if read else None
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
    details = {
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
        preview=details,
        next_call={"name": tool.name, "arguments": {**shown, **agreed, CONFIRM: True}},
    )
