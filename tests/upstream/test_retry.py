from collections.abc import Awaitable, Callable

import anyio
import pytest

from telefonie_mcp.deadline import Deadline
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered
from telefonie_mcp.upstream.retry import pause_before_retry, send_until_known
from tests.support.wire import SECONDS

LOST = Unanswered("broke", pending=False)
HANGING = Unanswered("hangs", pending=True)
REFUSED = NotSent("refused")


@pytest.mark.parametrize(
    ("outcome", "reads", "writes"),
    [
        (REFUSED, True, True),
        (Answer(429), True, True),
        (LOST, True, False),
        (HANGING, True, False),
        *[(Answer(status), True, False) for status in (408, 500, 502, 503, 504)],
        *[(Answer(status), False, False) for status in (200, 201, 204, 301, 400, 401, 404, 409, 422, 501)],
    ],
)
def test_only_what_is_safe_to_repeat_is_sent_again(outcome: Outcome, reads: bool, writes: bool) -> None:
    assert (pause_before_retry(outcome, 0, writes=False) is not None) is reads
    assert (pause_before_retry(outcome, 0, writes=True) is not None) is writes


def test_pauses_grow_with_jitter_and_end() -> None:
    longest = [pause_before_retry(REFUSED, n, writes=True, jitter=lambda: 1.0) for n in range(4)]
    shortest = [pause_before_retry(REFUSED, n, writes=True, jitter=lambda: 0.0) for n in range(4)]
    assert longest == [0.25, 0.5, 1.0, None]
    assert shortest == [0.125, 0.25, 0.5, None]


def test_retry_after_is_honoured() -> None:
    assert pause_before_retry(Answer(429, {"retry-after": "3"}), 0, writes=True) == 3
    assert pause_before_retry(Answer(503, {"retry-after": "0"}), 0, writes=False, jitter=lambda: 0) == 0.125


async def nobody(_: Outcome, __: float) -> None:
    pass


async def sent(
    outcomes: list[Outcome],
    *,
    writes: bool,
    seconds: float,
    attempt: float = 0.5,
    before_pause: Callable[[Outcome, float], Awaitable[None]] = nobody,
) -> tuple[Outcome, list[float]]:
    limits: list[float] = []

    async def send(limit: float) -> Outcome:
        limits.append(limit)
        return outcomes[min(len(limits), len(outcomes)) - 1]

    with anyio.fail_after(SECONDS):
        deadline = Deadline.after(seconds)
        outcome = await send_until_known(
            send, writes=writes, deadline=deadline, attempt_seconds=attempt, before_pause=before_pause
        )
        return outcome, limits


async def test_a_read_is_repeated_until_it_succeeds() -> None:
    outcome, limits = await sent([LOST, Answer(503), Answer(200)], writes=False, seconds=30)
    assert (outcome, len(limits)) == (Answer(200), 3)
    assert all(limit <= 0.5 for limit in limits)


async def test_every_pause_is_announced_with_its_reason() -> None:
    limited = Answer(429, {"retry-after": "0"})
    told: list[tuple[Outcome, bool]] = []

    async def before_pause(outcome: Outcome, seconds: float) -> None:
        told.append((outcome, seconds > 0))

    await sent([limited, LOST, Answer(200)], writes=False, seconds=30, before_pause=before_pause)
    assert told == [(limited, True), (LOST, True)]


async def test_a_write_that_may_have_been_processed_is_not() -> None:
    assert await sent([LOST, Answer(200)], writes=True, seconds=30) == (LOST, [0.5])


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    limited = Answer(429, {"retry-after": "60"})
    assert await sent([limited, Answer(200)], writes=True, seconds=30) == (limited, [0.5])


async def test_an_attempt_without_a_fair_share_of_its_time_is_not_begun() -> None:
    limited = Answer(429, {"retry-after": "25"})
    assert await sent([limited, Answer(200)], writes=True, seconds=30, attempt=12) == (limited, [12])


async def test_there_are_four_attempts_at_most() -> None:
    outcome, limits = await sent([REFUSED], writes=True, seconds=30)
    assert (outcome, len(limits)) == (REFUSED, 4)


async def test_a_deadline_leaves_time_for_something_else() -> None:
    deadline = Deadline.after(2)
    assert deadline.earlier(1).at == pytest.approx(deadline.at - 1)
    assert deadline.earlier(10).remaining == 0
