"""What became of writes without an outcome is found out before the next write."""

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.ledger.records import Intent, Limits
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from tests.faults.test_table import WRITES
from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, Provider, faulty
from tests.support.wire import answer_of

BUY = WRITES["purchase_number"][1]


def client(provider: Provider, ledger: Path, seconds: float = 1) -> Client:
    settings = Settings(
        api_key=SecretStr("key-of-a-test"),
        base_url=provider.url,
        ledger=SecretStr(str(ledger)),
        max_calls_per_minute=1_000_000,
        timeout=seconds,
    )
    return Client(create_server(settings))


def entries(ledger: Path) -> list[tuple[str, str, int | None]]:
    with closing(sqlite3.connect(ledger)) as opened:
        return opened.execute("SELECT tool, state, rate FROM ledger_entries ORDER BY id").fetchall()


async def test_an_unknown_outcome_blocks_the_number_until_it_is_known(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    async with faulty(POST=[f.hang, Exchange.honest]) as provider, client(provider, ledger) as caller:
        with anyio.fail_after(20):
            assert answer_of(await caller.call_tool("purchase_number", BUY))["code"] == "outcome_unknown"
            assert entries(ledger) == [("purchase_number", "unknown", None)]
            provider.faults["GET"] = [f.close]
            assert answer_of(await caller.call_tool("purchase_number", BUY))["code"] == "upstream_unavailable"
            assert entries(ledger) == [("purchase_number", "unknown", None)]
            provider.faults.clear()
            answer = answer_of(await caller.call_tool("purchase_number", BUY))
            while answer.get("code") == "in_progress":
                answer = answer_of(await caller.call_tool("purchase_number", BUY))
            assert answer["phone_number"] == NUMBER
            assert [state for _, state, _ in entries(ledger)] == ["not_done", "done"]


async def test_a_purchase_that_is_found_brings_its_rate(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    async with faulty(POST=[f.hang, Exchange.honest]) as provider, client(provider, ledger) as caller:
        with anyio.fail_after(20):
            assert answer_of(await caller.call_tool("purchase_number", BUY))["code"] == "outcome_unknown"
            provider.own()
            assert answer_of(await caller.call_tool("purchase_number", BUY))["code"] == "conflict"
            assert entries(ledger) == [("purchase_number", "done", 11500)]


async def test_what_nobody_can_look_up_is_closed_as_unverified(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    async with faulty() as provider, client(provider, ledger) as caller:
        with anyio.fail_after(20):
            await caller.call_tool("purchase_number", BUY)
            account = await anyio.to_thread.run_sync(_abandon, ledger)
            assert account.startswith(f"live 127.0.0.1:{provider.port} ")
            await caller.call_tool("release_number", WRITES["release_number"][1])
            assert [state for _, state, _ in entries(ledger)] == ["done", "unverified", "done"]


def _abandon(ledger: Path) -> str:
    """Leave an intent of a tool that no longer exists, as a process does that was killed."""
    opened = Ledger.open(str(ledger))
    account = opened.recent()[0].account
    intent = Intent(account, "gone_tool", "gone", "change", "thing", {}, "test", lease=-1)
    opened.begin(intent, Limits())
    opened.close()
    return account


async def test_an_outcome_that_cannot_be_recorded_is_told_and_not_lost(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"

    async def lose_the_ledger(exchange: Exchange) -> None:
        with closing(sqlite3.connect(ledger)) as opened:
            opened.execute("ALTER TABLE ledger_entries RENAME TO lost")
        await exchange.honest()

    async with faulty(POST=[lose_the_ledger]) as provider, client(provider, ledger) as caller:
        with anyio.fail_after(20):
            result = await caller.call_tool("purchase_number", BUY)
            assert answer_of(result)["phone_number"] == NUMBER
            assert result.meta is not None
            assert result.meta["telefonie-mcp/recorded"] is False
            assert "could not be recorded in the ledger" in answer_of(result)["note"]
            refused = answer_of(await caller.call_tool("release_number", WRITES["release_number"][1]))
            assert refused["code"] == "ledger_unavailable"
            assert NUMBER in provider.owned
            with closing(sqlite3.connect(ledger)) as opened:
                opened.execute("ALTER TABLE lost RENAME TO ledger_entries")
            answer = answer_of(await caller.call_tool("release_number", WRITES["release_number"][1]))
            while answer.get("code") == "in_progress":
                answer = answer_of(await caller.call_tool("release_number", WRITES["release_number"][1]))
            assert answer["message"] == "Number released"
            assert [state for _, state, _ in entries(ledger)] == ["done", "done"]
