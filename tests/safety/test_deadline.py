"""``TELEFONIE_TIMEOUT`` bounds a call, whoever keeps the ledger locked."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import anyio
import psycopg
import pytest
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.deadline import RECOVERY
from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.records import Intent
from telefonie_mcp.ledger.store import Ledger
from tests.support.faulty import NUMBER, Exchange, faulty
from tests.support.ledger_file import LedgerFile
from tests.support.postgres import GROUP, new_schema
from tests.support.served import NEW_URL, called, live_app, served

SECONDS = 3
PATIENCE = 5 * SECONDS
"""What a busy machine may make of the time of a call; a ledger that waits for itself takes twenty seconds."""


@contextmanager
def bounded() -> Generator[None]:
    """Check that the block ends by itself; a call that waits in a thread cannot be cancelled."""
    with anyio.move_on_after(PATIENCE) as scope:
        yield
    assert not scope.cancel_called


Lock = Callable[[str], AbstractContextManager[None]]


@contextmanager
def file_locked(url: str) -> Generator[None]:
    with closing(LedgerFile(Path(url)).lock()):
        yield


def holding(statement: LiteralString) -> Lock:
    """Return what keeps a lock in PostgreSQL, as another server does that hangs in its transaction."""

    @contextmanager
    def locked(url: str) -> Generator[None]:
        with psycopg.connect(url.replace("+psycopg", "")) as other:
            other.execute(statement)
            yield
            other.rollback()

    return locked


LOCKS: dict[str, Lock] = {
    "file": file_locked,
    "rows": holding("SELECT FROM ledger_accounts FOR UPDATE; SELECT FROM ledger_entries FOR UPDATE"),
    "table": holding("LOCK TABLE ledger_entries IN ACCESS EXCLUSIVE MODE"),
}


@pytest.fixture(params=["file", pytest.param("rows", marks=GROUP), pytest.param("table", marks=GROUP)])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Lock]:
    """Where a ledger stands, with its tables, and what keeps it locked."""
    on_disk = request.param == "file"
    url = str(tmp_path / "ledger.sqlite3") if on_disk else new_schema(request.getfixturevalue("postgresql"))
    Ledger.open(url).close()
    return url, LOCKS[request.param]


async def assert_unavailable(client: Client) -> None:
    with bounded():
        refused = await called(client, "purchase_number")
    assert refused["code"] == "ledger_unavailable"
    assert refused["message"].startswith("Nothing was done: ")


async def test_a_locked_ledger_bounds_a_write_by_the_time_of_the_call(kept: tuple[str, Lock]) -> None:
    url, locked = kept
    async with faulty() as provider, served(provider, SECONDS, ledger=SecretStr(url)) as client:
        await called(client, "purchase_number")
        await called(client, "release_number")
        with locked(url):
            await assert_unavailable(client)
        assert provider.count("POST") == 1
        assert (await called(client, "purchase_number"))["phone_number"] == NUMBER


async def test_a_locked_ledger_bounds_the_first_write_of_a_server(kept: tuple[str, Lock]) -> None:
    """Which opens it."""
    url, locked = kept
    async with faulty() as provider:
        async with served(provider, SECONDS, ledger=SecretStr(url)) as client:
            await called(client, "purchase_number")
        provider.owned.clear()
        async with served(provider, SECONDS, ledger=SecretStr(url)) as client:
            with locked(url):
                await assert_unavailable(client)
            assert provider.count("POST") == 1
            assert (await called(client, "purchase_number"))["phone_number"] == NUMBER


async def test_an_outcome_that_waits_for_a_locked_ledger_is_told_in_the_time_of_the_call(
    kept: tuple[str, Lock],
) -> None:
    url, locked = kept
    locks: list[AbstractContextManager[None]] = []

    async def lock_the_ledger(exchange: Exchange) -> None:
        lock = locked(url)
        lock.__enter__()
        locks.append(lock)
        await exchange.honest()

    async with faulty() as provider, served(provider, SECONDS, ledger=SecretStr(url)) as client:
        await called(client, "purchase_number")
        provider.faults["DELETE"] = [lock_the_ledger]
        with bounded():
            answer = await called(client, "release_number")
        for lock in locks:
            lock.__exit__(None, None, None)
        assert answer["message"] == "Number released"
        assert "could not be recorded in the ledger" in answer["note"]
        assert provider.owned == {}


async def test_recovery_has_its_share_when_the_ledger_opens_late(tmp_path: Path) -> None:
    """The ledger is locked for longer than recovery may take, and then the open entry is looked up."""
    seconds = 9
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    done = anyio.Event()
    answers: list[dict[str, Any]] = []
    async with faulty() as provider, live_app(provider, seconds, ledger=ledger.url) as app:
        tool = app.catalog["purchase_number"]
        account = app.account(tool)

        def leave_an_intent() -> None:
            opened = Ledger.open(str(ledger.file))
            intent = Intent(
                *(account.name, tool.name, tool.operation.id, "acquire", NUMBER, {"phone_number": NUMBER}),
                caller="test",
                lease=-1,
                key=account.key,
            )
            opened.begin(intent, Limits())
            opened.close()

        async def update() -> None:
            arguments = {"phone_number": NUMBER, "voice_url": NEW_URL}
            answers.append((await app.pipeline.call("update_owned_number", arguments, CommandLine())).content)
            done.set()

        await anyio.to_thread.run_sync(leave_an_intent)
        provider.own()
        async with anyio.create_task_group() as tasks:
            with closing(ledger.lock()):
                tasks.start_soon(update)
                with anyio.move_on_after(1.1 * seconds * RECOVERY):
                    await done.wait()
                assert not done.is_set()
        assert [answer["voice_url"] for answer in answers] == [NEW_URL]
        assert ledger.states() == ["done", "done"]
