import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from telefonie_mcp.sandbox import SandboxError, create_sandbox, reset
from telefonie_mcp.sandbox.database import open_database
from telefonie_mcp.sandbox.store import Order, OwnedNumber, Store

ORDER = Order(number="+14155550100", country="US", type="local", monthly_rate=Decimal("1.15"))
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "private" / "sandbox.db"


def test_the_file_is_private_to_the_user(database: Path) -> None:
    store = Store(database)
    store.account("key", Decimal(1))
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in database.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "sandbox.db-wal" in modes


def test_what_was_bought_is_there_after_a_restart(database: Path) -> None:
    first = Store(database)
    bought = first.purchase(first.account("key", Decimal(10)), ORDER, NOW)
    first.close()
    second = Store(database)
    assert second.get(second.account("key", Decimal(10)), ORDER.number) == bought


def test_a_key_is_stored_only_as_its_hash(database: Path) -> None:
    store = Store(database)
    store.account("very-secret-key", Decimal(10))
    store.close()
    assert b"very-secret-key" not in b"".join(path.read_bytes() for path in database.parent.iterdir())


def test_reset_empties_a_sandbox_that_is_in_use(database: Path) -> None:
    store = Store(database)
    account = store.account("key", Decimal(2))
    assert isinstance(store.purchase(account, ORDER, NOW), OwnedNumber)
    reset(database)
    assert store.taken(account, [ORDER.number]) == set()
    assert store.purchases("US", "local") == 0
    new = store.account("key", Decimal(2))
    assert new != account
    assert store.owned(new, None, limit=10, offset=0) == ([], 0)
    assert isinstance(store.purchase(new, ORDER, NOW), OwnedNumber)


def test_reset_creates_no_file(database: Path) -> None:
    reset(database)
    assert not database.exists()


def test_a_sandbox_in_memory_cannot_be_reset() -> None:
    with pytest.raises(SandboxError, match="create a new one"):
        reset(":memory:")


def test_a_newer_database_is_left_alone(database: Path) -> None:
    with closing(open_database(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for use in (Store, reset, create_sandbox):
        with pytest.raises(
            SandboxError, match=r"sandbox\.db was written by a newer version.*schema 99.*Update"
        ):
            use(database)


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "other.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE accounts (id)")
    before = database.read_bytes()
    for use in (Store, reset):
        with pytest.raises(SandboxError, match=r"other\.db is the database of another program"):
            use(database)
    assert database.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "notes.txt"
    database.write_text("shopping list\n" * 100)
    with pytest.raises(SandboxError, match=r"notes\.txt as its database \(.*\)\. Make it"):
        Store(database)
    assert database.read_text() == "shopping list\n" * 100


def test_a_path_that_cannot_be_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for impossible in (tmp_path, tmp_path / "file" / "sandbox.db"):
        with pytest.raises(SandboxError, match=impossible.name):
            create_sandbox(impossible)
