"""Hands the ledger's work to threads: what becomes of it when nobody waits any more."""

from threading import Event, Semaphore

import anyio
import pytest

from telefonie_mcp.deadline import Deadline
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.source import MOST_THREADS, in_thread

LONG = 300.0
"""Seconds that nothing here takes."""


async def test_what_has_not_begun_when_its_call_is_cancelled_never_begins() -> None:
    begun, go_on, ran = Semaphore(0), Event(), list[str]()

    def hold() -> None:
        begun.release()
        assert go_on.wait(LONG)

    try:
        async with anyio.create_task_group() as holding:
            for _ in range(MOST_THREADS):
                holding.start_soon(in_thread, Deadline.after(LONG), hold)
            for _ in range(MOST_THREADS):
                assert await anyio.to_thread.run_sync(begun.acquire, True, LONG)
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(in_thread, Deadline.after(LONG), ran.append, "too late")
                await anyio.wait_all_tasks_blocked()
                waiting.cancel_scope.cancel()
            go_on.set()
        await in_thread(Deadline.after(LONG), ran.append, "next")
    finally:
        go_on.set()
    assert ran == ["next"]


async def test_a_call_that_is_cancelled_does_not_wait_for_its_thread() -> None:
    begun, go_on, done = Event(), Event(), Event()

    def hold() -> None:
        begun.set()
        assert go_on.wait(LONG)
        done.set()

    try:
        async with anyio.create_task_group() as calls:
            calls.start_soon(in_thread, Deadline.after(LONG), hold)
            assert await anyio.to_thread.run_sync(begun.wait, LONG)
            calls.cancel_scope.cancel()
        assert not done.is_set()
    finally:
        go_on.set()
    assert await anyio.to_thread.run_sync(done.wait, LONG), "what has begun is finished all the same"


async def test_an_error_of_the_work_is_the_error_of_the_call() -> None:
    def fail() -> None:
        raise LedgerError("the ledger cannot be written")

    with pytest.raises(LedgerError, match="cannot be written"):
        await in_thread(Deadline.after(LONG), fail)
