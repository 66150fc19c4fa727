"""Approval of a destructive call by a person, in addition to ``confirm``; independent of MCP.

The question is composed from the hints, the arguments and the current state, not from text of the model. Its
digest identifies the tool, the arguments and the state that the person approved: if any of them differs after
the answer, the approval is void. An approval is valid for one execution.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.money import ACCOUNT_CURRENCY, named_currency
from telefonie_mcp.openapi.hints import sentence
from telefonie_mcp.text import BULLET, clean_line, line_of, one_line
from telefonie_mcp.tools.catalog import Tool, ungiven

if TYPE_CHECKING:
    from telefonie_mcp.calls.current_state import CurrentState

__all__ = [
    "Caller",
    "CommandLine",
    "Pause",
    "Question",
    "currency_of",
    "facts_changed",
    "not_approved",
    "purpose",
    "question_about",
]


@dataclass(frozen=True, slots=True)
class Question:
    """The text of a question, and the digest (SHA-256, hex) of what it is about."""

    text: str
    digest: str


class Pause(Exception):  # noqa: N818 - not an error: the call is resumed when the answer arrives
    """The call is suspended until a later request carries the answer to ``question``.

    Args:
        question: The question for the person.

    """

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


class Caller(Protocol):
    """The client that makes a call: its identity, and the means to ask its user."""

    @property
    def name(self) -> str:
        """The name that the ledger records."""
        ...

    @property
    def key(self) -> str:
        """The key that the rate limit counts calls by."""
        ...

    @property
    def client(self) -> str:
        """The client: its ``client_id`` in a token, or its own word."""
        ...

    @property
    def principal_name(self) -> str:
        """Whom its token names, as the ledger records it; empty where no token is needed."""
        ...

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes that its token grants; ``None`` where no token is needed."""
        ...

    @property
    def local(self) -> bool:
        """Whether it is on this machine and may name files of it."""
        ...

    async def approve(self, question: Question) -> str:
        """Ask the user, and return the identifier of the approval.

        Raises:
            ToolError: ``not_approved``: the user declined or did not answer, or cannot be asked.
            Pause: the answer will arrive with a later request.

        """
        ...


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line as a caller.

    Attributes:
        name: The name that the ledger records.
        key: The key that the rate limit counts calls by.
        answered: A person at a terminal has seen the preview and said yes. Without a terminal nobody can
            approve: a script could answer in place of a person.

    """

    name: str = "command line"
    key: str = name
    answered: bool = False
    local: bool = True
    client: str = name
    principal_name: str = ""
    scopes: frozenset[str] | None = None

    async def approve(self, question: Question) -> str:
        """Return an identifier of the approval that the person has given.

        Raises:
            ToolError: ``not_approved``: nobody has.

        """
        if not self.answered:
            raise not_approved(
                question, "the command line has nobody to ask without a terminal, since a script could answer"
            )
        return f"terminal {uuid4()}"


def not_approved(question: Question, reason: str) -> ToolError:
    """Return the error for a call that was not approved; ``reason`` is a clause that says why."""
    return ToolError(
        f"{NOTHING_DONE}: a person must approve this, and {reason}. Asked was: {clean_line(question.text)}",
        code="not_approved",
        hint="Tell the user. They can approve in an MCP client that shows forms (elicitation), or ask the "
        "operator about TELEFONIE_APPROVAL. Do not repeat the call unasked.",
    )


def facts_changed() -> ToolError:
    """Return the refusal of a call whose approval was given for facts that do not hold any more."""
    return ToolError(
        f"{NOTHING_DONE}: the facts changed since the question was asked, so the approval is void.",
        code="facts_changed",
        hint="Make the call again to ask about the current facts.",
    )


def purpose(tool: Tool, state: "CurrentState", shown: Mapping[str, Any]) -> str:
    """Return what a call would do, as the predicate of a sentence.

    Args:
        tool: What is to be done.
        state: The offer or the current state.
        shown: The arguments, without secrets.

    """
    would = sentence(tool.hints.confirm, one_line({**ungiven(tool), **state, **shown}))
    return would or f"send {tool.operation.method} {tool.operation.path}"


def currency_of(tool: Tool, state: "CurrentState", account: str | None) -> str | None:
    """Return in which currency the rate in ``state`` is, if there is a rate and it does not say so itself."""
    rate = state.get(tool.hints.offer_members.monthly_rate)
    return None if rate is None or named_currency(rate) else account or ACCOUNT_CURRENCY


def question_about(
    tool: Tool,
    arguments: Mapping[str, Any],
    facts: "CurrentState | None",
    *,
    bound: Mapping[str, str],
    limits: Mapping[str, Any],
    requires: str | None = None,
    currency: str | None = None,
) -> Question:
    """Return the question whether ``tool`` may go ahead.

    Args:
        tool: What is to be done.
        arguments: With what.
        facts: The offer or the current state that the decision rests on.
        bound: To what an approval is bound besides: mode, account, and the ledger's own id.
        limits: What the operator's limits leave, for the person; an approval is not bound to it.
        requires: What the API wants besides, likewise.
        currency: What the operator calls the currency of the account.

    """
    hints = tool.hints
    current = dict(facts or {})
    arguments = tool.shown(arguments)
    lines = [f"May the assistant {purpose(tool, current, arguments)}?"]
    shown = {name: value for name, value in bound.items() if name != "ledger"}
    shown |= {name: current[name] for name in hints.asked if name in current}
    unit = currency_of(tool, current, currency)
    shown |= {"priced": f"in {unit}"} if unit and hints.offer_members.monthly_rate in shown else {}
    shown |= {"requires": requires} if requires else {}
    sent = {name: value for name, value in arguments.items() if name not in {hints.subject, hints.ceiling}}
    shown |= {f"with {name}": value for name, value in sent.items()}
    shown |= {f"left of {name}": left["left"] for name, left in limits.items()}
    lines += [
        f"{BULLET} {line_of(name).replace('_', ' ')}: {line_of(value)}" for name, value in shown.items()
    ]
    content = json.dumps([bound, tool.name, arguments, current], sort_keys=True, ensure_ascii=True)
    return Question("\n".join(lines), hashlib.sha256(content.encode()).hexdigest())
