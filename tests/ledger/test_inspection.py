"""Looking at a ledger changes nothing."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.files import file_of
from telefonie_mcp.ledger.inspection import Inspection, inspect_ledger
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import NO_LIMITS, bought, buying
from tests.support.postgres import GROUP, new_schema


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_writes_without_an_outcome_are_found(ledger: Ledger, url: str) -> None:
    bought(ledger)
    ledger.begin(buying("+14155550101"), NO_LIMITS)
    lost = ledger.begin(buying("+14155550102"), NO_LIMITS)
    ledger.finish(lost, "unknown")
    found = inspect_ledger(url).unfinished
    assert {entry.subject for entry in found} == {"+14155550101", "+14155550102"}
    assert {entry.subject: entry.state for entry in found}["+14155550102"] == "unknown"


def test_a_ledger_that_nobody_has_open_gets_no_file_beside_it(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.sqlite3")
    ledger = Ledger.open(url)
    bought(ledger)
    ledger.close()
    before = contents(tmp_path)
    assert [*before] == ["ledger.sqlite3"]
    assert inspect_ledger(url) == Inspection("current")
    assert contents(tmp_path) == before


def test_what_stands_only_in_the_log_of_a_running_server_is_seen(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.sqlite3")
    ledger = Ledger.open(url)
    ledger.begin(buying(), NO_LIMITS)
    before = contents(tmp_path)
    assert "ledger.sqlite3-wal" in before
    assert len(inspect_ledger(url).unfinished) == 1
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert after["ledger.sqlite3"] == before["ledger.sqlite3"]
    assert after["ledger.sqlite3-wal"] == before["ledger.sqlite3-wal"]
    ledger.close()


def test_no_ledger_is_made(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("missing", "missing/missing"):
        assert inspect_ledger(str(tmp_path / name)) == Inspection("missing")
    assert inspect_ledger(str(tmp_path / "empty")) == Inspection("empty")
    assert inspect_ledger(":memory:") == Inspection("missing")
    assert contents(tmp_path) == {"empty": b""}


def test_another_database_is_no_ledger_yet(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE other (x)")
    assert inspect_ledger(str(tmp_path / "other")) == Inspection("missing")


@GROUP
def test_no_ledger_is_made_on_a_server(postgresql: str) -> None:
    url = new_schema(postgresql)
    assert inspect_ledger(url) == Inspection("missing")
    ledger = Ledger.open(url)
    assert inspect_ledger(url) == Inspection("current")
    ledger.close()


def test_a_newer_ledger_is_refused(ledger: Ledger, url: str) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_version SET version = 99"))
    with pytest.raises(LedgerError, match=r"has version 99.*Upgrade telefonie-mcp"):
        inspect_ledger(url)


@pytest.mark.parametrize("damage", ["header", "page"])
def test_damage_is_found(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    ledger = Ledger.open(str(path))
    for number in range(200):
        bought(ledger, f"+1415555{number:04}")
    ledger.close()
    content = bytearray(path.read_bytes())
    start = 0 if damage == "header" else len(content) // 2
    content[start : start + 4096] = os.urandom(4096) if damage == "header" else b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"is damaged: |cannot be read: file is not a database"):
        inspect_ledger(str(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("/a/ledger.sqlite3", Path("/a/ledger.sqlite3")),
        ("sqlite:////a/ledger.sqlite3", Path("/a/ledger.sqlite3")),
        ("sqlite://", None),
        (":memory:", None),
        ("postgresql+psycopg://host/db", None),
        ("mysql://", None),
        ("://", None),
    ],
)
def test_the_file_of_a_ledger(url: str, file: Path | None) -> None:
    assert file_of(url) == file
