"""A write: sent at most once to an API that may process it, and settled by looking if its outcome is unclear.

What is reported is what is true: done, not done, or unknown with what to do. A thing that was already in
the wanted state before the call is never reported as this call's doing.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import anyio

from telefonie_mcp.calls.assessment import Permit
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
from telefonie_mcp.ledger.records import State
from telefonie_mcp.openapi.hints import Settle
from telefonie_mcp.tools.api_errors import problem_of, refusal, unusable
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.requester import Requester, succeeded
from telefonie_mcp.tools.results import UnusableError, done_without_body, present
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered

__all__ = ["Done", "WriteError", "write"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds between looks
_SEEN: Final = {
    True: "and so far it seems to have happened",
    False: "and may still complete it; so far it has not happened",
    None: "and its current state does not tell",
}


class WriteError(Exception):
    """A write without a success to show: the state it is in, and the error for the agent."""

    def __init__(self, state: State, error: ToolError) -> None:
        super().__init__(str(error))
        self.state: State = state
        self.error = error


@dataclass(frozen=True, slots=True)
class Done:
    """A write that has happened, and whether that had to be found out by looking."""

    content: dict[str, Any]
    reconciled: bool = False


async def write(requester: Requester, tool: Tool, arguments: Mapping[str, Any], permit: Permit) -> Done:
    """Send the write and return what it did.

    Raises:
        WriteError: it was refused, is not done, or nobody knows.

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
            raise WriteError("refused", _too_late())
        sending = self.deadline.earlier(self.deadline.remaining * SETTLING)
        outcome = await self.requester.send(self.tool, self.arguments, sending)
        problem, data = problem_of(self.tool, outcome), None
        if isinstance(outcome, Answer) and succeeded(self.tool, outcome):
            try:
                return Done(self._with_replaced(present(self.tool, outcome, self.arguments)))
            except UnusableError as error:
                problem, data = f"answered {outcome.status}, but the answer {error.reason}", error.data
        elif _certainly_not_done(outcome):
            raise WriteError("refused", refusal(self.tool, outcome))
        settle = self.tool.hints.settle
        if settle is None or not tells(self.tool, settle, self.arguments):
            raise WriteError("unverified", self._unknown(problem, provider_data=data))
        return await self._settle(settle, outcome, problem)

    async def _settle(self, settle: Settle, outcome: Outcome, problem: str) -> Done:
        """Look until the outcome is known or the time is up.

        A fact that shows the write is believed at once. That there is none, or still the old one, is
        believed after a while: what broke a connection may not have stopped the API, and what cannot be
        found for a moment may still be there.
        """
        believing = Deadline.after(self.deadline.remaining * DISBELIEF)
        pause = _FIRST_PAUSE
        while True:
            after = done = None
            seen = "and looking at the result failed too"
            with suppress(ToolError):
                after = await read_current_state(
                    self.requester, self.tool, settle, self.arguments, self.deadline
                )
                done = happened(self.tool, settle, self.arguments, self.before, after)
                seen = _SEEN[done]
            late = not believing.remaining
            if done and (after is not None or late):
                return self._settled(settle, after, outcome, problem)
            if done is False and late and not _may_be_pending(outcome):
                raise WriteError("not_done", self._not_done(outcome, problem))
            if pause >= self.deadline.remaining:
                raise WriteError("unknown", self._unknown(f"{problem}, {seen}", current=after))
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _not_done(self, outcome: Outcome, problem: str) -> ToolError:
        return ToolError(
            f"{NOTHING_DONE}: the API {problem}, and it shows that {self.tool.name} did not happen.",
            code="not_done",
            hint="Read the current state; if the call is still wanted, make it again.",
            retryable=True,
            status=outcome.status if isinstance(outcome, Answer) else None,
        )

    def _settled(self, settle: Settle, after: CurrentState | None, outcome: Outcome, problem: str) -> Done:
        content = dict(after) if after else done_without_body(self.tool, self.arguments)
        done = f"{self.tool.name} has been carried out"
        if settle.done == "matches" and happened(self.tool, settle, self.arguments, None, self.before):
            done = "Everything is as asked, and was so before"
        if errors := [*self.tool.result_validator.iter_errors(content)]:
            error = UnusableError(f"does not follow the specification: {errors[0].message[:200]}", content)
            status = outcome.status if isinstance(outcome, Answer) else None
            raise WriteError(
                "done", unusable(error, status=status, done=f"{done}, but its result is unclear")
            )
        content.setdefault(
            "note", f"The API {problem}, so its state was looked up. {done}. Do not repeat it."
        )
        return Done(self._with_replaced(content), reconciled=True)

    def _with_replaced(self, content: dict[str, Any]) -> dict[str, Any]:
        """Add the values that the write replaced."""
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


def _too_late() -> ToolError:
    return ToolError(
        f"{NOTHING_DONE}: looking at the facts took so long that too little time is left to write.",
        code="upstream_timeout",
        hint="Try again later; if it stays so, ask the operator to raise TELEFONIE_TIMEOUT.",
        retryable=True,
    )


def _may_be_pending(outcome: Outcome) -> bool:
    """Whether the API may still be working on the request; a gateway's 504 says nothing about the API."""
    if isinstance(outcome, Answer):
        return outcome.status == HTTPStatus.GATEWAY_TIMEOUT
    return isinstance(outcome, Unanswered) and outcome.pending


def _certainly_not_done(outcome: Outcome) -> bool:
    """Whether the API has refused (RFC 9110 §15.5; a 408 is not certain) or has never seen the request."""
    if isinstance(outcome, Answer):
        return 400 <= outcome.status < 500 and outcome.status != HTTPStatus.REQUEST_TIMEOUT  # noqa: PLR2004
    return isinstance(outcome, NotSent)
