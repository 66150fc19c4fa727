"""When a request is sent again, and for how long a call may take.

A read is repeated after anything that can pass. A write is repeated only when the API has certainly not
processed it: no connection came about, or it answered 429 ("never processed", as providers document it).
Everything else about a write is settled by looking, never by sending it again.
"""

import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

import anyio

from telefonie_mcp.deadline import FAIR_ATTEMPT, Deadline
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered, retry_after

__all__ = ["pause_before_retry", "send_until_known"]

_ATTEMPTS: Final = 4
_FIRST_PAUSE: Final = 0.25
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})


def pause_before_retry(
    outcome: Outcome, attempt: int, *, writes: bool, jitter: Callable[[], float] = random.random
) -> float | None:
    """Return the seconds to wait before sending again, or ``None`` where the outcome stands.

    Args:
        outcome: What came of the request.
        attempt: How many times it was sent before, from 0.
        writes: Whether the request changes something.
        jitter: A random number in [0, 1).

    """
    match outcome:
        case Answer(status=429):
            again = True
        case Answer():
            again = not writes and outcome.status in _PASSING
        case NotSent():
            again = True
        case Unanswered():
            again = not writes
    if not again or attempt + 1 >= _ATTEMPTS:
        return None
    asked = retry_after(outcome) if isinstance(outcome, Answer) else None
    backoff = _FIRST_PAUSE * 2**attempt * (0.5 + jitter() / 2)
    return backoff if asked is None else max(asked, backoff)


async def send_until_known(
    send: Callable[[float], Awaitable[Outcome]],
    *,
    writes: bool,
    deadline: Deadline,
    attempt_seconds: float,
    before_pause: Callable[[Outcome, float], Awaitable[None]],
) -> Outcome:
    """Call ``send(seconds)`` until its outcome stands, or no fair attempt fits before the deadline.

    ``before_pause(outcome, seconds)`` is told why the next attempt waits, and for how long.
    """
    for attempt in count():
        outcome = await send(min(attempt_seconds, deadline.remaining))
        pause = pause_before_retry(outcome, attempt, writes=writes)
        if pause is None or pause + attempt_seconds * FAIR_ATTEMPT > deadline.remaining:
            return outcome
        await before_pause(outcome, pause)
        await anyio.sleep(pause)
    raise AssertionError  # count() does not end
