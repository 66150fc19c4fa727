"""Retry policy: which requests are sent again, after which pause, within a deadline.

A read is retried after a transient failure. A write is retried only if the API has certainly not processed
it: no connection was established, or the status was 429, which providers document as "not processed". After
any other failure of a write, the current state is read instead (:mod:`telefonie_mcp.calls.writes`).

The pause is exponential backoff with jitter, and never shorter than ``Retry-After``.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Final

import anyio

from telefonie_mcp.deadline import FAIR_ATTEMPT, Deadline
from telefonie_mcp.telemetry.measures import timed, took
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered, retry_after

__all__ = ["pause_before_retry", "send_until_known"]

_MAX_ATTEMPTS: Final = 4
_FIRST_PAUSE_SECONDS: Final = 0.25
_FIXED_FRACTION: Final = 0.5
"""Fraction of the backoff that is always waited; the rest is multiplied by the jitter."""

_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which a read is retried."""


def pause_before_retry(
    outcome: Outcome, attempt: int, *, writes: bool, jitter: Callable[[], float] = random.random
) -> float | None:
    """Return the seconds to wait before the next attempt, or ``None`` if the outcome is final.

    Args:
        outcome: The outcome of the latest attempt.
        attempt: The number of that attempt, from 0.
        writes: Whether the request is a write.
        jitter: Returns a random number in [0, 1).

    """
    match outcome:
        case Answer(status=429):
            retryable = True
        case Answer():
            retryable = not writes and outcome.status in _TRANSIENT
        case NotSent():
            retryable = outcome.retryable
        case Unanswered():
            retryable = not writes
    if not retryable or attempt + 1 >= _MAX_ATTEMPTS:
        return None
    requested = retry_after(outcome) if isinstance(outcome, Answer) else None
    backoff = _FIRST_PAUSE_SECONDS * 2**attempt * (_FIXED_FRACTION + jitter() * (1 - _FIXED_FRACTION))
    return backoff if requested is None else max(requested, backoff)


async def send_until_known(
    send: Callable[[float], Awaitable[Outcome]],
    *,
    writes: bool,
    deadline: Deadline,
    attempt_seconds: float,
    before_pause: Callable[[Outcome, float], Awaitable[None]],
) -> Outcome:
    """Call ``send(seconds)`` until its outcome is final, or the deadline leaves no time for a useful attempt.

    Args:
        send: Makes one attempt that takes at most the given seconds.
        writes: Whether the request is a write.
        deadline: The deadline of the call.
        attempt_seconds: Time limit of one attempt.
        before_pause: Called before each pause with the outcome that is retried and the seconds to wait.

    """
    repeated = False
    for attempt in count():
        begun = timed()
        outcome = await send(min(attempt_seconds, deadline.remaining))
        took("upstream", begun, outcome=_measured(outcome), write=str(writes).lower())
        pause = pause_before_retry(outcome, attempt, writes=writes)
        if pause is None or pause + attempt_seconds * FAIR_ATTEMPT > deadline.remaining:
            return replace(outcome, repeated=True) if repeated and isinstance(outcome, Answer) else outcome
        repeated = repeated or (writes and isinstance(outcome, Answer))
        await before_pause(outcome, pause)
        await anyio.sleep(pause)
    raise AssertionError  # count() does not end


def _measured(outcome: Outcome) -> str:
    """Return the status of an answer, or what there was instead."""
    match outcome:
        case Answer():
            return str(outcome.status)
        case NotSent():
            return "not_sent"
        case Unanswered():
            return "unanswered"
