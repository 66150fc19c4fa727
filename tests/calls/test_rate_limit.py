import tracemalloc
from itertools import count

import pytest

from telefonie_mcp.calls.rate_limit import SHARED_FACTOR, RateLimit
from telefonie_mcp.errors import ToolError


async def refused(pace: RateLimit, caller: str) -> float:
    """Return the seconds to wait."""
    with pytest.raises(ToolError) as caught:
        await pace.take(caller)
    answer = caught.value.as_dict()
    assert (answer["code"], answer["retryable"]) == ("rate_limited", True)
    assert answer["message"].startswith("Nothing was done: too many calls")
    assert answer["hint"] == f"Wait {answer['retry_after']} s before the next call."
    return answer["retry_after"]


async def test_calls_come_back_with_time_and_callers_do_not_share() -> None:
    now = 0.0
    pace = RateLimit(60, clock=lambda: now)
    for _ in range(60):
        await pace.take("a")
    assert await refused(pace, "a") == 1.0
    await pace.take("b")
    now = 0.95
    assert await refused(pace, "a") == 0.1
    now = 1.0
    await pace.take("a")
    await refused(pace, "a")
    now = 10_000.0
    for _ in range(60):
        await pace.take("a")
    await refused(pace, "a")


async def test_a_first_call_is_allowed_however_few_are() -> None:
    pace = RateLimit(1, clock=count(1, 1e-6).__next__)
    await pace.take("a")
    await refused(pace, "a")


async def test_a_new_name_for_every_call_does_not_help() -> None:
    now = 0.0
    pace = RateLimit(60, clock=lambda: now)
    for number in range(60 * SHARED_FACTOR):
        await pace.take(f"caller {number}")
    assert await refused(pace, "another") == 0.1
    now = 0.1
    await pace.take("another")
    await refused(pace, "one more")


async def test_who_is_refused_takes_nothing_from_the_others() -> None:
    pace = RateLimit(2, clock=lambda: 0.0)
    for _ in range(2):
        await pace.take("greedy")
    for _ in range(100):
        await refused(pace, "greedy")
    for number in range(2 * SHARED_FACTOR - 2):
        await pace.take(f"modest {number}")


async def test_memory_is_bounded_and_the_busiest_caller_is_remembered() -> None:
    pace = RateLimit(1000, clock=lambda: 0.0)
    for _ in range(1000):
        await pace.take("busy")
    for number in range(2000):
        await pace.take(str(number))
        await refused(pace, "busy")


async def test_a_name_of_any_length_takes_no_more_memory_than_another() -> None:
    pace = RateLimit(1000, clock=lambda: 0.0)
    tracemalloc.start()
    try:
        for number in range(500):
            await pace.take(f"\ud800{number}" * 10_000)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 500_000
