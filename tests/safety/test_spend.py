"""Several processes, one ledger, one budget: the budget holds."""

import json
import sqlite3
import sys
from pathlib import Path

import anyio
import httpx2 as httpx
import pytest
from anyio import to_thread

from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.support import serve
from tests.support.commands import command
from tests.support.postgres import GROUP, new_schema
from tests.support.wire import SECONDS, environment

KEY = "key-of-a-race"
AFFORDABLE = 10

BUYER = """
import os, sys, anyio, json
from telefonie_mcp.app import App
from telefonie_mcp.errors import ToolError
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.calls.approval import CommandLine

async def main():
    app = App.from_settings(read_settings(os.environ))
    first = int(sys.argv[1])
    bought = 0
    for number in range(first, first + int(sys.argv[2])):
        try:
            arguments = {"phone_number": f"+1415555{number:04}", "confirm": True}
            await app.pipeline.call("purchase_number", arguments, CommandLine())
            bought += 1
        except ToolError as error:
            assert error.code == "limit_reached", error.as_dict()
    await app.aclose()
    print(json.dumps(bought))

anyio.run(main)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[GROUP, pytest.mark.whole])])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite3")
    return new_schema(request.getfixturevalue("postgresql"))


@pytest.mark.parametrize(
    ("processes", "attempts"), [(2, 8), pytest.param(8, 50, marks=pytest.mark.whole)], ids=["few", "many"]
)
@pytest.mark.unmeasured
async def test_exactly_what_the_budget_allows_is_bought(
    processes: int, attempts: int, ledger: str, tmp_path: Path
) -> None:
    bought: list[int] = []

    async def buy(first: int, url: str) -> None:
        variables = environment(
            tmp_path,
            TELEFONIE_API_KEY=KEY,
            TELEFONIE_BASE_URL=url,
            TELEFONIE_LEDGER=ledger,
            TELEFONIE_MAX_MONTHLY_SPEND=str(AFFORDABLE * 1.15),
            TELEFONIE_MAX_CALLS_PER_MINUTE="100000",
            TELEFONIE_TIMEOUT="300",
        )
        command = [sys.executable, "-c", BUYER, str(first), str(attempts)]
        done = await anyio.run_process(command, env=variables)
        bought.append(json.loads(done.stdout))

    async with serve(create_sandbox(":memory:")) as url:
        async with anyio.create_task_group() as tasks:
            for index in range(processes):
                tasks.start_soon(buy, index * attempts, url)
        async with httpx.AsyncClient(headers={"X-API-Key": KEY}, timeout=SECONDS) as client:
            owned = (await client.get(f"{url}/owned")).json()["total"]
    assert sum(bought) == owned == AFFORDABLE
    opened = await to_thread.run_sync(Ledger.open, ledger)
    entries = await to_thread.run_sync(lambda: opened.recent(limit=1000))
    opened.close()
    assert [entry.state for entry in entries] == ["done"] * AFFORDABLE


def test_a_ledger_that_cannot_be_written_stops_writes_and_not_reads(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    with sqlite3.connect(ledger) as other:
        other.execute("CREATE TABLE ledger_version (version INTEGER NOT NULL)")
        other.execute("INSERT INTO ledger_version VALUES (99)")
    other.close()
    variables = {"TELEFONIE_LEDGER": str(ledger), "TELEFONIE_SANDBOX_DB": ":memory:"}
    buy = ("call", "purchase_number", "phone_number=+14155550123", "confirm=true")
    status, output, _ = command(tmp_path, *buy, **variables)
    refused = json.loads(output)
    assert (status, refused["code"]) == (1, "ledger_unavailable")
    assert refused["message"].startswith("Nothing was done: ")
    assert "reads work" in refused["message"]
    status, output, _ = command(tmp_path, "call", "list_owned_numbers", **variables)
    assert (status, json.loads(output)["total"]) == (0, 0)
