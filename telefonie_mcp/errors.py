"""Everything that can go wrong, as one tree.

::

    TelefonieError
    ├── SettingsError          a setting is unknown, contradictory or unreadable: the server does not start
    ├── DocumentError          an OpenAPI document cannot become tools: the server does not start
    ├── UnknownToolError       no tool has that name: a protocol error
    └── ToolError              a tool call ended without success: a result with ``isError: true``

A :class:`ToolError` is what an agent reads, so it is complete on its own: the first words of its
message say what was done or not done, ``code`` is stable, and ``hint`` is the next step.
"""

from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "NOTHING_DONE",
    "DocumentError",
    "SettingsError",
    "TelefonieError",
    "ToolError",
    "UnknownToolError",
    "Violation",
]

NOTHING_DONE: Final = "Nothing was done"
"""The first words of every refusal."""


class TelefonieError(Exception):
    """Base of every error this package raises on purpose."""


class SettingsError(TelefonieError):
    """A setting stops the start; the message names it and the remedy."""


class DocumentError(TelefonieError):
    """An OpenAPI document stops the start; the message names the document and the place in it."""


class UnknownToolError(TelefonieError):
    """No tool of this server has the requested name."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One argument that cannot be accepted.

    ``field`` is the argument's name, with the path inside it where it is nested (``tags[0]``);
    ``problem`` is a sentence that says what is wrong and what would be right.
    """

    field: str
    problem: str


class ToolError(TelefonieError):
    """A tool call that did not succeed, in words an agent can act on.

    Args:
        message: A sentence: what happened, and that nothing was done or what is known to be done.
        code: Stable identifier in snake_case.
        hint: The next step: a tool call, a setting, a wait in seconds.
        retryable: Whether the same call can succeed later without a change.
        status: HTTP status, when the API answered.
        field: The argument to blame, when there is one.
        details: Further members of the JSON object, such as ``errors``, ``preview`` or ``next_call``.

    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str,
        retryable: bool = False,
        status: int | None = None,
        field: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.retryable = retryable
        self.status = status
        self.field = field
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object that is the text of the error result, the sentence first."""
        return {
            "message": self.message,
            "code": self.code,
            **({} if self.status is None else {"status": self.status}),
            **({} if self.field is None else {"field": self.field}),
            "retryable": self.retryable,
            "hint": self.hint,
            **self.details,
        }
