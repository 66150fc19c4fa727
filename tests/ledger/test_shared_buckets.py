"""Rate limits in the ledger's database: exact for all servers together, and in nobody's way without it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import psycopg
import pytest

from telefonie_mcp.calls.rate_limit import SHARED_FACTOR, RateLimit
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.shared_buckets import TABLE, SharedBuckets
from telefonie_mcp.ledger.statements import Statements
from tests.support.ports import closed_port
from tests.support.postgres import GROUP, new_schema
from tests.support.processes import Pipe, race

pytestmark = GROUP
PATIENT = 600.0
"""Seconds that a statement may take where the database is to decide, on however busy a machine."""

NEVER_AGAIN = 10 * PATIENT


@pytest.fixture
def url(postgresql: str) -> str:
    return new_schema(postgresql)


@asynccontextmanager
async def buckets(
    url: str, seconds: float = PATIENT, pause: float = NEVER_AGAIN
) -> AsyncGenerator[SharedBuckets]:
    statements = Statements(url, table=TABLE, seconds=seconds, pause=pause)
    try:
        yield SharedBuckets(statements)
    finally:
        await statements.aclose()


def rows(url: str) -> list[tuple[bytes, int]]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute("SELECT bucket, full_at FROM ledger_rate_limits").fetchall()


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(statement.encode())


async def granted(pace: RateLimit, caller: str, attempts: int) -> int:
    count = 0
    for _ in range(attempts):
        try:
            await pace.take(caller)
        except ToolError:
            continue
        count += 1
    return count


def take_many(test: Pipe, url: str, callers: int, attempts: int) -> None:
    """Take tokens as one replica of several, for callers at the same time, and say how many."""

    async def take() -> int:
        async with buckets(url) as shared:
            pace = RateLimit(1, shared=shared)
            taken = await asyncio.gather(*(granted(pace, f"caller {n}", attempts) for n in range(callers)))
        return sum(taken)

    test.send("ready")
    test.recv()
    test.send(anyio.run(take))


@pytest.mark.parametrize(("callers", "attempts", "tokens"), [(4, 20, 4), (30, 1, SHARED_FACTOR)])
def test_replicas_share_both_limits_exactly(callers: int, attempts: int, tokens: int, url: str) -> None:
    """One token a minute for each caller, ten for all; what has come back in the meantime is counted."""
    begun = time.monotonic()
    taken = sum(race(take_many, [(url, callers, attempts)] * 3))
    assert tokens <= taken <= tokens + (time.monotonic() - begun) * tokens / 60


async def test_a_refusal_says_how_long_to_wait_and_takes_nothing(url: str) -> None:
    async with buckets(url) as shared:
        assert await shared.take(b"a", 1, b"all", 100) == 0
        before = sorted(rows(url))
        wait = await shared.take(b"a", 1, b"all", 100)
        assert wait is not None
        assert 0 < wait <= 60
        assert sorted(rows(url)) == before
        assert await shared.take(b"b", 1, b"few", 1) == 0
        wait = await shared.take(b"c", 100, b"few", 1)
        assert wait is not None
        assert 0 < wait <= 60
        assert await shared.take(b"c", 100, b"all", 100) == 0


async def test_tokens_come_back_with_the_time_of_the_database(url: str) -> None:
    async with buckets(url) as shared:
        assert [await shared.take(b"a", 2, b"all", 20) for _ in range(2)] == [0, 0]
        assert await shared.take(b"a", 2, b"all", 20)
        execute(url, "UPDATE ledger_rate_limits SET full_at = full_at - 30000000")
        assert await shared.take(b"a", 2, b"all", 20) == 0
        assert await shared.take(b"a", 2, b"all", 20)


async def test_tenants_and_callers_have_their_own_and_no_name_is_stored(url: str) -> None:
    async with buckets(url) as shared:
        for tenant in ("acme", "globex"):
            for caller in ("https://issuer.example ann", "https://issuer.example bob"):
                assert await granted(RateLimit(3, shared=shared, tenant=tenant), caller, 5) == 3
    stored = rows(url)
    assert len(stored) == 6
    assert {len(bucket) for bucket, _ in stored} == {16}


async def test_full_buckets_are_removed(url: str) -> None:
    async with buckets(url) as shared:
        await shared.take(b"old", 1, b"all", 10)
        execute(url, "UPDATE ledger_rate_limits SET full_at = 1")
        await shared.take(b"new", 1, b"some", 10)
        await shared.clean()
        assert sorted(bucket for bucket, _ in rows(url)) == [b"new", b"some"]


async def test_without_an_answer_in_time_each_decides_by_its_own(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with buckets(url, seconds=0.05) as shared:
        with anyio.fail_after(PATIENT):
            while await shared.take(b"x", 1000, b"y", 10_000) is None:
                await anyio.sleep(0.01)  # until it is connected
        with psycopg.connect(url.replace("+psycopg", "")) as other:
            other.execute("LOCK TABLE ledger_rate_limits")
            assert await granted(RateLimit(2, shared=shared), "a", 5) == 2
    assert caplog.text.count("gives no answer about rate limits and notifications: it does not answer") == 1


async def test_a_lost_connection_is_made_again(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with buckets(url, pause=0) as shared:
        pace = RateLimit(2, shared=shared)
        assert await granted(pace, "a", 1) == 1
        execute(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE usename = current_user AND pid <> pg_backend_pid()",
        )
        with anyio.fail_after(PATIENT):
            while await shared.take(b"x", 1000, b"y", 10_000) is None:
                await anyio.sleep(0.01)
        assert await granted(pace, "a", 5) == 1
    assert "answers again" in caplog.text


async def test_a_database_that_is_not_there_is_in_nobodys_way() -> None:
    with closed_port() as port:
        async with buckets(f"postgresql+psycopg://nobody:secret@127.0.0.1:{port}/none") as shared:
            assert await granted(RateLimit(2, shared=shared), "a", 5) == 2
