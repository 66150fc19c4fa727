"""Read-only inspection of a ledger, which is neither created nor migrated."""

from typing import Final

from telefonie_mcp.ledger.database import connect, connect_to_read, file_of, reading
from telefonie_mcp.ledger.records import OPEN, Entry, LedgerError
from telefonie_mcp.ledger.schema import is_current
from telefonie_mcp.ledger.store import Ledger

__all__ = ["open_entries"]

_MAX_ENTRIES: Final = 10_000
"""Entries that are read per state."""


def open_entries(url: str) -> list[Entry] | None:
    """Return the writes without a final outcome, or ``None`` if there is no ledger or an older one.

    Args:
        url: As for :meth:`telefonie_mcp.ledger.store.Ledger.open`.

    Raises:
        LedgerError: the ledger cannot be read, is damaged, or was written by a newer release.

    """
    file = file_of(url)
    if url == ":memory:" or (file and not (file.exists() and file.stat().st_size)):
        return None
    ledger = Ledger(connect_to_read(file) if file else connect(url))
    try:
        with reading(ledger.engine) as connection:
            if file and (damage := connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) != "ok":
                raise LedgerError(f"the ledger is damaged: {damage}")
            if not is_current(connection):
                return None
        return [entry for state in OPEN for entry in ledger.recent(state=state, limit=_MAX_ENTRIES)]
    finally:
        ledger.close()
