"""The database file of a sandbox: creation, migration and reset.

`_MIGRATIONS` holds the migration from each schema version to the next. A new database goes through all of
them, and released ones are never edited. An older version of the package leaves a newer database alone.

A file that cannot be used raises `SandboxError` with a sentence that names it and the remedy. A database of
another program, or of a newer version of this one, is never written to.
"""

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from telefonie_mcp.sqlite import write_ahead

MEMORY: Final = ":memory:"
BUSY_SECONDS: Final = 10.0
"""How long a transaction waits for another process before `sqlite3.OperationalError`."""

_APPLICATION_ID: Final = 0x54454C45  # "TELE": a database that is not ours is never written to
_VERSION_1: Final = """
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_hash TEXT NOT NULL UNIQUE,
    balance INTEGER NOT NULL CHECK (balance >= 0)
);
CREATE TABLE numbers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number TEXT NOT NULL,
    scope INTEGER NOT NULL,  -- 0 for all, or the account that has a private number of its own
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
"""
# Ports, and a clock that can be moved. Times are seconds since 1970 (UTC).
_VERSION_2: Final = """
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    ahead INTEGER NOT NULL  -- seconds
);
CREATE TABLE port_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES accounts,
    state TEXT NOT NULL,
    country TEXT NOT NULL,
    carrier TEXT NOT NULL,
    requested_date TEXT,
    foc_date TEXT,
    account_number TEXT,  -- not the secret but what the carrier will say to it: nothing, or a rejection code
    pin TEXT,  -- likewise
    authorized_name TEXT,
    postal_code TEXT,
    friendly_name TEXT,
    voice_url TEXT,
    sms_url TEXT,
    rejection TEXT,
    created INTEGER NOT NULL,
    due INTEGER  -- when time moves the order on
);
CREATE INDEX port_orders_by_account ON port_orders (account, id);
CREATE INDEX port_orders_due ON port_orders (due) WHERE due IS NOT NULL;
CREATE TABLE port_numbers (
    port_order INTEGER NOT NULL REFERENCES port_orders,
    number TEXT NOT NULL,
    type TEXT NOT NULL,
    open INTEGER NOT NULL,  -- 1 as long as the order is neither ported nor cancelled
    PRIMARY KEY (port_order, number)
);
CREATE UNIQUE INDEX port_numbers_open ON port_numbers (number) WHERE open;
CREATE INDEX port_numbers_by_number ON port_numbers (number);
CREATE TABLE port_documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    port_order INTEGER NOT NULL REFERENCES port_orders,
    type TEXT NOT NULL,
    file_name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,  -- bytes
    sha256 TEXT NOT NULL,
    uploaded INTEGER NOT NULL
);
CREATE INDEX port_documents_by_order ON port_documents (port_order, id);
CREATE TABLE port_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    port_order INTEGER NOT NULL REFERENCES port_orders,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    code TEXT
);
CREATE INDEX port_events_by_order ON port_events (port_order, id);
"""
# Inbound events. Times are seconds since 1970 (UTC).
_VERSION_3: Final = """
CREATE TABLE webhook_secrets (
    account INTEGER PRIMARY KEY REFERENCES accounts,
    secret TEXT NOT NULL
);
CREATE TABLE inbound_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    url TEXT,
    status INTEGER,
    milliseconds INTEGER
);
CREATE INDEX inbound_events_by_number ON inbound_events (number, id);
"""
_MIGRATIONS: Final = (_VERSION_1, _VERSION_2, _VERSION_3)
_VERSION: Final = len(_MIGRATIONS)
_TABLES: Final = (
    *("inbound_events", "webhook_secrets"),
    *("port_events", "port_documents", "port_numbers", "port_orders", "clock"),
    *("attempts", "purchases", "owned", "numbers", "accounts"),
)

_COUNTED: Final = {
    "account": "accounts",
    "number": "numbers",
    "port order": "port_orders",
    "inbound event": "inbound_events",
}
"""What people call the rows of a table, in the singular."""


class SandboxError(Exception):
    """The sandbox's database cannot be used; the message names it and says what to do."""


def open_database(database: str | Path) -> sqlite3.Connection:
    """Open a sandbox database for all threads, private to the user, and migrate it.

    Raises `SandboxError` if the file cannot be used.
    """
    with _explained(database):
        if str(database) != MEMORY:
            path = Path(database)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite would create it readable for others; its journals take over these permissions.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, database)
        except BaseException:
            connection.close()
            raise
        return connection


def reset(database: str | Path) -> None:
    """Empty the sandbox in the file `database` of accounts and numbers, also while servers use it.

    A file that does not exist is left so. Raises `SandboxError` if the file cannot be used.
    """
    if str(database) == MEMORY:
        raise SandboxError("A sandbox in memory cannot be reset: create a new one.")
    if not Path(database).exists():
        return
    with _explained(database), closing(open_database(database)) as connection, writing(connection):
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  # a constant


def contents(database: str | Path) -> dict[str, int] | None:
    """Return how many accounts, numbers, port orders and inbound events a sandbox has; `None` without a file.

    Raises `SandboxError` if the file cannot be used.
    """
    if str(database) == MEMORY or not Path(database).exists():
        return None
    with _explained(database), closing(open_database(database)) as connection:
        return {
            name: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # constants
            for name, table in _COUNTED.items()
        }


@contextmanager
def writing(connection: sqlite3.Connection) -> Generator[None]:
    """Run a block as one transaction, after waiting for other writers."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _prepare(connection: sqlite3.Connection, database: str | Path) -> None:
    with writing(connection):
        ((application,),) = connection.execute("PRAGMA application_id")
        ((version,),) = connection.execute("PRAGMA user_version")
        if version > _VERSION and application == _APPLICATION_ID:
            raise SandboxError(
                f"{database} was written by a newer version of the sandbox (schema {version}, this one reads "
                f"{_VERSION}). Update telefonie-mcp or choose another file."
            )
        if application != _APPLICATION_ID:
            if connection.execute("SELECT name FROM sqlite_master").fetchone():
                raise SandboxError(f"{database} is the database of another program. Choose another file.")
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        for migration in _MIGRATIONS[version:]:
            for statement in migration.split(";"):
                connection.execute(statement)
        if version < _VERSION:
            connection.execute(f"PRAGMA user_version = {_VERSION}")
    write_ahead(connection, BUSY_SECONDS)
    connection.execute("PRAGMA synchronous = NORMAL")  # with a write-ahead log, consistent after any crash


@contextmanager
def _explained(database: str | Path) -> Generator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise SandboxError(
            f"The sandbox cannot use {database} as its database ({error}). Make it readable and writable, "
            "delete it, or choose another file."
        ) from error
