"""Execution of one write. The API processes it at most once.

If the response does not tell the outcome (timeout, broken connection, 5xx, unusable body), the current state
of the subject is read until it does, as the hints say: the write is then reported as done, as not done, or as
unknown with the next step. A subject that was in the wanted state before the call is never reported as the
effect of this call.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import uuid4

import anyio

from telefonie_mcp.calls.approval import Caller
from telefonie_mcp.calls.assessment import Permit, Request
from telefonie_mcp.calls.current_state import (
    CurrentState,
    happened,
    read_current_state,
    sent_members,
    tells,
    values_of,
)
from telefonie_mcp.deadline import DISBELIEF, SETTLING, Deadline
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.ledger.records import Intent, State
from telefonie_mcp.openapi.hints import Settle
from telefonie_mcp.tools.api_errors import problem_of, refusal, unusable
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.requester import Requester, succeeded
from telefonie_mcp.tools.results import UnusableError, done_without_body, presented, violation
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered

__all__ = ["Done", "WriteError", "intent_of", "write"]

_FIRST_PAUSE_SECONDS: Final = 0.1
_MAX_PAUSE_SECONDS: Final = 1.0
"""Pause between two reads of the current state: it starts with the first value and doubles up to this one."""

_MAX_REASON: Final = 200
"""Characters of the validator's message in an error."""

_NAME: Final = re.compile(r"\+?[\w-]{1,64}", re.ASCII)
"""What another subject can be called whose state is read: it becomes a part of a path."""

_UNSEEN: Final = "and looking at the result failed too"
_EVIDENCE: Final = {
    True: "and so far it seems to have happened",
    False: "and may still complete it; so far it has not happened",
    None: "and its current state does not tell",
}


class WriteError(Exception):
    """A write without a presentable success: its state for the ledger, and the error for the agent.

    The state can be ``done``: the write has happened, but the state of its subject is not valid as a result.

    Args:
        state: What the ledger records.
        error: What the agent is told.
        found: The state of another subject, to which it may have happened.

    """

    def __init__(self, state: State, error: ToolError, found: CurrentState | None = None) -> None:
        super().__init__(str(error))
        self.state: State = state
        self.error = error
        self.found: CurrentState = found or {}


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a write that has happened.

    Attributes:
        content: Structured content.
        note: What else is said of it.
        reconciled: Whether the outcome was determined by reading the current state, not by the response.

    """

    content: dict[str, Any]
    note: str = ""
    reconciled: bool = False


def intent_of(
    request: Request, permit: Permit, shown: Mapping[str, Any], *, caller: Caller, seconds: float
) -> Intent:
    """Return what the ledger records of a write before it is sent, with arguments as they are ``shown``."""
    tool = request.tool
    return Intent(
        account=request.account.name,
        key=request.account.key,
        tool=tool.name,
        operation=tool.operation.id,
        effect=tool.hints.effect,
        subject=request.subject or f"{tool.name} {uuid4()}",
        arguments=shown,
        caller=caller.name,
        principal=caller.principal_name,
        client=caller.client,
        lease=2 * seconds,
        monthly_rate=permit.monthly_rate,
        previous=permit.before,
        approval=permit.approval,
        newest=permit.newest,
    )


async def write(requester: Requester, tool: Tool, arguments: Mapping[str, Any], permit: Permit) -> Done:
    """Send the request of a permitted call and return its result.

    Raises:
        WriteError: the write was refused, is not done, or its outcome is unknown or cannot be presented.

    """
    return await _Write(requester, tool, arguments, permit.before, permit.deadline).run()


@dataclass(frozen=True, slots=True)
class _Write:
    requester: Requester
    tool: Tool
    arguments: Mapping[str, Any]
    before: CurrentState | None
    deadline: Deadline

    async def run(self) -> Done:
        if self.deadline.remaining < self.requester.attempt_seconds:
            raise WriteError("refused", _too_little_time())
        sending = self.deadline.earlier(self.deadline.remaining * SETTLING)
        outcome = await self.requester.send(self.tool, self.arguments, sending)
        problem, data = problem_of(self.tool, outcome), None
        if isinstance(outcome, Answer) and succeeded(self.tool, outcome):
            try:
                content, note = presented(self.tool, outcome, self.arguments)
                return Done(self._with_replaced(content), note)
            except UnusableError as error:
                problem, data = f"answered {outcome.status}, but the answer {error.reason}", error.data
        settle, answer = self.tool.hints.settle, _data_of(outcome)
        told = settle and tells(self.requester.catalog, self.tool, settle, self.arguments, answer=answer)
        if _certainly_not_done(outcome):
            if settle and told and _may_be_refused_because_done(outcome):
                try:
                    after = await read_current_state(
                        self.requester, self.tool, settle, self.arguments, self.deadline
                    )
                except ToolError as error:
                    raise WriteError("unknown", self._unknown(f"{problem}, {_UNSEEN}")) from error
                if happened(self.tool, settle, self.arguments, self.before, after):
                    return self._reconciled(settle, after, outcome, problem)
            raise WriteError("refused", refusal(self.tool, outcome))
        if settle is None or not told:
            raise WriteError("unverified", self._unknown(problem, provider_data=data))
        return await self._settle(settle, outcome, problem, answer)

    async def _settle(self, settle: Settle, outcome: Outcome, problem: str, answer: Any) -> Done:
        """Read the current state until it shows the outcome or the deadline has passed.

        A subject that is present and as requested proves the write at once. An absent or unchanged subject
        counts as evidence only after a grace period: the API may still be processing the request although
        the connection broke, and a read may be answered by a replica that lags behind.
        """
        grace = Deadline.after(self.deadline.remaining * DISBELIEF)
        pause = _FIRST_PAUSE_SECONDS
        while True:
            after = done = None
            evidence = _UNSEEN
            with suppress(ToolError):
                after = await read_current_state(
                    self.requester, self.tool, settle, self.arguments, self.deadline, answer=answer
                )
                done = happened(self.tool, settle, self.arguments, self.before, after)
                evidence = _EVIDENCE[done]
            grace_over = not grace.remaining
            if done and (after is not None or grace_over):
                return self._reconciled(settle, after, outcome, problem)
            if done is False and grace_over and not _may_be_pending(outcome):
                raise await self._nothing_done(settle, outcome, problem, answer)
            if pause >= self.deadline.remaining:
                raise WriteError("unknown", self._unknown(f"{problem}, {evidence}", current=after))
            await anyio.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _nothing_done(self, settle: Settle, outcome: Outcome, problem: str, answer: Any) -> WriteError:
        """Return that nothing happened, unless it happened to another subject, which the answer names."""
        subject = self.tool.hints.subject or ""
        named = str(cast("Mapping[str, Any]", answer).get(subject, "")) if isinstance(answer, dict) else ""
        if named != self.arguments.get(subject) and _NAME.fullmatch(_shown(outcome, named)):
            arguments = {**self.arguments, subject: named}
            after, moved = None, True
            with suppress(ToolError):
                after = await read_current_state(self.requester, self.tool, settle, arguments, self.deadline)
                moved = after is not None and happened(self.tool, settle, arguments, None, after) is True
            if moved:
                told = f"{problem}. It may have happened to {named}"
                return WriteError("unverified", self._unknown(told, current=after), after)
        return WriteError("not_done", self._not_done(outcome, problem))

    def _not_done(self, outcome: Outcome, problem: str) -> ToolError:
        return ToolError(
            f"{NOTHING_DONE}: the API {problem}, and it shows that {self.tool.name} did not happen.",
            code="not_done",
            hint="Read the current state; if the call is still wanted, make it again.",
            retryable=True,
            status=outcome.status if isinstance(outcome, Answer) else None,
        )

    def _reconciled(self, settle: Settle, after: CurrentState | None, outcome: Outcome, problem: str) -> Done:
        content = dict(after) if after else done_without_body(self.tool, self.arguments)
        done = f"{self.tool.name} has been carried out"
        if settle.done == "matches" and happened(self.tool, settle, self.arguments, None, self.before):
            done = "Everything is as asked, and was so before"
        if violated := violation(self.tool, content):
            error = UnusableError(f"does not follow the specification: {violated[:_MAX_REASON]}", content)
            status = outcome.status if isinstance(outcome, Answer) else None
            raise WriteError(
                "done", unusable(error, status=status, done=f"{done}, but its result is unclear")
            )
        note = f"The API {problem}, so its state was looked up. {done}. Do not repeat it."
        return Done(self._with_replaced(content), note, reconciled=True)

    def _with_replaced(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return ``content`` with the previous values of the members that the write changed."""
        name = self.tool.hints.replaced
        if name is None or self.before is None:
            return content
        sent = sent_members(self.tool, self.arguments)
        old = values_of(self.before, sent)
        return {**content, name: {member: value for member, value in old.items() if value != sent[member]}}

    def _unknown(self, problem: str, **details: Any) -> ToolError:
        settle = self.tool.hints.settle
        reader = (
            self.requester.catalog.sibling(self.tool, settle.operation).name
            if settle
            else "the matching read tool"
        )
        return ToolError(
            f"It is unknown whether {self.tool.name} was carried out: the API {problem}.",
            code="outcome_unknown",
            hint=f"Do not repeat it blindly. Use {reader} to see what is true, then decide.",
            **{name: value for name, value in details.items() if value is not None},
        )


