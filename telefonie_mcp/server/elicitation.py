"""Approval of a write by a person, through MCP form elicitation in both protocol eras.

2026-07-28: the call returns an ``InputRequiredResult``, and the client repeats the call with the answer. The
question travels in ``requestState``, sealed to this call. 2025-11-25 and earlier: the server sends
``elicitation/create`` during the call, which needs a connection that can carry requests from the server.
Neither way works in the other era. Anything but an explicit yes counts as a refusal.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from telefonie_mcp.calls.approval import Pause, Question, facts_changed, not_approved
from telefonie_mcp.errors import ToolError
from telefonie_mcp.server.state_seal import ANSWER_SECONDS
from telefonie_mcp.settings.types import is_loopback
from telefonie_mcp.text import clean_line

if TYPE_CHECKING:
    from telefonie_mcp.server.auth.principal import Principal

__all__ = ["McpCaller", "input_required"]

_REQUEST_KEY: Final = "approval"
_FIELD: Final = "approve"


@dataclass(frozen=True, slots=True)
class McpCaller:
    """The MCP client that made one request, and how many seconds its user may take to answer."""

    context: ServerRequestContext[Any, Any]
    params: types.InputResponseRequestParams = field(default_factory=types.InputResponseRequestParams)
    seconds: float = ANSWER_SECONDS

    @property
    def name(self) -> str:
        """The name and version that the client reports."""
        client = self.context.session.client_params
        info = client.client_info if client else None
        return clean_line(f"{info.name} {info.version}", 100) if info else "MCP client"

    @property
    def principal(self) -> "Principal | None":
        """Whom the token of this request names; ``None`` where no token is needed."""
        if self.context.request is None or "user" not in self.context.request.scope:
            return None
        from telefonie_mcp.server.auth.principal import Principal  # noqa: PLC0415 - only in hosted mode

        return Principal.of(self.context.request)

    @property
    def principal_name(self) -> str:
        """Issuer and subject of the token; empty where no token is needed."""
        principal = self.principal
        return principal.name if principal else ""

    @property
    def client(self) -> str:
        """The ``client_id`` in the token, or the client's own word."""
        principal = self.principal
        return principal.client if principal and principal.client else self.name

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes of the token; ``None`` where no token is needed."""
        principal = self.principal
        return principal.scopes if principal else None

    @property
    def key(self) -> str:
        """Identity for rate limits: whom the token names; else the session over HTTP, or the address.

        Nothing that a client can choose: a client of 2026-07-28 has no session, whatever its headers say, and
        the SDK refuses an unknown session of an earlier one. Over stdio there is one caller.
        """
        request = self.context.request
        if request is None:
            return ""
        if principal := self.principal:
            return f"principal {principal.name}"
        modern = self.context.protocol_version in MODERN_PROTOCOL_VERSIONS
        if session := None if modern else request.headers.get("mcp-session-id"):
            return f"session {session}"
        host = request.client.host if request.client else ""
        return f"address {'loopback' if is_loopback(host) else host}"  # which is all of 127.0.0.0/8

    @property
    def local(self) -> bool:
        """Whether the client started this process, or is in it: over HTTP it can be anywhere."""
        return self.context.request is None

    async def approve(self, question: Question) -> str:
        """Ask the user, or read the answer in this request, and return an identifier of the approval.

        Raises:
            ToolError: ``not_approved`` or ``facts_changed``.
            Pause: the question must be sent first; the client repeats the call with the answer.

        """
        from telefonie_mcp.telemetry.measures import timed, took  # noqa: PLC0415 - no tools/list needs it

        begun = timed()
        outcome = "given"
        try:
            return await self._approval(question)
        except Pause:
            outcome = "asked"
            raise
        except ToolError as error:
            outcome = error.code
            raise
        finally:
            took("approval", begun, outcome=outcome)

    async def _approval(self, question: Question) -> str:
        capabilities = self.context.session.client_capabilities
        elicitation = capabilities.elicitation if capabilities else None
        modern = self.context.protocol_version in MODERN_PROTOCOL_VERSIONS
        if not modern and self.context.session.client_params is None:
            raise not_approved(
                question,
                "this server keeps no sessions for clients of 2025-11-25 (TELEFONIE_LEGACY_SESSIONS is "
                "stateless), so it cannot ask them; a client of 2026-07-28 can be asked",
            )
        if elicitation is None or (elicitation.form is None and elicitation.url is not None):
            raise not_approved(question, "this client has not said that it can ask a person (elicitation)")
        if modern:
            return self._read_answer(question)
        return await self._elicit(question)

    def _read_answer(self, question: Question) -> str:
        if self.params.request_state is None:
            raise Pause(question)
        state = json.loads(self.params.request_state)
        if state["digest"] != question.digest:
            raise facts_changed()
        _require_yes((self.params.input_responses or {}).get(_REQUEST_KEY), question)
        return state["approval"]

    async def _elicit(self, question: Question) -> str:
        session = self.context.session
        if not session.can_send_request:
            raise not_approved(question, "the connection cannot carry requests from the server")
        answer: types.ElicitResult | None = None
        try:
            with anyio.move_on_after(self.seconds):
                answer = await session.elicit_form(
                    question.text, _form_schema(question), self.context.request_id
                )
        except (MCPError, ValueError) as error:
            raise not_approved(question, "the client could not ask") from error
        _require_yes(answer, question)
        return secrets.token_hex(16)


def input_required(question: Question) -> types.InputRequiredResult:
    """Return the result of a call that needs an approval first (2026-07-28)."""
    form = types.ElicitRequestFormParams(message=question.text, requested_schema=_form_schema(question))
    return types.InputRequiredResult(
        input_requests={_REQUEST_KEY: types.ElicitRequest(params=form)},
        request_state=json.dumps({"approval": secrets.token_hex(16), "digest": question.digest}),
    )


def _form_schema(question: Question) -> dict[str, Any]:
    title = question.text.partition("\n")[0]
    return {
        "type": "object",
        "properties": {
            _FIELD: {"type": "boolean", "title": "Yes, go ahead", "description": title, "default": False}
        },
        "required": [_FIELD],
    }


def _require_yes(answer: object, question: Question) -> None:
    """Raise ``not_approved`` unless the answer is an accepted form with a yes."""
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
