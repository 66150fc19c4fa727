"""SQLite's write-ahead log, for databases that several processes share."""

import sqlite3
import time
from typing import Final

__all__ = ["write_ahead"]

_TRANSIENT: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_PRIMARY_CODE: Final = 0xFF  # extended result codes keep the primary one in the lowest byte
_PAUSE_SECONDS: Final = 0.01


def write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Switch to a write-ahead log, so that readers and the writer do not wait for each other.

    The switch needs the file for itself and ignores SQLite's busy timeout, so processes that start together
    must retry. An error that waiting does not cure is raised at once, a lock after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE not in _TRANSIENT or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
