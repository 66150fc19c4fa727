"""What an API answered, or why it did not; pure values.

Of a request that failed, one question decides everything that follows: can the API have processed it?
:class:`NotSent` says certainly not, :class:`Unanswered` says nobody knows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["Answer", "NotSent", "Outcome", "Unanswered", "retry_after"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON, whatever the content type says.

        Raises:
            ValueError: when it is none.

        """
        return json.loads(self.body, parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class NotSent:
    """No connection came about: the API has certainly not seen the request."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request may have been processed: it was, or may have been, sent, and no complete answer came.

    ``pending`` tells that the API may still be working on it.
    """

    reason: str
    pending: bool


Outcome = Answer | NotSent | Unanswered


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def retry_after(answer: Answer, *, now: datetime | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait (RFC 9110 §10.2.3), seconds or a date."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
