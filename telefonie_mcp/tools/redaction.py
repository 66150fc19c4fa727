"""What must not be seen of an answer: the operator's secrets, and those of the document it belongs to.

A secret belongs to the document, not to one argument of one tool: a member named like any secret argument of
the document is hidden in every answer, and a value that was sent as a secret is hidden in later answers.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.redaction import HIDDEN, NO_REDACTION, Redaction, Redactor
from telefonie_mcp.tools.catalog import Tool, member_name

__all__ = ["SentSecrets"]

_MAX_REMEMBERED: Final = 500
"""Secrets of one document that are remembered; the oldest is forgotten first."""

_MAX_CHARACTERS: Final = 256
"""Characters of a secret that are remembered: enough to recognise the beginning of a document."""

_MIN_REMEMBERED: Final = 4
"""Characters of the shortest secret that is hidden in later answers: a shorter one is in ordinary text."""

_MIN_ANYWHERE: Final = 8
"""Characters of the shortest secret that is hidden within a word, where the call itself failed."""


class SentSecrets:
    """The values that this process has sent as secrets, by document; in memory only, and bounded."""

    def __init__(self) -> None:
        self._sent: dict[str, OrderedDict[str, None]] = {}
        self._redactors: dict[str, Redactor] = {}

    def remember(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        """Remember the secret arguments of a call that is about to be sent."""
        if not tool.secrets and not tool.secret_names:
            return  # as most tools
        given = [text for text in _sent_by(tool, arguments) if len(text) >= _MIN_REMEMBERED]
        sent = self._sent.setdefault(tool.document.id, OrderedDict())
        if not sent.keys() >= set(given):
            self._redactors.pop(tool.document.id, None)
        for text in given:
            sent[text] = None
            sent.move_to_end(text)
        while len(sent) > _MAX_REMEMBERED:
            sent.popitem(last=False)

    def redaction(
        self, tool: Tool, arguments: Mapping[str, Any], operator: Redaction = NO_REDACTION
    ) -> Redaction:
        """Return what must not be seen of the answer to a call.

        Args:
            tool: The tool that was called.
            arguments: With what.
            operator: Redacts the operator's own secrets.

        """
        sent = self._redactor(tool.document)
        if not tool.secret_names and sent is None:
            return operator
        own = [*_sent_by(tool, arguments)]
        anywhere = [text for text in own if len(text) >= _MIN_ANYWHERE and not text.isdecimal()]
        return _AnswerRedaction(
            operator=operator,
            names=tool.secret_names,
            subjects=tool.subject_names,
            subject=str(arguments.get(tool.hints.subject or "") or ""),
            sent=sent,
            own=Redactor(anywhere, HIDDEN, runs=own) if own else None,
        )

    def _redactor(self, document: Document) -> Redactor | None:
        sent = self._sent.get(document.id)
        if not sent:
            return None
        if document.id not in self._redactors:
            self._redactors[document.id] = Redactor(stand_in=HIDDEN, runs=sent)
        return self._redactors[document.id]


@dataclass(frozen=True, slots=True)
class _AnswerRedaction:
    """What must not be seen of one answer.

    Attributes:
        operator: Redacts the operator's own secrets.
        names: Names of members that are hidden whole.
        subjects: Names of members that say what an answer is about; no remembered value hides those.
        subject: What the call is about.
        sent: Redacts what was sent as a secret.
        own: Redacts what this call sent, in text about the call.

    """

    operator: Redaction
    names: frozenset[str]
    subjects: frozenset[str]
    subject: str
    sent: Redactor | None
    own: Redactor | None

    def concerns(self, text: str) -> bool:
        """Whether anything in a JSON text could need redaction."""
        return (
            bool(self.names) or self.operator.concerns(text) or bool(self.sent and self.sent.concerns(text))
        )

    def text(self, text: str) -> str:
        """Return text about the call without secrets."""
        for redactor in filter(None, (self.own, self.sent)):
            text = redactor.text(text, [self.subject])
        return self.operator.text(text)

    def json(self, value: Any) -> Any:
        """Return a JSON value without secrets."""
        return self.operator.json(self._hidden(value))

    def _hidden(self, value: Any) -> Any:
        match value:
            case dict():
                members = cast("dict[str, Any]", value).items()
                return {self._text(name): self._member(name, member) for name, member in members}
            case list():
                return [self._hidden(item) for item in cast("list[Any]", value)]
            case str():
                return self._text(value)
            case _:
                return self.sent.json(value) if self.sent else value

    def _member(self, name: str, value: Any) -> Any:
        name = member_name(name)
        if name in self.names and not isinstance(value, bool) and value not in (None, "", [], {}):
            return HIDDEN
        return value if name in self.subjects and isinstance(value, str) else self._hidden(value)

    def _text(self, text: str) -> str:
        return self.sent.text(text, [self.subject]) if self.sent else text


def _sent_by(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the secret values of a call as text, except those that it is about."""
    subject = arguments.get(tool.hints.subject or "")
    for name, value in arguments.items():
        for text in _scalars(value, secret=name in tool.secrets, names=tool.secret_names):
            if text.strip() and text != str(subject):
                yield text[:_MAX_CHARACTERS]


def _scalars(value: Any, *, secret: bool, names: frozenset[str]) -> Iterator[str]:
    """Yield the scalars of a secret, and of secret members of anything else, except booleans and nulls."""
    match value:
        case dict():
            for name, member in cast("dict[str, Any]", value).items():
                yield from _scalars(member, secret=secret or member_name(name) in names, names=names)
        case list():
            for item in cast("list[Any]", value):
                yield from _scalars(item, secret=secret, names=names)
        case bool() | None:
            return
        case _ if secret:
            yield str(value)
        case _:
            return
