"""The ledger's database: engines by URL, read and write transactions, and errors.

SQLite is for the processes of one machine, PostgreSQL for several machines. Every failure is raised as a
:class:`LedgerError` of one line. Messages of psycopg are neither quoted nor chained as the cause: they can
contain parts of a mistyped URL, and so of its password.
"""

import math
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.files import FileMark, expanded_path
from telefonie_mcp.ledger.prepared import execute
from telefonie_mcp.sqlite import write_ahead

__all__ = [
    "check_in_time",
    "connect",
    "connect_to_read",
    "reading",
    "uri_to_read",
    "waiting",
    "writing",
]

_LOCK_SECONDS: Final = 20
"""Seconds that a transaction waits for the others before it fails, unless :func:`waiting` says otherwise."""

_patience: Final[ContextVar[float]] = ContextVar("patience", default=_LOCK_SECONDS)
_until: Final[ContextVar[float]] = ContextVar("until", default=math.inf)

_TIMEOUT_OPTIONS: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "tcp_user_timeout": f"{_LOCK_SECONDS}000",
    "options": f"-c lock_timeout={_LOCK_SECONDS}s -c idle_in_transaction_session_timeout={_LOCK_SECONDS}s",
}
"""Limits for waits that libpq and PostgreSQL do not limit by default; options of the URL override them."""

_LOCK_TIMEOUT: Final = """
SELECT set_config('lock_timeout', least(
    %(milliseconds)s, nullif(extract(epoch FROM current_setting('lock_timeout')::interval) * 1000, 0)
)::integer::text, true)
"""
"""Bounds a transaction's wait for a lock in PostgreSQL; a shorter one in the ledger's URL holds."""

_POSTGRESQL_REASONS: Final = {
    "connection refused": "the database server refuses connections",
    "no such file or directory": "no database server listens on that socket",
    "resolve host": "the database server's name is not known",
    "timeout expired": "the database server does not answer",
    "closed the connection": "the database server has closed the connection",
    "terminating connection": "the database server has closed the connection",
    "database system is": "the database server is starting or stopping",
    "authentication failed": "the database server does not accept this user and password",
    "does not exist": "the database server does not know this database or user",
    "permission denied": "the database user may not make or write its tables",
    "lock timeout": "another process keeps it locked",
    "unsupported startup parameter": "a pooler refuses its options; connect to the database server itself",
    "invalid connection option": "its URL has an option that psycopg does not know",
}
"""Part of a message of PostgreSQL, libpq or psycopg, in lower case → the reason in an error."""


def connect(url: str) -> Engine:
    """Return an engine for the database at ``url``; a missing SQLite file is created with mode 0600.

    Raises:
        LedgerError: the URL is not supported, or the file cannot be created.

    """
    with _ledger_errors("opened"):
        parsed = _parse_url(url)
        match parsed.drivername:
            case "sqlite":
                return _sqlite_engine(parsed.database or ":memory:")
            case "postgresql" | "postgresql+psycopg":
                query = {**_TIMEOUT_OPTIONS, **parsed.query}
                return create_engine(
                    parsed.set(drivername="postgresql+psycopg", query=query),
                    pool_pre_ping=True,
                    isolation_level="READ COMMITTED",
                    hide_parameters=True,
                )
            case _:
                raise LedgerError(
                    "the ledger cannot be opened: its URL must be the path of a SQLite file or "
                    "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, special characters percent-encoded"
                )


def connect_to_read(file: Path) -> Engine:
    """Return an engine that opens a SQLite file read-only and creates no other file."""

    def open_file() -> sqlite3.Connection:
        return sqlite3.connect(uri_to_read(file), uri=True, timeout=_LOCK_SECONDS, check_same_thread=False)

    return create_engine("sqlite://", creator=open_file, poolclass=QueuePool, hide_parameters=True)


def uri_to_read(file: Path) -> str:
    """Return the URI with which SQLite reads a file without creating ``-wal`` and ``-shm`` files beside it.

    An existing write-ahead log is read. If there is none, no connection is open, and ``immutable`` keeps
    SQLite from creating one for a read.
    """
    log = file.with_name(f"{file.name}-wal")
    return f"{file.absolute().as_uri()}?mode=ro{'' if log.exists() else '&immutable=1'}"


