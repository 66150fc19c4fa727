"""Asking a person, on top of ``confirm``; knows nothing of how a client shows the question.

The question is built from facts that were read a moment ago, never from the model's text. An approval names
the facts it was given for, by a digest, and is good for one execution; when the facts have changed by the
time of the answer, it is void.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from telefonie_mcp.calls.current_state import CurrentState
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.openapi.hints import sentence
from telefonie_mcp.text import clean_line
from telefonie_mcp.tools.catalog import Tool

__all__ = ["Caller", "CommandLine", "Pause", "Question", "not_approved", "question_about"]

_BULLET: Final = "\N{MIDDLE DOT}"
"""Begins every fact of a question, and is in none: some clients show all lines as one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: a text for people, and the digest of the facts it is about."""

    text: str
    digest: str


class Pause(Exception):  # noqa: N818 - not an error: the call goes on when its answer comes
    """The call waits for an answer that will come with another request.

    Args:
        question: What was asked.

    """

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


class Caller(Protocol):
    """Who makes a call: its name for the ledger, and the way to ask the person behind it."""

    @property
    def name(self) -> str:
        """The caller as the ledger records it."""
        ...

    @property
    def key(self) -> str:
        """What tells this caller from others, for counting its calls."""
        ...

    async def approve(self, question: Question) -> str:
        """Ask, and return the identifier of the approval.

        Raises:
            ToolError: ``not_approved``: the person said no, nobody answered, or nobody can be asked.
            Pause: the answer will come with another request.

        """
        ...


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The command line as a caller: its user is asked nothing, because a script could answer."""

    name: str = "command line"
    key: str = name

    async def approve(self, question: Question) -> str:
        """Refuse.

        Raises:
            ToolError: ``not_approved``.

        """
        raise not_approved(question, "the command line has nobody to ask, since a script could answer")


def not_approved(question: Question, reason: str) -> ToolError:
    """Return the refusal of a call that a person has not approved."""
    return ToolError(
        f"{NOTHING_DONE}: a person must approve this, and {reason}. Asked was: {clean_line(question.text)}",
        code="not_approved",
        hint="Tell the user. They can approve in an MCP client that shows forms (elicitation), or ask the "
        "operator about TELEFONIE_APPROVAL. Do not repeat the call unasked.",
    )


def question_about(tool: Tool, arguments: Mapping[str, Any], fact: CurrentState | None) -> Question:
    """Return the question whether ``tool`` may go ahead, given the current facts."""
    hints = tool.hints
    current = dict(fact or {})
    arguments = tool.shown(arguments)
    would = sentence(hints.confirm, {**current, **arguments})
    would = would.replace(_BULLET, ",") or f"send {tool.operation.method} {tool.operation.path}"
    lines = [f"May the assistant {would}?"]
    shown = {name: current[name] for name in hints.asked if name in current}
    lines += [f"{_BULLET} {name.replace('_', ' ')}: {_plain(value)}" for name, value in shown.items()]
    sent = {name: value for name, value in arguments.items() if name not in {hints.subject, hints.ceiling}}
    lines += [f"{_BULLET} with {name.replace('_', ' ')}: {_plain(value)}" for name, value in sent.items()]
    content = json.dumps([tool.name, arguments, current], sort_keys=True, ensure_ascii=True)
    return Question("\n".join(lines), hashlib.sha256(content.encode()).hexdigest())


def _plain(value: Any) -> str:
    """Return ``value`` as a part of one line, whoever chose it: it must not pass for a fact of its own."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return ", ".join(_one_line(name) for name, member in members.items() if member) or "none"
    if isinstance(value, list):
        return ", ".join(map(_one_line, cast("list[Any]", value)))
    return _one_line(value)


def _one_line(value: Any) -> str:
    return clean_line(value).replace(_BULLET, ",")
