"""What became of writes without an outcome is found out before the next write."""

from pathlib import Path

import anyio

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.records import Intent
from telefonie_mcp.ledger.store import Ledger
from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, faulty
from tests.support.ledger_file import LedgerFile
from tests.support.served import WRITES, called, served
from tests.support.wire import answer_of

BUY = WRITES["purchase_number"][1]
SECONDS, LONG = 3, 60
"""How long a call may take: where an answer never comes, and where it is not to depend on the machine."""


async def test_an_unknown_outcome_blocks_the_number_until_it_is_known(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(POST=[f.hang, Exchange.honest]) as provider:
        async with served(provider, SECONDS, ledger=ledger.url) as client:
            assert (await called(client, "purchase_number"))["code"] == "outcome_unknown"
            assert ledger.states() == ["unknown"]
        async with served(provider, LONG, ledger=ledger.url) as client:
            provider.faults["GET"] = [f.close]
            assert (await called(client, "purchase_number"))["code"] == "upstream_unavailable"
            assert ledger.states() == ["unknown"]
            provider.faults.clear()
            assert (await called(client, "purchase_number"))["code"] == "in_progress"
            assert ledger.states() == ["unknown"]
            ledger.grow_older()
            assert (await called(client, "purchase_number"))["phone_number"] == NUMBER
            assert ledger.states() == ["not_done", "done"]


async def test_a_purchase_that_is_found_brings_its_rate(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with (
        faulty(POST=[f.hang, Exchange.honest]) as provider,
        served(provider, SECONDS, ledger=ledger.url) as client,
    ):
        assert (await called(client, "purchase_number"))["code"] == "outcome_unknown"
        provider.own()
        assert (await called(client, "purchase_number"))["code"] == "conflict"
        assert ledger.rows("tool, state, rate") == [("purchase_number", "done", 11500)]


async def test_what_nobody_can_look_up_is_closed_as_unverified(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty() as provider, served(provider, LONG, ledger=ledger.url) as client:
        await called(client, "purchase_number")
        account = await anyio.to_thread.run_sync(_abandon, ledger)
        assert account == f"default 127.0.0.1:{provider.port}"
        await called(client, "release_number")
        assert ledger.states() == ["done", "unverified", "done"]


def _abandon(ledger: LedgerFile) -> str:
    """Leave an intent of a tool that no longer exists, as a process does that was killed."""
    opened = Ledger.open(str(ledger.file))
    latest = opened.recent()[0]
    intent = Intent(
        latest.account, "gone_tool", "gone", "change", "thing", {}, "test", lease=-1, key=latest.key
    )
    opened.begin(intent, Limits())
    opened.close()
    return latest.account


async def test_an_outcome_that_cannot_be_recorded_is_told_and_not_lost(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite3")

    async def lose_the_ledger(exchange: Exchange) -> None:
        ledger.rename_table("ledger_entries", "lost")
        await exchange.honest()

    async with (
        faulty(POST=[lose_the_ledger]) as provider,
        served(provider, LONG, ledger=ledger.url) as client,
    ):
        result = await client.call_tool("purchase_number", BUY)
        assert answer_of(result)["phone_number"] == NUMBER
        assert result.meta is not None
        assert result.meta["telefonie-mcp/recorded"] is False
        assert "could not be recorded in the ledger" in answer_of(result)["note"]
        refused = await called(client, "release_number")
        assert refused["code"] == "ledger_unavailable"
        assert NUMBER in provider.owned
        ledger.rename_table("lost", "ledger_entries")
        ledger.grow_older()
        answer = await called(client, "release_number")
        assert answer["message"] == "Number released"
        assert ledger.states() == ["done", "done"]
