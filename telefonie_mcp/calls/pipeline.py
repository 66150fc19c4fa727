"""One tool call: find the tool, read the arguments, assess, act, present.

::

    arguments ─► read_arguments ─► confirmed? ─► read                                        ─► present
                                       │     └─► recover ─► permit ─► write, settled if unclear ─► present
                                       └─► preview (nothing is done)
"""

import logging
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import anyio

from telefonie_mcp.calls.approval import Caller, Pause
from telefonie_mcp.calls.notes import rate_note, read_note, undo_note
from telefonie_mcp.calls.policy import Policy, agreed_rate
from telefonie_mcp.calls.rate_limit import RateLimit
from telefonie_mcp.deadline import RECOVERY, Deadline
from telefonie_mcp.errors import NOTHING_DONE, TelefonieError, ToolError, Violation
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.differences import noted
from telefonie_mcp.tools.requester import Requester, content_of
from telefonie_mcp.tools.scopes import allows, named, needed

if TYPE_CHECKING:
    from telefonie_mcp.calls.assessment import Assessor, Permit, Request
    from telefonie_mcp.calls.recovery import Recovery
    from telefonie_mcp.calls.uploads import Uploads
    from telefonie_mcp.ledger.accounts import Account
    from telefonie_mcp.ledger.async_ledger import AsyncLedger
    from telefonie_mcp.ledger.records import State, Survey

__all__ = ["Pipeline", "Result", "WriteObserver"]

_log: Final = logging.getLogger(__name__)
_UNRECORDED: Final = (
    "The outcome could not be recorded in the ledger; tell the user. It is looked up before the next write."
)


WriteObserver = Callable[[Tool, Mapping[str, Any], "State"], Awaitable[None]]
"""Is told of every write that was begun, when it has its outcome."""


