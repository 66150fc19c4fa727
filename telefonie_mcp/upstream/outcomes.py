"""Outcomes of one HTTP request; frozen values.

They distinguish whether the API can have processed the request: with :class:`NotSent` it has not, with
:class:`Unanswered` it may have.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

__all__ = ["Answer", "NotSent", "Outcome", "Unanswered", "retry_after"]

_MAX_RETRY_AFTER: Final = 999_999_999.0
"""Seconds: keeps a long string of digits from becoming an infinite float."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body parsed as JSON, regardless of the content type.

        Raises:
            ValueError: the body is not JSON, or has a number that is not finite.

        """
        return json.loads(self.body, parse_constant=_parse_finite, parse_float=_parse_finite)


@dataclass(frozen=True, slots=True)
class NotSent:
    """The API has not received the request: no connection was established.

    ``retryable`` is false if the request was not allowed to leave, so that another attempt is in vain.
    """

    reason: str
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The request may have been sent, and no complete response was received.

    ``pending``: the attempt timed out, so the API may still be processing the request.
    """

    reason: str
    pending: bool


Outcome = Answer | NotSent | Unanswered


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a JSON number")  # 1e999 is one, but cannot be serialized again
    return number


def retry_after(answer: Answer, *, now: datetime | None = None) -> float | None:
    """Return the seconds to wait by ``Retry-After`` (RFC 9110 §10.2.3), or ``None`` without a valid one."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), _MAX_RETRY_AFTER)
