"""The ledger's tables, and how an older ledger becomes a newer one.

Times are milliseconds since 1970 UTC and rates are ten-thousandths, so that SQLite and PostgreSQL compare
and add them alike, exactly.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    select,
)

from telefonie_mcp.ledger.records import LedgerError

__all__ = ["accounts", "entries", "migrate"]

_metadata: Final = MetaData()

accounts: Final = Table(
    "ledger_accounts",
    _metadata,
    Column("name", String(200), primary_key=True),
    Column("touched", BigInteger, nullable=False),
)
"""One row per account, whose lock serialises the intents of that account."""

entries: Final = Table(
    "ledger_entries",
    _metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("account", String(200), nullable=False),
    Column("caller", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("tool", String(100), nullable=False),
    Column("operation", String(200), nullable=False),
    Column("effect", String(20), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("previous", Text),
    Column("rate", BigInteger),
    Column("held", Boolean, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("approval", String(100), unique=True),
    Index("ledger_by_state", "account", "state"),
    Index("ledger_by_subject", "account", "subject"),
    Index("ledger_by_holding", "account", "held"),
    Index("ledger_by_time", "account", "effect", "created"),
    sqlite_autoincrement=True,
)

_version: Final = Table("ledger_version", _metadata, Column("version", Integer, nullable=False))


def _first(connection: Connection) -> None:
    _metadata.create_all(connection, tables=[accounts, entries])


_MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_first,)
"""Each takes the schema one version further; a released one never changes."""


def migrate(connection: Connection) -> None:
    """Bring the ledger to the newest version, in the caller's transaction.

    Raises:
        LedgerError: a newer release has written it.

    """
    _metadata.create_all(connection, tables=[_version])
    current = connection.execute(select(_version.c.version)).scalar() or 0
    newest = len(_MIGRATIONS)
    if current > newest:
        raise LedgerError(
            f"the ledger has version {current}; this release knows {newest}. Upgrade telefonie-mcp"
        )
    for step in _MIGRATIONS[current:]:
        step(connection)
    if current < newest:
        connection.execute(_version.delete())
        connection.execute(_version.insert().values(version=newest))
