"""Read-only inspection of a ledger, which is neither created nor migrated."""

import time
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select

from telefonie_mcp.ledger.database import connect, connect_to_read, reading
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.files import check_remains, file_of, is_empty
from telefonie_mcp.ledger.queries import entry_of
from telefonie_mcp.ledger.records import OPEN, Entry
from telefonie_mcp.ledger.schema import entries, has_tables, is_current

__all__ = ["Inspection", "inspect_ledger", "is_there"]

_CHUNK: Final = 1000
"""Entries that are read at once."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Attributes:
        standing: ``missing``: there is no ledger. ``empty``: its file has no content. ``older``: an older
            release made it. ``current``: it can be used as it is.
        unfinished: The writes without a final outcome, in a current ledger.

    """

    standing: Literal["missing", "empty", "older", "current"]
    unfinished: tuple[Entry, ...] = ()


def is_there(url: str) -> bool:
    """Whether there is a ledger at ``url``, of whichever release.

    Raises:
        LedgerError: that cannot be told, or there was one.

    """
    if file := file_of(url):
        check_remains(file)
        return file.exists() and not is_empty(file)
    if url == ":memory:":
        return False
    engine = connect(url)
    try:
        with reading(engine) as connection:
            return has_tables(connection)
    finally:
        engine.dispose()


def inspect_ledger(url: str) -> Inspection:
    """Read every entry of a ledger.

    Args:
        url: As for :meth:`telefonie_mcp.ledger.store.Ledger.open`.

    Raises:
        LedgerError: the ledger cannot be read, is damaged, was deleted, or was written by a newer release.

    """
    file = file_of(url)
    if file:
        check_remains(file)
    if url == ":memory:" or (file and not file.exists()):
        return Inspection("missing")
    if file and is_empty(file):
        return Inspection("empty")
    engine = connect_to_read(file) if file else connect(url)
    try:
        with reading(engine) as connection:
            if file and (damage := connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) != "ok":
                raise LedgerError(f"the ledger is damaged: {damage}")
            if not has_tables(connection):
                return Inspection("missing")
            if not is_current(connection):
                return Inspection("older")
            now = round(time.time() * 1000)
            rows = connection.execute(select(entries).execution_options(yield_per=_CHUNK))
            return Inspection(
                "current", tuple(e for e in (entry_of(r, now) for r in rows) if e.state in OPEN)
            )
    finally:
        engine.dispose()
