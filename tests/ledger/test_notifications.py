"""News between replicas: all of them, to the right account, also around an outage of the database."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager

import anyio
import psycopg
import pytest

from telefonie_mcp.ledger.notifications import Notifications
from telefonie_mcp.ledger.replicas import Replicas
from telefonie_mcp.ledger.statements import Statements
from telefonie_mcp.ledger.store import Ledger
from tests.support.between import between
from tests.support.postgres import GROUP, new_schema

pytestmark = GROUP
SECONDS = 300


@pytest.fixture
def url(postgresql: str) -> str:
    new = new_schema(postgresql)
    Ledger.open(new).close()
    return new


class Heard:
    """What one replica was told about an account."""

    def __init__(self, replica: Replicas, account: str) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[set[str] | None](1000)
        self.end = replica.notifications.listen(account, self._hear)

    async def _hear(self, uris: Collection[str] | None) -> None:
        await self._send.send(None if uris is None else {*uris})

    async def next(self) -> set[str] | None:
        with anyio.fail_after(SECONDS):
            return await self._receive.receive()

    @property
    def nothing(self) -> bool:
        return not self._receive.statistics().current_buffer_used

    def close(self) -> None:
        self._send.close()
        self._receive.close()


@asynccontextmanager
async def replicas(url: str) -> AsyncGenerator[tuple[Replicas, Replicas]]:
    with anyio.fail_after(SECONDS):
        async with Replicas.connected(url) as one, Replicas.connected(url) as other:
            await one.notifications.listening.wait()
            await other.notifications.listening.wait()
            yield one, other


@asynccontextmanager
async def hearing(url: str, *accounts: str) -> AsyncGenerator[tuple[Replicas, list[Heard], Replicas]]:
    async with replicas(url) as (one, other):
        heard = [Heard(other, account) for account in accounts]
        try:
            yield one, heard, other
        finally:
            for each in heard:
                each.close()


async def test_news_reach_the_other_replica_about_the_same_account_only(url: str) -> None:
    async with hearing(url, "acme", "globex") as (one, (acme, globex), other):
        own = Heard(one, "acme")
        one.notifications.publish("globex", ["telefonie://numbers/+1"])
        one.notifications.publish("acme", ["telefonie://log", "telefonie://numbers"])
        assert await acme.next() == {"telefonie://log", "telefonie://numbers"}
        assert await globex.next() == {"telefonie://numbers/+1"}
        other.notifications.publish("acme", ["telefonie://log"])
        assert await own.next() == {"telefonie://log"}
        assert acme.nothing
        assert globex.nothing
        assert own.nothing
        own.close()


async def test_who_has_stopped_listening_hears_nothing(url: str) -> None:
    async with hearing(url, "acme", "acme") as (one, (first, second), _):
        first.end()
        first.end()
        one.notifications.publish("acme", ["telefonie://log"])
        assert await second.next() == {"telefonie://log"}
        assert first.nothing


async def test_another_ledger_in_the_same_database_hears_nothing(url: str, postgresql: str) -> None:
    elsewhere = new_schema(postgresql)
    Ledger.open(elsewhere).close()
    async with hearing(url, "acme") as (one, (here,), _), hearing(elsewhere, "acme") as (_, (there,), _):
        one.notifications.publish("acme", ["telefonie://log"])
        await here.next()
        assert there.nothing


async def test_news_of_any_size_are_sent_in_parts_or_as_anything(url: str) -> None:
    many = {f"telefonie://numbers/+1415555{number:04}" for number in range(700)}
    async with hearing(url, "acme") as (one, (heard,), _):
        one.notifications.publish("acme", many)
        told = set[str]()
        while told != many:
            part = await heard.next()
            assert part
            assert part <= many
            told |= part
        one.notifications.publish("acme", ["telefonie://log", "x" * 10_000])
        assert await heard.next() is None
        one.notifications.publish("acme", [f"telefonie://numbers/{number}" for number in range(5000)])
        assert await heard.next() is None


@pytest.mark.parametrize(
    "message", ["", "no JSON", "[]", "{}", '{"from": "x", "account": 5, "uris": []}', '{"from": "x"}']
)
async def test_what_is_no_news_is_ignored(message: str, url: str) -> None:
    async with hearing(url, "acme") as (one, (heard,), _):
        with psycopg.connect(url.replace("+psycopg", "")) as stranger:
            row = stranger.execute("SELECT 'telefonie_' || id FROM ledger_identity").fetchone()
            assert row
            stranger.execute("SELECT pg_notify(%s, %s)", [row[0], message])
        one.notifications.publish("acme", ["telefonie://log"])
        assert await heard.next() == {"telefonie://log"}


async def test_after_an_outage_anything_may_have_changed_and_news_go_on(url: str) -> None:
    async with hearing(url, "acme") as (one, (heard,), other):
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = current_user AND pid <> pg_backend_pid()"
            )
        assert await heard.next() is None
        await one.notifications.listening.wait()
        one.notifications.publish("acme", ["telefonie://log"])
        while await heard.next() != {"telefonie://log"}:
            pass
        assert other


@pytest.mark.whole  # psycopg waits for a cancellation that does not arrive either
async def test_a_connection_that_says_nothing_any_more_is_made_again(url: str) -> None:
    """Something between the database and this server keeps it open, and lets nothing through."""
    with anyio.fail_after(SECONDS):
        async with between(url) as way:
            statements = Statements(url)
            news = Notifications(way.url, statements, retry=0.05, idle=0.05, patience=0.05)
            heard, told = anyio.create_memory_object_stream[Collection[str] | None](1000)
            async with heard, told, news.running():
                news.listen("acme", heard.send)
                await news.listening.wait()
                way.hang()
                while news.listening.is_set():
                    await anyio.sleep(0.01)
                way.go_on()
                await news.listening.wait()
                assert await told.receive() is None


async def test_a_listener_that_fails_keeps_nobody_from_hearing(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: Collection[str] | None) -> None:
        raise RuntimeError

    async with hearing(url, "acme") as (one, (heard,), other):
        other.notifications.listen("acme", broken)
        for _ in range(2):
            one.notifications.publish("acme", ["telefonie://log"])
            assert await heard.next() == {"telefonie://log"}
    assert "could not be told" in caplog.text
