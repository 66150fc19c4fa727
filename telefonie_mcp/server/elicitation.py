"""How an MCP client asks the person behind it, in both protocol eras; whatever is unclear is a no.

2026-07-28: the call is answered with a question, and made again with the answer; what was asked travels in
the ``requestState``, sealed so that it is good for this call alone. 2025-11-25 and earlier: the question goes
to the client in the middle of the call, which needs a channel back to it. Each way fails on the other era.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from telefonie_mcp.calls.approval import Pause, Question, not_approved
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.text import clean_line

__all__ = ["ANSWER_SECONDS", "McpCaller", "Seal", "input_required"]

ANSWER_SECONDS: Final = 600
"""How long a person may take to answer."""

_BROKEN: Final = (
    "the person's answer came too late, or with another call than the one they were asked about "
    "(Invalid or expired requestState). Make the call again, without it, to ask again."
)
_KEY: Final = "approval"
_FIELD: Final = "approve"


@dataclass(frozen=True, slots=True)
class McpCaller:
    """The client of one request, and how long its person may take to answer."""

    context: ServerRequestContext[Any, Any]
    params: types.InputResponseRequestParams = field(default_factory=types.InputResponseRequestParams)
    seconds: float = ANSWER_SECONDS

    @property
    def name(self) -> str:
        """The client's own name and version."""
        client = self.context.session.client_params
        info = client.client_info if client else None
        return clean_line(f"{info.name} {info.version}", 100) if info else "MCP client"

    @property
    def key(self) -> str:
        """What tells this caller from others: its session or address over HTTP, its name otherwise."""
        request = self.context.request
        if request is None:
            return self.name
        session = request.headers.get("mcp-session-id")
        return f"{self.name} {session or (request.client.host if request.client else '')}"

    async def approve(self, question: Question) -> str:
        """Ask, or read the answer that came with this request.

        Raises:
            ToolError: ``not_approved`` or ``facts_changed``.
            Pause: the answer will come with another request.

        """
        capabilities = self.context.session.client_capabilities
        elicitation = capabilities.elicitation if capabilities else None
        if elicitation is None or (elicitation.form is None and elicitation.url is not None):
            raise not_approved(question, "this client has not said that it can ask a person (elicitation)")
        if self.context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return self._answered(question)
        return await self._ask(question)

    def _answered(self, question: Question) -> str:
        if self.params.request_state is None:
            raise Pause(question)
        state = json.loads(self.params.request_state)
        if state["digest"] != question.digest:
            raise ToolError(
                f"{NOTHING_DONE}: the facts changed since the question was asked, so the approval is void.",
                code="facts_changed",
                hint="Make the call again to ask about the current facts.",
            )
        _check((self.params.input_responses or {}).get(_KEY), question)
        return state["approval"]

    async def _ask(self, question: Question) -> str:
        session = self.context.session
        if not session.can_send_request:
            raise not_approved(question, "this connection has no way back to the client")
        answer: types.ElicitResult | None = None
        try:
            with anyio.move_on_after(self.seconds):
                answer = await session.elicit_form(question.text, _form(question), self.context.request_id)
        except (MCPError, ValueError) as error:
            raise not_approved(question, "the client could not ask") from error
        _check(answer, question)
        return secrets.token_hex(16)


class Seal(RequestStateBoundary):
    """Middleware that seals what was asked, and lets an answer through only with the unbroken seal.

    Args:
        keys: Secrets of 32 or more characters that the workers of one server share; none: this process alone.
        seconds: How long a seal is good.
        name: The server's name, which its workers share.

    """

    def __init__(self, keys: Sequence[str], seconds: float, name: str) -> None:
        security = RequestStateSecurity(keys=keys or [secrets.token_hex(32)], ttl=seconds)
        super().__init__(security, default_audience=name)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass on a call, and say what to do about a seal that is broken."""
        try:
            return await super().__call__(ctx, call_next)
        except MCPError as error:
            if error.error.data == {"reason": "invalid_request_state"}:
                raise MCPError(error.code, f"{NOTHING_DONE}: {_BROKEN}", error.error.data) from error
            raise


def input_required(question: Question) -> types.InputRequiredResult:
    """Return the answer to a call that must wait for a person (2026-07-28)."""
    form = types.ElicitRequestFormParams(message=question.text, requested_schema=_form(question))
    return types.InputRequiredResult(
        input_requests={_KEY: types.ElicitRequest(params=form)},
        request_state=json.dumps({"approval": secrets.token_hex(16), "digest": question.digest}),
    )


def _form(question: Question) -> dict[str, Any]:
    title = question.text.partition("\n")[0]
    return {
        "type": "object",
        "properties": {
            _FIELD: {"type": "boolean", "title": "Yes, go ahead", "description": title, "default": False}
        },
        "required": [_FIELD],
    }


def _check(answer: object, question: Question) -> None:
    """Accept nothing but a form that was sent with a yes in it."""
    if not isinstance(answer, types.ElicitResult):
        raise not_approved(
            question, "nobody answered in time" if answer is None else "the answer cannot be read"
        )
    if answer.action == "decline":
        raise not_approved(question, "the person declined")
    if answer.action == "cancel":
        raise not_approved(question, "the question was dismissed without an answer")
    if (answer.content or {}).get(_FIELD) is not True:
        raise not_approved(question, "the person did not say yes")