@contextmanager
def waiting(seconds: float) -> Generator[None]:
    """Let every transaction that the block begins wait for others at most ``seconds``."""
    patience, until = _patience.set(seconds), _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _patience.reset(patience)
        _until.reset(until)


def check_in_time() -> None:
    """Undo a transaction that took longer than it was to wait, because nobody waits for it any more.

    Raises:
        LedgerError: it did.

    """
    if time.monotonic() > _until.get():
        raise LedgerError("the ledger cannot be written: it does not answer in time")


@contextmanager
def writing(engine: Engine, what: str = "written", *, mark: FileMark | None = None) -> Generator[Connection]:
    """Run a block as one write transaction.

    Args:
        engine: The engine of the ledger.
        what: Participle for the error message: "the ledger cannot be ``what``".
        mark: The ledger's file: what is written to one that was deleted is recorded nowhere.

    Raises:
        LedgerError: the transaction failed, or the file is another one before or after it.

    """
    if mark:
        mark.check()
    with _ledger_errors(what), engine.begin() as connection:
        _bound(connection)
        if connection.dialect.name == "sqlite":  # where one that has only read could not wait for its turn
            execute(connection, "BEGIN IMMEDIATE")
        yield connection
    if mark:
        mark.check()


@contextmanager
def reading(engine: Engine, mark: FileMark | None = None) -> Generator[Connection]:
    """Run a block of reads, which neither wait for writers nor block them.

    Raises:
        LedgerError: the ledger cannot be read, or its file is another one.

    """
    if mark:
        mark.check()
    with _ledger_errors("read"), engine.connect() as connection:
        yield connection


def _bound(connection: Connection) -> None:
    """Tell the database how long a transaction waits for a lock."""
    milliseconds = max(1, round(_patience.get() * 1000))
    if connection.dialect.name == "sqlite":
        execute(connection, f"PRAGMA busy_timeout = {milliseconds}")
    else:
        execute(connection, _LOCK_TIMEOUT, {"milliseconds": milliseconds})


def _parse_url(url: str) -> URL:
    try:
        return make_url(url) if "://" in url else URL.create("sqlite", database=url)
    except (ArgumentError, ValueError):
        return URL.create("unreadable")


def _sqlite_engine(database: str) -> Engine:
    options: dict[str, Any] = {"poolclass": QueuePool, "hide_parameters": True}
    if database == ":memory:":  # each connection would be a database of its own, so threads share one
        arguments = {"check_same_thread": False}
        options |= {"pool_size": 1, "max_overflow": 0, "pool_timeout": _LOCK_SECONDS}
    else:
        arguments = {"timeout": _LOCK_SECONDS}
        path = expanded_path(database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # SQLite would use the umask; its -wal and -shm files inherit this mode
        database = str(path)
    engine = create_engine(URL.create("sqlite", database=database), connect_args=arguments, **options)
    event.listen(engine, "connect", _configure_connection)
    return engine


def _configure_connection(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # `writing` begins transactions, not the driver
    connection.execute(f"PRAGMA busy_timeout = {max(1, round(_patience.get() * 1000))}").close()
    write_ahead(connection, _patience.get())
    connection.execute("PRAGMA synchronous = FULL").close()


@contextmanager
def _ledger_errors(what: str) -> Generator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise LedgerError(f"the ledger cannot be {what}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    match cause:
        case sqlite3.OperationalError() if str(cause).startswith("Could not decode"):
            return "an entry holds what is not text"  # SQLite's message quotes it
        case sqlite3.Error():
            return str(cause)
        case OSError(strerror=str(reason)):
            return reason
        case ImportError():
            return "PostgreSQL needs a driver: install telefonie-mcp[postgres]"
        case _:
            message = str(cause).lower()
            known = (reason for part, reason in _POSTGRESQL_REASONS.items() if part in message)
            return next(known, type(cause).__name__)
