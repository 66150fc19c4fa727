"""The ledger's PostgreSQL hangs, breaks or is away: reads go on, and a write is refused in time."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import psycopg
import pytest
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.ledger.replicas import Replicas
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.server.handlers import mcp_server
from tests.support.between import Between, between
from tests.support.faulty import NUMBER, Exchange, Fault, Provider, faulty
from tests.support.postgres import GROUP, new_schema
from tests.support.served import called, live_app
from tests.support.wire import SECONDS, answer_of

pytestmark = GROUP
CALL_SECONDS = 3
PATIENCE = 10 * CALL_SECONDS
"""What a busy machine may make of the time of a call."""


@asynccontextmanager
async def replica(provider: Provider, url: str, seconds: float) -> AsyncGenerator[Client]:
    """Connect a client to a replica, which has bought and released a number: everything is open."""
    with anyio.fail_after(SECONDS):
        async with (
            live_app(provider, seconds, ledger=SecretStr(url)) as app,
            Replicas.connected(url) as replicas,
            Client(mcp_server(replace(app, replicas=replicas))) as client,
        ):
            await replicas.notifications.listening.wait()
            await called(client, "purchase_number")
            await called(client, "release_number")
            yield client


@asynccontextmanager
async def interrupted(
    postgresql: str, seconds: float = CALL_SECONDS
) -> AsyncGenerator[tuple[Provider, Between, Client]]:
    url = new_schema(postgresql)
    Ledger.open(url).close()
    async with faulty() as provider, between(url) as way, replica(provider, way.url, seconds) as client:
        yield provider, way, client


async def reads(client: Client) -> None:
    assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 0


def break_off(way: Between) -> None:
    way.go_away()


def honest_after(happens: Callable[[], None]) -> Fault:
    """Return an honest answer, before which something happens."""

    async def fault(exchange: Exchange) -> None:
        happens()
        await exchange.honest()

    return fault


def hang(way: Between) -> None:
    way.hang()


@pytest.mark.parametrize("fails", [break_off, hang])
async def test_reads_go_on_and_a_write_is_refused_in_time_until_the_database_is_back(
    fails: Any, postgresql: str
) -> None:
    async with interrupted(postgresql) as (provider, way, client):
        fails(way)
        with anyio.fail_after(PATIENCE):
            await reads(client)
            refused = await called(client, "purchase_number")
            await reads(client)
        assert refused["code"] == "ledger_unavailable"
        assert refused["message"].startswith("Nothing was done: the ledger cannot be ")
        assert "reads work" in refused["message"]
        assert "127.0.0.1" not in str(refused)
        assert provider.count("POST") == 1
        way.go_on()
        assert (await called(client, "purchase_number"))["phone_number"] == NUMBER


async def test_a_restart_of_the_database_is_not_noticed_by_the_next_write(postgresql: str) -> None:
    async with interrupted(postgresql, 60) as (_, way, client):
        way.restart()
        assert (await called(client, "purchase_number"))["phone_number"] == NUMBER


async def test_a_purchase_whose_outcome_cannot_be_recorded_is_told_and_is_not_made_again(
    postgresql: str,
) -> None:
    async with interrupted(postgresql) as (provider, way, client):
        provider.faults["POST"] = [honest_after(way.go_away)]
        bought = await called(client, "purchase_number")
        assert bought["phone_number"] == NUMBER
        assert "could not be recorded" in bought["note"]
        provider.faults.clear()
        way.go_on()
        assert (await called(client, "purchase_number"))["code"] == "conflict"
        assert provider.count("POST") == 2


@pytest.mark.whole
async def test_an_intention_that_comes_late_is_not_recorded_and_keeps_nobody_waiting(postgresql: str) -> None:
    """The database hangs when it is to record what will be sent: then nothing is sent."""

    async with interrupted(postgresql) as (provider, way, client):
        provider.faults["GET"] = [honest_after(way.hang)]
        refused = await called(client, "purchase_number")
        assert refused["code"] == "ledger_unavailable"
        provider.faults.clear()
        way.go_on()
        assert (await called(client, "purchase_number"))["phone_number"] == NUMBER
        assert provider.count("POST") == 2


@pytest.mark.whole
async def test_a_database_that_answers_too_late_refuses_writes_and_keeps_no_read(postgresql: str) -> None:
    async with interrupted(postgresql) as (provider, way, client):
        way.delay = 2 * CALL_SECONDS
        with anyio.fail_after(PATIENCE):
            await reads(client)
            assert (await called(client, "purchase_number"))["code"] == "ledger_unavailable"
            await reads(client)
        assert provider.count("POST") == 1
        way.delay = 0
        while (answer := await called(client, "purchase_number")).get("code"):
            assert answer["code"] in {"ledger_unavailable", "in_progress"}
        assert answer["phone_number"] == NUMBER
        assert provider.count("POST") == 2


@pytest.mark.whole
async def test_a_lock_that_somebody_holds_delays_no_read_and_no_longer_than_a_call(postgresql: str) -> None:
    async with interrupted(postgresql) as (provider, way, client):
        with psycopg.connect(way.direct.replace("+psycopg", "")) as other:
            other.execute("LOCK TABLE ledger_entries, ledger_rate_limits IN ACCESS EXCLUSIVE MODE")
            with anyio.fail_after(PATIENCE):
                await reads(client)
                refused = await called(client, "purchase_number")
                assert refused["code"] == "ledger_unavailable"
        assert provider.count("POST") == 1
        assert (await called(client, "purchase_number"))["phone_number"] == NUMBER
