"""Empties the sandbox, with its entries in the ledger: the numbers that they are about no longer exist."""

import sys
from collections.abc import Mapping

from telefonie_mcp.app import SANDBOX_ACCOUNT
from telefonie_mcp.cli.terminal import agreed, say
from telefonie_mcp.ledger.files import file_of, is_empty
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.sandbox import contents, reset
from telefonie_mcp.settings.fields import Settings

__all__ = ["reset_sandbox"]

_UNASKED = "Add --yes to empty it without being asked."
_EVERY = 2**31


def reset_sandbox(settings: Settings, *, ask: bool) -> None:
    """Empty the sandbox and remove its ledger entries, after saying what that is.

    Raises:
        LedgerError: the ledger cannot be used; nothing was changed.
        SandboxError: the sandbox cannot be used.
        SystemExit: the user did not say yes.

    """
    database = settings.sandbox_database
    found = contents(database)
    ledger = _ledger(settings)
    try:
        entries = len(ledger.recent(account=SANDBOX_ACCOUNT, limit=_EVERY)) if ledger else 0
        where = file_of(settings.ledger_url) or "the database server"
        what = f"the sandbox in {database} ({_counted(found)})" if found is not None else ""
        taken = f"{_plural(entries, 'entry', 'entries')} of the ledger in {where}" if entries else ""
        if found is None and database != ":memory:":
            say(f"There is no sandbox in {database}.", err=True)
        if both := " and ".join(filter(None, [what, taken])):
            say(f"This empties {both}.", err=True)
            if ask and not agreed("Empty it?", "Nothing was emptied", remedy=_UNASKED, err=True):
                sys.exit(1)
        reset(database)
        if ledger and entries:
            ledger.forget(SANDBOX_ACCOUNT)
    finally:
        if ledger:
            ledger.close()
    if what:
        say(f"The sandbox in {database} is empty.", err=True)
    if entries:
        say(f"{_plural(entries, 'entry is', 'entries are')} removed from the ledger.", err=True)


def _ledger(settings: Settings) -> Ledger | None:
    """Return the ledger, if there is one."""
    file = file_of(settings.ledger_url)
    if settings.ledger_url == ":memory:" or (file and (not file.exists() or is_empty(file))):
        return None
    return Ledger.open(settings.ledger_url)


def _counted(found: Mapping[str, int]) -> str:
    parts = [_plural(count, name, f"{name}s") for name, count in found.items() if count]
    return ", ".join(parts) or "nothing in it"


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