def _too_little_time() -> ToolError:
    return ToolError(
        f"{NOTHING_DONE}: looking at the facts took so long that too little time is left to write.",
        code="upstream_timeout",
        hint="Try again later; if it stays so, ask the operator to raise TELEFONIE_TIMEOUT.",
        retryable=True,
    )


def _data_of(outcome: Outcome) -> Any:
    """Return the JSON of a success, whether it follows the document or not."""
    if isinstance(outcome, Answer) and 200 <= outcome.status < 300:  # noqa: PLR2004
        with suppress(ValueError, RecursionError):
            return outcome.json
    return None


def _may_be_pending(outcome: Outcome) -> bool:
    """Whether the API may still be processing the request.

    So it is after a 202, which promises nothing else, and a gateway's 504 (RFC 9110 §15.3.3, §15.6.5).
    """
    if isinstance(outcome, Answer):
        return outcome.status in {HTTPStatus.ACCEPTED, HTTPStatus.GATEWAY_TIMEOUT}
    return isinstance(outcome, Unanswered) and outcome.pending


def _certainly_not_done(outcome: Outcome) -> bool:
    """Whether the API has refused the request (RFC 9110 §15.5) or not received it.

    A 408 is not certain: a proxy may send it after it has forwarded the request.
    """
    if isinstance(outcome, Answer):
        return 400 <= outcome.status < 500 and outcome.status != HTTPStatus.REQUEST_TIMEOUT  # noqa: PLR2004
    return isinstance(outcome, NotSent)


def _may_be_refused_because_done(outcome: Outcome) -> bool:
    """Whether the API may have processed the first attempt, which it answered with 429, after all."""
    gone = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE}
    return isinstance(outcome, Answer) and outcome.repeated and outcome.status in gone


def _shown(outcome: Outcome, text: str) -> str:
    """Return a part of an answer without secrets."""
    return outcome.redaction.text(text) if isinstance(outcome, Answer) else text
