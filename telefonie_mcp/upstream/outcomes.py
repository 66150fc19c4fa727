"""Outcomes of one HTTP request; frozen values.

They distinguish whether the API can have processed the request: with :class:`NotSent` it has not, with
:class:`Unanswered` it may have.
"""

import codecs
import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from telefonie_mcp.redaction import NO_REDACTION, Redaction

__all__ = ["Answer", "NotSent", "Outcome", "Unanswered", "parse_json", "retry_after"]

_MAX_RETRY_AFTER: Final = 999_999_999.0
"""Seconds: keeps a long string of digits from becoming an infinite float."""

_FOR_HOST_NAMES: Final = frozenset({"idna", "punycode"})
"""Encodings in which a long text takes minutes to read, as the time grows with the square of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response.

    Attributes:
        status: Its status.
        headers: Its headers without secrets; the names are in lower case.
        body: Its body as it was received. What is shown or recorded of it goes through ``redaction`` first.
        redaction: What must not be seen of it.
        repeated: Whether it is a write that had been sent before, and was answered with 429.

    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)
    redaction: Redaction = field(default=NO_REDACTION, repr=False, compare=False)
    repeated: bool = False

    @property
    def _declared_charset(self) -> str:
        found = re.search(r"charset=\"?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        with suppress(LookupError):
            name = codecs.lookup(found[1]).name if found else ""
            return "" if name in _FOR_HOST_NAMES else name
        return ""

    @property
    def json(self) -> Any:
        """The body parsed as JSON, regardless of the content type.

        Raises:
            ValueError: the body is not JSON, or has a number that is not finite.

        """
        return parse_json(self.json_text)

    @property
    def json_text(self) -> str:
        """The body as the text of JSON: UTF-8, UTF-16 or UTF-32 (RFC 4627 §3), or else as its header says.

        Raises:
            ValueError: the body is none of them.

        """
        try:
            return self.body.decode(json.detect_encoding(self.body), "surrogatepass")
        except UnicodeDecodeError:
            if not (declared := self._declared_charset):
                raise
            with suppress(LookupError):
                return self.body.decode(declared)
            raise

    @property
    def text(self) -> str:
        """The body as text, by its declared character set or else by its bytes."""
        for charset in (self._declared_charset, json.detect_encoding(self.body)):
            with suppress(LookupError, ValueError):
                return self.body.decode(charset or "utf-8")
        return self.body.decode("latin-1")


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


def parse_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON, or has a number that is not finite.

    """
    return _DECODER.decode(text)


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a JSON number")  # 1e999 is one, but cannot be serialized again
    return number


_DECODER: Final = json.JSONDecoder(parse_constant=_parse_finite, parse_float=_parse_finite)


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
