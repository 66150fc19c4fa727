"""The ledger's tables and their migrations.

Times are integers in milliseconds since 1970-01-01 UTC, and rates are integers in ten-thousandths of the
currency unit, so that SQLite and PostgreSQL compare and add them exactly.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    select,
    text,
)

from telefonie_mcp.ledger.errors import LedgerError

__all__ = ["SCALE", "entries", "has_tables", "identity", "is_current", "lock_account", "migrate"]

SCALE: Final = 10_000
"""Stored units of a rate per unit of the currency."""

_MIGRATION_LOCK: Final = 7320451
"""Key of the PostgreSQL advisory lock for migrations: arbitrary, but the same in every release."""

_metadata: Final = MetaData()

_accounts: Final = Table(
    "ledger_accounts",
    _metadata,
    Column("name", Text, primary_key=True),
)

lock_account: Final = text(
    "INSERT INTO ledger_accounts (name) VALUES (:name) ON CONFLICT (name) DO UPDATE SET name = excluded.name"
)
"""Locks the row of an account until the end of the transaction, to serialise the intents of the account."""


def _entries(metadata: MetaData, *later: Column[Any]) -> Table:
    """Return the table of entries as the first release made it, with the columns of ``later`` ones."""
    return Table(
        "ledger_entries",
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("created", BigInteger, nullable=False),
        Column("updated", BigInteger, nullable=False),
        Column("account", Text, nullable=False),
        Column("caller", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("lease", BigInteger, nullable=False),
        Column("tool", Text, nullable=False),
        Column("operation", Text, nullable=False),
        Column("effect", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("arguments", Text, nullable=False),
        Column("previous", Text),
        Column("rate", BigInteger),
        Column("held", Boolean, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("approval", Text, unique=True),
        *later,
        Index("ledger_by_state", "account", "state"),
        Index("ledger_by_subject", "account", "subject"),
        Index("ledger_by_holding", "account", "held"),
        Index("ledger_by_time", "account", "effect", "created"),
        sqlite_autoincrement=True,
    )


_KEY: Final = "key_fingerprint"

_WHO: Final = ("principal", "client")

entries: Final = _entries(
    _metadata, *(Column(name, Text, nullable=False, server_default="") for name in (_KEY, *_WHO))
)

identity: Final = Table("ledger_identity", _metadata, Column("id", Text, nullable=False))
"""One row: a random id, which tells this ledger from every other one, whatever its URL is."""

_version: Final = Table("ledger_version", _metadata, Column("version", Integer, nullable=False))


def _create_tables(connection: Connection) -> None:
    _metadata.create_all(connection, tables=[_accounts])
    _entries(MetaData()).create(connection, checkfirst=True)


def _identity_and_keys(connection: Connection) -> None:
    connection.exec_driver_sql(f"ALTER TABLE ledger_entries ADD COLUMN {_KEY} TEXT NOT NULL DEFAULT ''")
    _metadata.create_all(connection, tables=[identity])
    connection.execute(identity.insert().values(id=secrets.token_hex(16)))


def _principal_and_client(connection: Connection) -> None:
    for name in _WHO:
        connection.exec_driver_sql(f"ALTER TABLE ledger_entries ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")


def _find_what_is_held(connection: Connection) -> None:
    # With two columns it was as good as ledger_by_subject for finding what is held of a number, so that
    # SQLite took either, as chance had it.
    connection.exec_driver_sql("DROP INDEX ledger_by_holding")
    connection.exec_driver_sql("CREATE INDEX ledger_by_holding ON ledger_entries (account, held, subject)")


_MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (
    _create_tables,
    _identity_and_keys,
    _principal_and_client,
    _find_what_is_held,
)
"""Each takes the schema one version further. When the tables change, a step is added, and the released steps
go on making what they have always made, from a copy of the tables as they were."""


def migrate(connection: Connection) -> None:
    """Migrate the schema to the newest version, within the caller's write transaction.

    Raises:
        LedgerError: the schema was written by a newer release.

    """
    if connection.dialect.name == "postgresql":  # SQLite's write transaction has locked the database
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    _metadata.create_all(connection, tables=[_version])
    current = _read_version(connection)
    newest = len(_MIGRATIONS)
    for step in _MIGRATIONS[current:]:
        step(connection)
    if current < newest:
        connection.execute(_version.delete())
        connection.execute(_version.insert().values(version=newest))


def has_tables(connection: Connection) -> bool:
    """Whether there is a ledger in the database, of whichever version."""
    return inspect(connection).has_table(_version.name)


def is_current(connection: Connection) -> bool:
    """Whether there is a ledger in the database, of this version; makes none.

    Raises:
        LedgerError: the schema was written by a newer release.

    """
    if not has_tables(connection):
        return False
    return _read_version(connection) == len(_MIGRATIONS)


def _read_version(connection: Connection) -> int:
    current = connection.execute(select(_version.c.version)).scalar() or 0
    newest = len(_MIGRATIONS)
    if current > newest:
        raise LedgerError(
            f"the ledger has version {current}; this release knows {newest}. Upgrade telefonie-mcp"
        )
    return current