@dataclass(frozen=True, slots=True)
class Result:
    """A call that succeeded: structured content, and what ``_meta`` says of the call."""

    content: dict[str, Any]
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Pipeline:
    """Runs tool calls, for every transport and every caller alike.

    Args:
        requester: The way to the API.
        policy: The operator's rules.
        open_ledger: Returns the ledger, which reads do not need.
        rate_limit: How often a caller may call.
        mode: ``sandbox`` or ``live``, as previews and results say.
        seconds: How long one call may take in all, retries and reconciliation included.
        account: Tool → the account it writes to, as the ledger names it.
        observers: Told of every write; the list may grow later.

    """

    def __init__(
        self,
        requester: Requester,
        policy: Policy,
        open_ledger: "Callable[[], AsyncLedger]",
        rate_limit: RateLimit,
        *,
        mode: str,
        seconds: float,
        account: "Callable[[Tool], Account]",
        observers: Sequence[WriteObserver] = (),
    ) -> None:
        self._open_ledger = open_ledger
        self._requester = requester
        self._policy = policy
        self._rate_limit = rate_limit
        self._mode = mode
        self._seconds = seconds
        self._account = account
        self._accounts: dict[str, Account] = {}
        self._observers = observers
        self._closing = False
        self._writing = 0
        self._idle = anyio.Event()

    @cached_property
    def ledger(self) -> "AsyncLedger":
        """The ledger."""
        return self._open_ledger()

    @cached_property
    def _uploads(self) -> "Uploads":
        from telefonie_mcp.calls.uploads import Uploads  # noqa: PLC0415 - few calls name a file

        return Uploads(self._policy.upload_dirs)

    @cached_property
    def _assessor(self) -> "Assessor":
        from telefonie_mcp.calls.assessment import Assessor  # noqa: PLC0415 - no read needs it

        return Assessor(self._requester, self._policy, self.ledger, self._mode, self._seconds)

    @cached_property
    def _recovery(self) -> "Recovery":
        from telefonie_mcp.calls.recovery import Recovery  # noqa: PLC0415 - no read needs it

        return Recovery(self._requester, self._policy, self.ledger, self._seconds)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None,
        caller: Caller,
        *,
        agreed: str | None = None,
        catalog: Catalog | None = None,
    ) -> Result:
        """Run one call.

        A write, once begun, is finished or settled even when the caller goes away; it is bounded by the
        deadline all the same.

        Args:
            name: The tool.
            arguments: Its arguments.
            caller: Who calls.
            agreed: The digest of a preview that a person agreed to (``PreviewError.digest``); if the facts
                are others now, nothing is done.
            catalog: The tools that this call may be of; by default all of the server's.

        Raises:
            UnknownToolError: there is no such tool.
            ToolError: the call did not succeed; its message says what is known to be done.
            Pause: a person must answer, and the answer will come with another request.

        """
        tool = (self._requester.catalog if catalog is None else catalog)[name]
        try:
            with _explained(tool, NOTHING_DONE):
                return await self._run(tool, arguments, caller, agreed)
        except ToolError as error:
            error.redact(self._requester.redactor)
            raise

    async def _run(
        self, tool: Tool, arguments: Mapping[str, Any] | None, caller: Caller, agreed: str | None
    ) -> Result:
        self._refuse_when_closing()
        await self._rate_limit.take(caller.key)
        _check_scope(tool, arguments, caller)
        deadline = Deadline.after(self._seconds)
        violations: Sequence[Violation] = ()
        if any(map(_may_name_files, (arguments or {}).values())):
            given = await self._uploads.read(tool, arguments, deadline, local=caller.local)
            tool, arguments, violations = given.tool, given.arguments, given.violations
        values, confirmed = read_arguments(tool, arguments, violations)
        if tool.read_only:
            return Result(await self._read(tool, values, deadline), {"mode": self._mode})
        from telefonie_mcp.calls.assessment import Request  # noqa: PLC0415 - no read needs it

        ceiling = agreed_rate(tool, values)
        self._policy.check_arguments(tool, values)
        account = self._accounts.get(tool.name) or self._accounts.setdefault(tool.name, self._account(tool))
        request = Request(tool, values, account, ceiling, agreed)
        if tool.destructive and not confirmed:
            raise await self._preview(request, deadline)
        survey = await self._recovered(request, deadline)
        permit = await self._assessor.permit(request, caller, survey, deadline)
        self._refuse_when_closing()
        self._writing += 1
        try:
            return await self._write(request, permit, caller)
        finally:
            self._writing -= 1
            if not self._writing:
                self._idle.set()
                self._idle = anyio.Event()

    async def _read(self, tool: Tool, values: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        content = content_of(tool, await self._requester.send(tool, values, deadline), values)
        return noted(content, await read_note(tool, values, content, self._policy))

    async def _preview(self, request: "Request", deadline: Deadline) -> ToolError:
        """Return the preview, for which no ledger is made and nothing recorded."""
        survey = await self.ledger.peek(request.account, request.subject, deadline)
        await self._recovery.check(request, survey, deadline)
        return await self._assessor.preview(request, survey, deadline)

    async def _recovered(self, request: "Request", deadline: Deadline) -> "Survey":
        """Settle what earlier writes left open, and return what the ledger knows then.

        Recovery has its fraction of the call's time from the moment at which the ledger is open.
        """
        survey = await self.ledger.survey(request.account, request.subject, deadline)
        if not survey.abandoned:
            return survey
        bounded = Deadline(min(deadline.at, Deadline.after(self._seconds * RECOVERY).at))
        await self._recovery.settle(request, survey, bounded)
        return await self.ledger.survey(request.account, request.subject, deadline)

    async def _write(self, request: "Request", permit: "Permit", caller: Caller) -> Result:
        from telefonie_mcp.calls.writes import WriteError, intent_of, write  # noqa: PLC0415 - no read needs it

        tool, values = request.tool, request.arguments
        with anyio.CancelScope(shield=True):
            redaction = self._requester.redaction(tool, values)
            shown = redaction.json(tool.shown(values))
            if permit.before is not None:  # it was read before the call's secrets were known as such
                permit = replace(permit, before=redaction.json(tool.shown(permit.before)))
            intent = intent_of(request, permit, shown, caller=caller, seconds=self._seconds)
            entry = await self.ledger.begin(intent, permit.deadline)
            rated = tool.hints.offer_members.monthly_rate
            with _explained(tool, f"It is unknown whether {tool.name} was carried out"):
                try:
                    done = await write(self._requester, tool, values, permit)
                except WriteError as error:
                    rate = self._policy.rate(error.found.get(rated))
                    await self.ledger.finish(
                        entry, error.state, permit.deadline, error.error.message, monthly_rate=rate
                    )
                    await self._tell(tool, values, error.state)
                    raise error.error from error
                answered = done.content.get(rated)
                rate = self._policy.rate(answered)
                recorded = await self.ledger.finish(entry, "done", permit.deadline, monthly_rate=rate)
                await self._tell(tool, values, "done")
            meta = {"mode": self._mode, "entry": entry, "recorded": recorded, "reconciled": done.reconciled}
            unrecorded = "" if recorded else _UNRECORDED
            dearer = rate_note(answered, rate, permit.monthly_rate)
            note = " ".join(filter(None, [done.note, dearer, undo_note(tool, done.content), unrecorded]))
            return Result(noted(done.content, note), meta)
        raise AssertionError  # a shielded scope without a deadline is never cancelled

    async def _tell(self, tool: Tool, values: Mapping[str, Any], state: "State") -> None:
        for observer in self._observers:
            try:
                await observer(tool, values, state)
            except Exception:  # noqa: BLE001 - the write has happened, whoever cannot be told
                _log.exception("somebody could not be told that %s is %s", tool.name, state)

    def _refuse_when_closing(self) -> None:
        """Refuse a call at its beginning, and again where its write would begin."""
        if self._closing:
            raise ToolError(
                f"{NOTHING_DONE}: the server is shutting down.",
                code="shutting_down",
                hint="Make the call again when the server is back.",
            )

    async def drain(self) -> None:
        """Accept no further call, and wait until no write is in flight."""
        self._closing = True
        while self._writing:
            await self._idle.wait()


def _check_scope(tool: Tool, arguments: Mapping[str, Any] | None, caller: Caller) -> None:
    """Refuse a call that the caller's token does not allow, whatever was checked before it came here."""
    scope = needed(tool, arguments)
    if caller.scopes is not None and not allows(caller.scopes, scope):
        raise ToolError(
            f"{NOTHING_DONE}: the token does not allow {tool.name}.",
            code="insufficient_scope",
            hint=f"Sign in again, with the scopes {' '.join(named(scope))}.",
        )


def _may_name_files(value: Any) -> bool:
    """Whether an argument can hold the URL of a file, for which :mod:`telefonie_mcp.calls.uploads` looks."""
    return ":" in value if isinstance(value, str) else isinstance(value, list | Mapping)


@contextmanager
def _explained(tool: Tool, done: str) -> Generator[None]:
    """Turn what nobody expected into an error that says what is known to be done."""
    try:
        yield
    except (TelefonieError, Pause):
        raise
    except Exception as error:
        _log.exception("%s failed unexpectedly", tool.name)
        raise ToolError(
            f"{done}: the server failed unexpectedly.",
            code="internal_error",
            hint="Look at the current state before another attempt. The server's log has the reason.",
        ) from error
