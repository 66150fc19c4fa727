"""A ledger that is deleted, replaced, emptied or damaged begins no budget anew, and is said by name."""

import os
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client

from telefonie_mcp.app import App
from telefonie_mcp.ledger.database import writing
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.files import FileMark
from telefonie_mcp.ledger.inspection import inspect_ledger
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.reading import read_settings
from tests.ledger.support import NO_LIMITS, bought, buying
from tests.support.commands import command
from tests.support.postgres import GROUP, new_schema
from tests.support.wire import answer_of, initialize, request, running

NUMBERS = ["+14155550123", "+14155550124"]
REMEDY = "put it back, or restart the server to go on with what is there"


def variables(home: Path) -> dict[str, str]:
    return {
        "TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3"),
        "TELEFONIE_LEDGER": str(home / "ledger.sqlite3"),
        "TELEFONIE_MAX_PURCHASES_PER_DAY": "1",
    }


def delete(file: Path) -> str:
    for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        each.unlink(missing_ok=True)
    return "deleted"


def delete_the_file_alone(file: Path) -> str:
    file.unlink()
    return "deleted"


def replace(file: Path) -> str:
    other = file.with_name("other.sqlite3")
    Ledger.open(str(other)).close()
    delete(file)
    other.replace(file)
    return "replaced"


def empty(file: Path) -> str:
    os.truncate(file, 0)
    return "emptied"


def delete_and_touch(file: Path) -> str:
    delete(file)
    file.touch()
    return "replaced"


def delete_its_directory(file: Path) -> str:
    shutil.rmtree(file.parent)
    return "deleted"


HARM = [delete, delete_the_file_alone, replace, empty, delete_and_touch]
every_harm = pytest.mark.parametrize("harm", HARM)


@asynccontextmanager
async def connected_server(home: Path) -> AsyncGenerator[Client]:
    async with Client(create_server(read_settings(variables(home)))) as client:
        yield client


async def buy(client: Client, number: str, *, confirm: bool = True) -> dict[str, Any]:
    return answer_of(await client.call_tool("purchase_number", {"phone_number": number, "confirm": confirm}))


@every_harm
async def test_a_server_writes_nothing_more_once_its_ledger_is_gone(
    harm: Callable[[Path], str], tmp_path: Path
) -> None:
    file = tmp_path / "ledger.sqlite3"
    async with connected_server(tmp_path) as client:
        assert (await buy(client, NUMBERS[0]))["phone_number"] == NUMBERS[0]
        kept = tmp_path / "kept.sqlite3"
        os.link(file, kept)
        what = await to_thread.run_sync(harm, file)
        for confirm in (True, False):
            refusal = await buy(client, NUMBERS[1], confirm=confirm)
            assert refusal["code"] == "ledger_unavailable"
            sentence = f"Nothing was done: the ledger's file was {what} while this server runs; {REMEDY}."
            assert refusal["message"].startswith(sentence)
        assert str(tmp_path) not in str(refusal)
        owned = answer_of(await client.call_tool("list_owned_numbers", {}))
        assert owned["total"] == 1
        if what != "emptied":
            kept.replace(file)
            assert (await buy(client, NUMBERS[1]))["code"] == "limit_reached"


@every_harm
async def test_a_server_that_has_not_yet_written_notices_too(
    harm: Callable[[Path], str], tmp_path: Path
) -> None:
    async with connected_server(tmp_path) as client:
        await buy(client, NUMBERS[0])
    async with running(home=tmp_path, variables=variables(tmp_path)) as server:
        await server.ask(initialize("2025-11-25"))
        harm(tmp_path / "ledger.sqlite3")
        bought_again = {"phone_number": NUMBERS[1], "confirm": True}
        call = request(2, "tools/call", name="purchase_number", arguments=bought_again)
        answer = await server.ask(call)
        assert "ledger_unavailable" in answer["result"]["content"][0]["text"]
        await server.hang_up()
        assert await server.end() == 0


async def test_a_ledger_whose_place_is_gone(tmp_path: Path) -> None:
    ledger = Ledger.open(str(tmp_path / "state/ledger.sqlite3"))
    entry = bought(ledger)
    delete_its_directory(tmp_path / "state/ledger.sqlite3")
    for action in (
        lambda: ledger.begin(buying(NUMBERS[1]), NO_LIMITS),
        lambda: ledger.finish(entry, "done"),
        ledger.recent,
    ):
        with pytest.raises(LedgerError, match=r"^the ledger's file was deleted while"):
            action()
    ledger.close()


def test_what_was_written_while_the_file_went_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    ledger = Ledger.open(str(file))
    with pytest.raises(LedgerError, match=r"was deleted"), writing(ledger.engine, mark=ledger.mark):
        delete(file)
    ledger.close()


@GROUP
async def test_tables_that_are_made_anew_are_another_ledger(postgresql: str) -> None:
    url = new_schema(postgresql)
    ledger = Ledger.open(url)
    bought(ledger)
    with writing(ledger.engine) as connection:
        for table in ("entries", "accounts", "version", "identity"):
            connection.exec_driver_sql(f"DROP TABLE ledger_{table}")
    Ledger.open(url).close()
    with pytest.raises(LedgerError, match=rf"^the ledger was replaced by another one .*{REMEDY[13:]}$"):
        ledger.begin(buying(), NO_LIMITS)
    ledger.close()


