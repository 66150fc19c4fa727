"""What a write would do and whether it may: one assessment, shown as a preview or turned into a permit.

A preview and the confirmed call read the same current state and apply the same rules, in the same order: the
operator's rules, the existing state, the price, the budgets, a person. What the confirmed call would refuse,
the preview refuses, with the same code and without the call to make. The current state is read from the API
now, never taken from the model; after a person's answer it is read again, and a change makes the answer void.

A preview only looks: at the API, and at the ledger if there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from telefonie_mcp.calls.approval import Caller, Question, facts_changed, question_about
from telefonie_mcp.calls.current_state import (
    CurrentState,
    can_read,
    impossible,
    read_current_state,
    refused,
)
from telefonie_mcp.calls.held_rates import find_rates, with_rates
from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.calls.preview import preview_of
from telefonie_mcp.calls.requirements import read_requirement
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.accounts import Account
from telefonie_mcp.ledger.async_ledger import AsyncLedger, explained, in_progress
from telefonie_mcp.ledger.budgets import check_budgets, shown_limits
from telefonie_mcp.ledger.errors import InProgressError
from telefonie_mcp.ledger.records import Survey
from telefonie_mcp.tools.catalog import Tool, ungiven
from telefonie_mcp.tools.requester import Requester

__all__ = ["Assessor", "Permit", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a writing tool, with valid arguments.

    Attributes:
        tool: What is to be done.
        arguments: Its arguments, complete and normalised.
        account: Whose numbers it is about.
        ceiling: The highest monthly rate that the caller agreed to.
        agreed: The digest of the preview that a person agreed to, if one was shown.

    """

    tool: Tool
    arguments: Mapping[str, Any]
    account: Account
    ceiling: Decimal | None = None
    agreed: str | None = None

    @property
    def subject(self) -> str:
        """What the write is about, as the ledger records it; empty where the tool has no subject."""
        return str(self.arguments.get(self.tool.hints.subject or "") or "")


