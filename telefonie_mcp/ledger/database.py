"""The database under the ledger: an engine for where it stands, transactions, and words for what fails.

SQLite serves the processes of one machine, PostgreSQL several machines. A failure becomes a
:class:`LedgerError` of one line. It never quotes what psycopg says, and does not carry it as its cause: there
can be parts of a mistyped URL in it, and so parts of the password.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from telefonie_mcp.ledger.records import LedgerError
from telefonie_mcp.sqlite import write_ahead

__all__ = ["connect", "connect_to_read", "file_of", "reading", "uri_to_read", "writing"]

_PATIENCE: Final = 20
"""Seconds that a transaction waits for the others before it fails."""

_BOUNDS: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "tcp_user_timeout": f"{_PATIENCE}000",
    "options": f"-c lock_timeout={_PATIENCE}s -c idle_in_transaction_session_timeout={_PATIENCE}s",
}
"""Waits that PostgreSQL does not bound by itself; the URL may say otherwise."""

_POSTGRESQL_REASONS: Final = {
    "connection refused": "the database server refuses connections",
    "no such file or directory": "no database server listens on that socket",
    "resolve host": "the database server's name is not known",
    "timeout expired": "the database server does not answer",
    "authentication failed": "the database server does not accept this user and password",
    "does not exist": "the database server does not know this database or user",
    "permission denied": "the database user may not make or write its tables",
    "lock timeout": "another process keeps it locked",
    "invalid connection option": "its URL has an option that psycopg does not know",
}


def connect(url: str) -> Engine:
    """Return an engine for the database at ``url``; a SQLite file is made, private to the user.

    Raises:
        LedgerError: the URL cannot be used, or the file cannot be made.

    """
    with _explained("opened"):
        place = _place(url)
        match place.drivername:
            case "sqlite":
                return _sqlite(place.database or ":memory:")
            case "postgresql" | "postgresql+psycopg":
                place = place.set(drivername="postgresql+psycopg", query={**_BOUNDS, **place.query})
                return create_engine(
                    place, pool_pre_ping=True, isolation_level="READ COMMITTED", hide_parameters=True
                )
            case _:
                raise LedgerError(
                    "the ledger cannot be opened: its URL must be the path of a SQLite file or "
                    "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, special characters percent-encoded"
                )


def file_of(url: str) -> Path | None:
    """Return the file of a ledger; ``None`` where it is in memory or on a database server.

    Raises:
        LedgerError: the file lies in the home of a user who has none.

    """
    place = _place(url)
    if place.drivername != "sqlite" or place.database in {None, ":memory:"}:
        return None
    return _file(place.database or "")


def connect_to_read(file: Path) -> Engine:
    """Return an engine for a SQLite file that leaves everything as it is."""

    def open_file() -> sqlite3.Connection:
        return sqlite3.connect(uri_to_read(file), uri=True, timeout=_PATIENCE, check_same_thread=False)

    return create_engine("sqlite://", creator=open_file, poolclass=QueuePool, hide_parameters=True)


def uri_to_read(file: Path) -> str:
    """Return the URI by which SQLite reads a file and makes none beside it.

    A write-ahead log is read where there is one. Without one nobody is writing, and SQLite is told that
    nobody will: it would make a log, and memory to share, only to read.
    """
    log = file.with_name(f"{file.name}-wal")
    return f"{file.absolute().as_uri()}?mode=ro{'' if log.exists() else '&immutable=1'}"


@contextmanager
def writing(engine: Engine, what: str = "written") -> Generator[Connection]:
    """Run a block as one transaction that waits for its turn to write.

    Raises:
        LedgerError: the ledger cannot be ``what``.

    """
    with _explained(what), engine.begin() as connection:
        if connection.dialect.name == "sqlite":  # where one that has only read could not wait for its turn
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """Run a block that waits for nobody and holds nobody up.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    with _explained("read"), engine.connect() as connection:
        yield connection


def _place(url: str) -> URL:
    try:
        return make_url(url) if "://" in url else URL.create("sqlite", database=url)
    except (ArgumentError, ValueError):
        return URL.create("unreadable")


def _file(database: str) -> Path:
    try:
        return Path(database).expanduser()
    except RuntimeError:
        raise LedgerError("the ledger cannot be opened: this user has no home directory") from None


def _sqlite(database: str) -> Engine:
    options: dict[str, Any] = {"poolclass": QueuePool, "hide_parameters": True}
    if database == ":memory:":  # there is one connection, which threads take in turn
        arguments = {"check_same_thread": False}
        options |= {"pool_size": 1, "max_overflow": 0, "pool_timeout": _PATIENCE}
    else:
        arguments = {"timeout": _PATIENCE}
        path = _file(database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # SQLite would let others read it; its journals take over these permissions
        database = str(path)
    engine = create_engine(URL.create("sqlite", database=database), connect_args=arguments, **options)
    event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # `writing` begins transactions, not the driver
    write_ahead(connection, _PATIENCE)
    connection.execute("PRAGMA synchronous = FULL").close()


@contextmanager
def _explained(what: str) -> Generator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise LedgerError(f"the ledger cannot be {what}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    match cause:
        case sqlite3.Error():
            return str(cause)
        case OSError(strerror=str(words)):
            return words
        case ImportError():
            return "PostgreSQL needs a driver: install telefonie-mcp[postgres]"
        case _:
            said = str(cause).lower()
            known = (reason for words, reason in _POSTGRESQL_REASONS.items() if words in said)
            return next(known, type(cause).__name__)