def test_another_ledger_in_the_same_file_is_noticed(tmp_path: Path) -> None:
    file, other = tmp_path / "ledger.sqlite3", tmp_path / "other.sqlite3"
    Ledger.open(str(other)).close()
    ledger = Ledger.open(str(file))
    with closing(sqlite3.connect(other)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
    with pytest.raises(LedgerError, match=r"^the ledger was replaced by another one"):
        ledger.begin(buying(), NO_LIMITS)
    ledger.close()


def test_a_ledger_that_is_set_back_under_a_server_gives_no_budget_back(tmp_path: Path) -> None:
    file, kept = tmp_path / "ledger.sqlite3", tmp_path / "kept.sqlite3"
    ledger = Ledger.open(str(file))
    ledger.begin(buying(), NO_LIMITS)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(kept)) as target:
        source.backup(target)
    ledger.begin(buying("+14155550101"), NO_LIMITS)
    with closing(sqlite3.connect(kept)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
    with pytest.raises(LedgerError, match=r"^the ledger was set back to an earlier state"):
        ledger.begin(buying("+14155550102"), NO_LIMITS)
    ledger.close()
    reopened = Ledger.open(str(file))
    assert reopened.begin(buying("+14155550102"), NO_LIMITS) == 2
    reopened.close()


@pytest.mark.parametrize("harm", [delete_the_file_alone, empty])
def test_what_sqlite_left_beside_a_ledger_tells_that_there_was_one(
    harm: Callable[[Path], str], tmp_path: Path
) -> None:
    file = tmp_path / "ledger.sqlite3"
    running_server = Ledger.open(str(file))
    bought(running_server)
    harm(file)
    sentence = r"the ledger's file was deleted or emptied: its write-ahead log \(-wal\) is still there"
    for look in (Ledger.open, inspect_ledger):
        with pytest.raises(LedgerError, match=sentence):
            look(str(file))
    _, _, errors = command(tmp_path, "call", "list_owned_numbers", **variables(tmp_path))
    assert "its write-ahead log (-wal) is still there" in errors
    running_server.close()


async def test_an_empty_file_is_said_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    file.touch(mode=0o600)
    sentence = f"{file} is empty. If it was a ledger, restore it: the next write begins a new one"
    async with running(home=tmp_path, variables=variables(tmp_path)) as server:
        await server.ask(initialize("2025-11-25"))
        await server.hang_up()
        await server.end()
        assert server.log.count(sentence) == 1


@pytest.mark.parametrize("arguments", [["log"], ["call", "list_owned_numbers"], ["doctor"]])
def test_an_empty_file_is_said_by_every_command_that_looks(arguments: list[str], tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    file.touch(mode=0o600)
    _, output, errors = command(tmp_path, *arguments, **variables(tmp_path))
    assert f"{file} is empty" in output + errors
    assert "Traceback" not in errors
    assert file.stat().st_size == 0


def test_a_file_is_told_from_another_one(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert FileMark.of(file) is None
    file.touch()
    assert FileMark.found(str(file)) is None
    file.write_text("content")
    mark = FileMark.found(str(file))
    assert mark
    assert mark == FileMark.of(file)
    mark.check()
    assert FileMark.found(":memory:") is None
    assert FileMark.found("~nobody-of-that-name/x") is None


DAMAGE = {
    "arguments": ("no JSON", "{", "[]", "5", "[" * 100_000, b"\xff{}"),
    "previous": ("{", "null", "1"),
    "state": ("done?", "", b"done"),
    "effect": ("acquired",),
    "created": (10**18, -(10**18), "yesterday", 0, 253_402_300_800_000, 1.5e300),
    "updated": (10**18, "x"),
    "rate": (-1, "much"),
    "subject": (b"+1",),
    "reason": (b"\xff",),
}
"""What can stand in a column of a row that is damaged."""


@pytest.mark.parametrize(
    ("column", "value"), [(column, value) for column, values in DAMAGE.items() for value in values]
)
def test_a_damaged_entry_is_named(column: str, value: Any, tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    ledger = Ledger.open(str(file))
    entries = [bought(ledger, number) for number in NUMBERS]
    ledger.close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE ledger_entries SET {column} = ? WHERE id = ?", (value, entries[0]))
    status, output, errors = command(tmp_path, "log", **variables(tmp_path))
    sentence = f"entry {entries[0]} of the ledger is damaged: its {column} cannot be read"
    assert (status, output) == (2, "")
    assert errors == f"telefonie-mcp: {sentence} ({file})\n"
    status, output, errors = command(tmp_path, "doctor", **variables(tmp_path))
    assert sentence in output
    assert str(file) in output
    assert (status, errors) == (1, "")


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", "don"), ("effect", ""), ("created", "x"), ("created", 0), ("rate", -11500), ("held", 2)],
)
async def test_no_budget_is_told_from_a_damaged_entry(column: str, value: Any, tmp_path: Path) -> None:
    async with connected_server(tmp_path) as client:
        await buy(client, NUMBERS[0])
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection, connection:
        connection.execute(f"UPDATE ledger_entries SET {column} = ?", (value,))
    async with connected_server(tmp_path) as client:
        refusal = await buy(client, NUMBERS[1])
        assert refusal["code"] == "ledger_unavailable"
        assert refusal["message"].startswith("Nothing was done: entry 1 of the ledger is damaged")


async def test_an_entry_that_is_damaged_under_a_server_is_named(tmp_path: Path) -> None:
    async with connected_server(tmp_path) as client:
        await buy(client, NUMBERS[0])
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection, connection:
            connection.execute("UPDATE ledger_entries SET created = 'soon'")
        refusal = await buy(client, NUMBERS[1])
        assert refusal["code"] == "ledger_unavailable"
        assert "entry 1 of the ledger is damaged: its created cannot be read" in refusal["message"]


def test_an_app_looks_at_its_ledger_once(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    Ledger.open(str(file)).close()
    app = App.from_settings(read_settings(variables(tmp_path)))
    found = app.ledger_file
    assert found == FileMark.of(file)
    replace(file)
    assert app.ledger_file == found
