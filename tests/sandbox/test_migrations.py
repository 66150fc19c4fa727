"""Migration of a database of the first released version."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.support import connect

FIRST = """
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_hash TEXT NOT NULL UNIQUE,
    balance INTEGER NOT NULL CHECK (balance >= 0)
);
CREATE TABLE numbers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number TEXT NOT NULL,
    scope INTEGER NOT NULL,
    account INTEGER NOT NULL REFERENCES accounts,
    country TEXT NOT NULL,
    type TEXT NOT NULL,
    friendly_name TEXT,
    voice_url TEXT,
    sms_url TEXT,
    monthly_rate INTEGER NOT NULL,
    date_created TEXT NOT NULL,
    UNIQUE (number, scope)
);
CREATE INDEX numbers_by_account ON numbers (account, id);
CREATE INDEX numbers_by_type ON numbers (account, type, id);
CREATE TABLE owned (
    account INTEGER NOT NULL REFERENCES accounts,
    type TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (account, type)
) WITHOUT ROWID;
CREATE TABLE purchases (
    country TEXT NOT NULL,
    type TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (country, type)
) WITHOUT ROWID;
CREATE TABLE attempts (
    account INTEGER NOT NULL REFERENCES accounts,
    number TEXT NOT NULL,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
PRAGMA application_id = 1413827653;
PRAGMA user_version = 1;
INSERT INTO accounts VALUES (1, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 99885);
INSERT INTO numbers VALUES (
    1, '+14155550100', 0, 1, 'US', 'local', 'Desk', NULL, NULL, 115, '2026-01-02T03:04:05Z'
);
INSERT INTO owned VALUES (1, 'local', 1);
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "sandbox.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST)
    return path


def schema(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the columns of every table and index."""
    with closing(sqlite3.connect(database)) as connection:
        things = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
        return {name: connection.execute(f"PRAGMA {kind}_info({name})").fetchall() for kind, name in things}


async def test_a_migrated_database_keeps_its_data_and_serves_new_features(database: Path) -> None:
    async with connect(create_sandbox(database, embedded=True)) as client:
        owned = (await client.get("/owned")).json()
        assert [(number["phone_number"], number["friendly_name"]) for number in owned["numbers"]] == [
            ("+14155550100", "Desk")
        ]
        before = datetime.now(UTC).replace(microsecond=0)
        ordered = await client.post("/port-orders", json={"phone_numbers": ["+14155550101"]})
        assert ordered.status_code == 201
        created = datetime.fromisoformat(ordered.json()["date_created"])
        assert before <= created <= datetime.now(UTC)


def test_a_migrated_database_has_the_schema_of_a_new_one(database: Path, tmp_path: Path) -> None:
    create_sandbox(tmp_path / "new.sqlite3")
    create_sandbox(database)
    assert schema(database) == schema(tmp_path / "new.sqlite3")


def test_concurrent_migrations_run_once(database: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(create_sandbox, [database] * 4))) == 4
    create_sandbox(tmp_path / "new.sqlite3")
    assert schema(database) == schema(tmp_path / "new.sqlite3")
