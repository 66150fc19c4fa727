"""A write: sent at most once to an API that may process it, and settled by looking if its outcome is unclear.

What is reported is what is true: done, not done, or unknown with what to do. A thing that was already in
the wanted state before the call is never reported as this call's doing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import anyio

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.ledger.records import State
from telefonie_mcp.openapi.hints import Settle
from telefonie_mcp.tools.api import Api, succeeded
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.facts import Fact, look
from telefonie_mcp.tools.guard import Permit
from telefonie_mcp.tools.presentation import UnusableError, done_without_body, present
from telefonie_mcp.tools.refusals import problem_of, refusal, unusable
from telefonie_mcp.tools.settling import happened, sent_members, tells
from telefonie_mcp.upstream.answers import Answer, NotSent, Outcome, Unanswered
from telefonie_mcp.upstream.policy import Deadline

__all__ = ["Done", "WriteError", "write"]

_LOOKS: Final = 3
"""How often an API that has finished with a request is asked before "not done" is believed."""

_FIRST_PAUSE: Final = 0.1
_SETTLING_SHARE: Final = 3
"""The share of a call's time that is kept for settling."""


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


async def write(api: Api, tool: Tool, arguments: Mapping[str, Any], permit: Permit) -> Done:
    """Send the write and return what it did.

    Raises:
        WriteError: it was refused, is not done, or nobody knows.

    """
    return await _Write(api, tool, arguments, permit.before, permit.deadline).run()


@dataclass(frozen=True, slots=True)
class _Write:
    api: Api
    tool: Tool
    arguments: Mapping[str, Any]
    before: Fact | None
    deadline: Deadline

    async def run(self) -> Done:
        sending = self.deadline.earlier(self.deadline.remaining / _SETTLING_SHARE)
        outcome = await self.api.send(self.tool, self.arguments, sending)
        problem = problem_of(self.tool, outcome)
        if isinstance(outcome, Answer) and succeeded(self.tool, outcome):
            try:
                return Done(self._with_replaced(present(self.tool, outcome, self.arguments)))
            except UnusableError as error:
                problem = f"answered {outcome.status}, but the answer {error.reason}"
        elif _certainly_not_done(outcome):
            raise WriteError("refused", refusal(self.tool, outcome))
        settle = self.tool.hints.settle
        if settle is None or not tells(self.tool, settle, self.arguments):
            raise WriteError("unverified", self._unknown(problem))
        return await self._settle(settle, outcome, problem)

    async def _look(self, settle: Settle) -> Fact | None:
        return await look(self.api, self.tool, settle, self.arguments, self.deadline)

    async def _settle(self, settle: Settle, outcome: Outcome, problem: str) -> Done:
        """Find out by looking, until it is done, certainly not done, or the time is up."""
        pause = _FIRST_PAUSE
        looks = 0
        while True:
            try:
                after = await self._look(settle)
            except ToolError as error:
                unknown = self._unknown(f"{problem}, and looking at the result failed too")
                raise WriteError("unknown", unknown) from error
            looks += 1
            if happened(self.tool, settle, self.arguments, after):
                return self._settled(after, outcome, problem)
            if looks >= _LOOKS and not _may_be_pending(outcome):
                raise WriteError("not_done", self._not_done(outcome, problem))
            if pause >= self.deadline.remaining:
                unknown = self._unknown(f"{problem} and may still complete it; so far it has not happened")
                raise WriteError("unknown", unknown)
            await anyio.sleep(pause)
            pause *= 2

    def _not_done(self, outcome: Outcome, problem: str) -> ToolError:
        return ToolError(
            f"{NOTHING_DONE}: the API {problem}, and it shows that {self.tool.name} did not happen.",
            code="not_done",
            hint="Read the current state; if the call is still wanted, make it again.",
            retryable=True,
            status=outcome.status if isinstance(outcome, Answer) else None,
        )

    def _settled(self, after: Fact | None, outcome: Outcome, problem: str) -> Done:
        content = dict(after) if after else done_without_body(self.tool, self.arguments)
        done = f"{self.tool.name} has been carried out"
        if errors := [*self.tool.result_validator.iter_errors(content)]:
            status = outcome if isinstance(outcome, Answer) else Answer(0)
            error = UnusableError(f"does not follow the specification: {errors[0].message[:200]}", content)
            raise WriteError("done", unusable(status, error, done=f"{done}, but its result is unclear"))
        content.setdefault(
            "note", f"The API {problem}, so its state was looked up: {done}. Do not repeat it."
        )
        return Done(self._with_replaced(content), reconciled=True)

    def _with_replaced(self, content: dict[str, Any]) -> dict[str, Any]:
        """Add the values that the write replaced; an empty string where there was none."""
        name = self.tool.hints.replaced
        if name is None or self.before is None:
            return content
        sent = sent_members(self.tool, self.arguments)
        old = {member: self.before.get(member, "") for member in sent}
        return {**content, name: {member: value for member, value in old.items() if value != sent[member]}}

    def _unknown(self, problem: str) -> ToolError:
        settle = self.tool.hints.settle
        reader = (
            self.api.catalog.sibling(self.tool, settle.operation).name if settle else "the matching read tool"
        )
        return ToolError(
            f"It is unknown whether {self.tool.name} was carried out: the API {problem}.",
            code="outcome_unknown",
            hint=f"Do not repeat it blindly. Use {reader} to see what is true, then decide.",
        )


def _may_be_pending(outcome: Outcome) -> bool:
    """Whether the API may still be working on the request; a gateway's 504 says nothing about the API."""
    match outcome:
        case Unanswered(pending=pending):
            return pending
        case Answer(status=status):
            return status == HTTPStatus.GATEWAY_TIMEOUT
        case NotSent():
            return False


def _certainly_not_done(outcome: Outcome) -> bool:
    """Whether the API has refused (RFC 9110 §15.5; a 408 is not certain) or has never seen the request."""
    match outcome:
        case NotSent():
            return True
        case Answer(status=status):
            return 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT  # noqa: PLR2004
        case Unanswered():
            return False
