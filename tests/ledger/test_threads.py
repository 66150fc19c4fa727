"""Threads for what blocks: nobody but its caller waits for it, and no longer than the caller wants."""

import asyncio
from contextvars import ContextVar
from threading import Event, active_count, current_thread, get_ident

import pytest

from telefonie_mcp.ledger.threads import Threads

LONG = 60.0


async def test_work_is_done_in_a_thread_of_its_own_in_the_context_of_its_caller() -> None:
    whose: ContextVar[str] = ContextVar("whose")
    whose.set("the caller's")
    threads = Threads()
    found = await threads.run(lambda: (get_ident(), current_thread().daemon, whose.get()), LONG)
    assert found[0] != get_ident()
    assert found[1:] == (True, "the caller's")


async def test_an_error_reaches_the_caller_and_the_thread_goes_on() -> None:
    threads = Threads(most=1)
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0, LONG)
    assert await threads.run(lambda: 1, LONG) == 1


async def test_one_thread_does_what_comes_one_after_the_other() -> None:
    threads = Threads()
    assert len({await threads.run(get_ident, LONG) for _ in range(20)}) == 1


async def test_work_that_blocks_is_left_behind_and_holds_up_no_other() -> None:
    threads = Threads()
    begun, over = Event(), Event()

    def block() -> bool:
        begun.set()
        return over.wait(LONG)

    try:
        with pytest.raises(TimeoutError):
            await threads.run(block, 0.001)
        assert await threads.run(lambda: begun.wait(LONG), LONG)
    finally:
        over.set()


async def test_a_caller_that_goes_away_does_not_wait() -> None:
    threads = Threads()
    over = Event()
    waiting = asyncio.ensure_future(threads.run(lambda: over.wait(LONG), LONG))
    await threads.run(lambda: None, LONG)
    waiting.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        over.set()


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    threads = Threads(most=1)
    over = Event()
    done: list[str] = []
    first = asyncio.ensure_future(threads.run(lambda: over.wait(LONG), LONG))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await threads.run(lambda: done.append("late"), 0.001)
    over.set()
    assert await first
    await threads.run(lambda: done.append("in time"), LONG)
    assert done == ["in time"]


async def test_there_are_no_more_threads_than_allowed_and_everything_is_done() -> None:
    threads = Threads(most=3)
    before = active_count()
    over = Event()
    everything = [asyncio.ensure_future(threads.run(lambda: over.wait(LONG), LONG)) for _ in range(50)]
    await asyncio.sleep(0)
    assert active_count() - before <= 3
    over.set()
    assert await asyncio.gather(*everything) == [True] * 50


def test_an_event_loop_that_has_ended_is_no_matter() -> None:
    threads = Threads(most=1)
    over = Event()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await threads.run(lambda: over.wait(LONG), 0.001)

    async def one() -> int:
        return await threads.run(lambda: 1, LONG)

    asyncio.run(leave())
    over.set()
    assert asyncio.run(one()) == 1