@dataclass(frozen=True, slots=True)
class Permit:
    """Authorization for one write, with the facts it was based on.

    Attributes:
        deadline: When the call must have its result; a person's time to answer does not count.
        before: The current state of the subject before the write; ``None`` where it does not exist yet.
        monthly_rate: What the write would cost per month, where that was needed and known.
        approval: The approval it spends, if a person was asked.
        newest: Id of the ledger's newest entry about the subject when the current state was read.

    """

    deadline: Deadline
    before: CurrentState | None = None
    monthly_rate: Decimal | None = None
    approval: str | None = None
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class _Assessment:
    """What the rules made of a request: it may be carried out.

    Attributes:
        before: The current state of the subject; ``None`` where it does not exist yet.
        facts: What the decision rests on: the offer, or else the current state.
        rate: The monthly rate, where it is known.
        limits: What the operator's limits leave.

    """

    before: CurrentState | None
    facts: CurrentState | None
    rate: Decimal | None
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Assessor:
    """Assesses requests.

    Attributes:
        requester: The way to the API.
        policy: The operator's rules.
        ledger: Where budgets and earlier writes are known.
        mode: ``sandbox`` or ``live``, as previews and questions say.
        seconds: How long a call may take, a person's time to answer aside.

    """

    requester: Requester
    policy: Policy
    ledger: AsyncLedger
    mode: str
    seconds: float

    async def permit(self, request: Request, caller: Caller, survey: Survey, deadline: Deadline) -> Permit:
        """Return the authorization for a confirmed request.

        Args:
            request: What is asked.
            caller: Who asks, and how to ask the person behind it.
            survey: What the ledger knew before anything was read.
            deadline: When the call must have its result; a person's answer begins a new one.

        Raises:
            ToolError: a rule, the current state, the price, a budget or a person stands against it. Nothing
                was done.
            Pause: the person's answer will come with another request.

        """
        asks = self._asks(request.tool)
        made = await self._assess(
            request, survey, deadline, offered=asks or bool(request.agreed), records=True
        )
        if request.agreed and self._digest(request, made) != request.agreed:
            raise facts_changed()
        if not asks:
            return Permit(deadline, made.before, made.rate, newest=survey.newest)
        question = self._question(request, made, survey, await self._requirement(request, made, deadline))
        approval = await caller.approve(question)
        deadline = Deadline.after(self.seconds)
        survey = await self.ledger.survey(request.account, request.subject, deadline)
        made = await self._assess(request, survey, deadline, offered=True, records=True)
        if self._question(request, made, survey).digest != question.digest:
            raise facts_changed()
        return Permit(deadline, made.before, made.rate, approval, survey.newest)

    async def preview(self, request: Request, survey: Survey, deadline: Deadline) -> ToolError:
        """Return the answer to an unconfirmed request: what it would do, and the call that would do it.

        Args:
            request: What is asked.
            survey: What the ledger knew before anything was read, if there is one.
            deadline: When the call must have its result.

        Raises:
            ToolError: the current state cannot be read, or the confirmed call would be refused.

        """
        made = await self._assess(request, survey, deadline, offered=True, records=False)
        preview = preview_of(
            request.tool,
            request.arguments,
            made.facts,
            made.rate,
            mode=self.mode,
            limits=made.limits,
            requires=await self._requirement(request, made, deadline),
            currency=self.policy.currency,
        )
        preview.digest = self._digest(request, made)
        return preview

    def _asks(self, tool: Tool) -> bool:
        return tool.destructive and self.policy.approval == "human"

    async def _requirement(self, request: Request, made: _Assessment, deadline: Deadline) -> str | None:
        return await read_requirement(self.requester, request.tool, request.arguments, made.facts, deadline)

    def _question(
        self, request: Request, made: _Assessment, survey: Survey, requires: str | None = None
    ) -> Question:
        return question_about(
            request.tool,
            request.arguments,
            made.facts,
            bound={"mode": self.mode, "account": request.account.name, "ledger": survey.ledger},
            limits=made.limits,
            requires=requires,
            currency=self.policy.currency,
        )

    def _digest(self, request: Request, made: _Assessment) -> str:
        """Return what identifies a request and the facts that the decision about it rests on."""
        bound = {"mode": self.mode, "account": request.account.name, "rate": str(made.rate)}
        return question_about(request.tool, request.arguments, made.facts, bound=bound, limits={}).digest

    async def _assess(
        self, request: Request, survey: Survey, deadline: Deadline, *, offered: bool, records: bool
    ) -> _Assessment:
        """Apply the rules that need the current state.

        Args:
            request: What is asked.
            survey: What the ledger knew before anything was read.
            deadline: When the call must have its result.
            offered: Whether the offer is needed whatever the operator's rules are.
            records: Whether what is found out about earlier writes may be recorded.

        Raises:
            ToolError: it may not be carried out. Nothing was done.

        """
        tool, policy = request.tool, self.policy
        offered = offered or policy.needs_offer(tool, request.ceiling)
        written = survey.newest is not None
        before, facts = await self._read(request, deadline, offered=offered, written=written)
        policy.check_current_state(tool, before)
        if survey.busy:
            raise in_progress(InProgressError(request.subject))
        rate = policy.check_offer(tool, facts, request.ceiling)
        limits = await self._check_budgets(request, rate, survey, deadline, records=records)
        return _Assessment(before, facts, rate, limits)

    async def _check_budgets(
        self, request: Request, rate: Decimal | None, survey: Survey, deadline: Deadline, *, records: bool
    ) -> Mapping[str, Any]:
        """Return what the budgets leave, which must be enough; the ledger applies them again at the end."""
        effect, usage = request.tool.hints.effect, survey.usage
        if effect == "acquire" and usage.unpriced:
            found = await find_rates(self.requester, self.policy, usage, deadline)
            for entry, known in found.items() if records else ():
                await self.ledger.price(entry, known, deadline)
            usage = with_rates(usage, found)
        limits = shown_limits(effect, usage, self.policy.limits)
        with explained(limits):
            check_budgets(effect, rate, usage, self.policy.limits)
        return limits

    async def _read(
        self, request: Request, deadline: Deadline, *, offered: bool, written: bool
    ) -> tuple[CurrentState | None, CurrentState | None]:
        """Return the state of the subject, which must allow the write, and what the decision rests on.

        What is for sale is not owned yet, unless the list of what is for sale is behind: of a subject that
        was ``written`` to before, both are looked at.
        """
        tool, arguments = request.tool, request.arguments
        catalog = self.requester.catalog
        offer_hint, settle = tool.hints.preview, tool.hints.settle
        offer = None
        if offer_hint and not (offered and can_read(catalog, tool, offer_hint, arguments)):
            offer_hint = None
        if offer_hint:
            offer = await read_current_state(self.requester, tool, offer_hint, arguments, deadline)
            if offer is not None and not written and (settle is None or settle.done == "present"):
                return None, offer
        before = None
        if settle and can_read(catalog, tool, settle, arguments):
            before = await read_current_state(self.requester, tool, settle, arguments, deadline)
            if refusal := impossible(tool, arguments, before):
                raise refusal
        if offer_hint and offer is None:
            raise refused(tool, offer_hint.absent, {**ungiven(tool), **tool.shown(arguments)}, "not_found")
        return before, offer or before
