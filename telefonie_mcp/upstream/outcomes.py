"""What an API answered, or why it did not; pure values.

Of a request that failed, one question decides everything that follows: can the API have processed it?
:class:`NotSent` says certainly not, :class:`Unanswered` says nobody knows.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

__all__ = ["Answer", "NotSent", "Outcome", "Unanswered", "retry_after"]

_LONGEST: Final = 999_999_999.0  # seconds; what is longer is as good as never, and may be infinite


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
        return json.loads(self.body, parse_constant=_finite, parse_float=_finite)


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


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a JSON number")  # or one that could not be written as JSON again
    return number


def retry_after(answer: Answer, *, now: datetime | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait (RFC 9110 §10.2.3), seconds or a date."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), _LONGEST)
