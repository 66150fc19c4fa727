"""The exceptions of this package, as one tree.

::

    TelefonieError
    ├── SettingsError          a setting is unknown, contradictory or unreadable: the server does not start
    ├── DocumentError          an OpenAPI document cannot become tools: the server does not start
    ├── UnknownToolError       no tool has that name: a protocol error
    └── ToolError              a tool call ended without success: a result with ``isError: true``

A :class:`ToolError` is read by an agent, so it is complete in itself: its message begins with what is known
to be done, ``code`` is stable across releases, and ``hint`` is the next step.
"""

from typing import Any, Final, NamedTuple, Protocol

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
"""The first words of every message about a call that had no effect."""

_MAX_DOCUMENT_ERROR: Final = 2000
"""Characters of a message about a document, whose names can have any length."""


class TelefonieError(Exception):
    """Base class of the errors that this package raises."""


class SettingsError(TelefonieError):
    """A setting is invalid, so the server does not start; the message names the setting and the remedy."""


class DocumentError(TelefonieError):
    """An OpenAPI document is invalid, so the server does not start; the message names document and place."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message if len(message) <= _MAX_DOCUMENT_ERROR else f"{message[:_MAX_DOCUMENT_ERROR]}…"
        )


class UnknownToolError(TelefonieError):
    """No tool of this server has the requested name."""


class Violation(NamedTuple):
    """One invalid argument.

    ``field`` is the argument's name, with the path inside it for a nested value (``tags[0]``); ``problem``
    is the predicate of a sentence about it that says what is wrong or what a valid value must be.
    """

    field: str
    problem: str


class _Redactor(Protocol):
    def text(self, text: str) -> str: ...
    def json(self, value: Any) -> Any: ...


class ToolError(TelefonieError):
    """A tool call that did not succeed, described so that an agent can act on it.

    Args:
        message: A sentence: what is known to be done, and what went wrong.
        code: Stable identifier in snake_case.
        hint: The next step: a tool call, a setting, or a wait in seconds.
        retryable: Whether the same call can succeed later without a change.
        status: HTTP status of the API's response, if there was one.
        field: The invalid argument, if there is one.
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

    def redact(self, redactor: _Redactor) -> None:
        """Replace secrets in everything that is said."""
        self.message, self.hint = redactor.text(self.message), redactor.text(self.hint)
        self.args = (self.message,)
        self.details = redactor.json(self.details)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object that is the text of the error result, ``message`` first."""
        return {
            "message": self.message,
            "code": self.code,
            **({} if self.status is None else {"status": self.status}),
            **({} if self.field is None else {"field": self.field}),
            "retryable": self.retryable,
            "hint": self.hint,
            **self.details,
        }
