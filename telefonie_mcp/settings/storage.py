"""What an operator should know about the files that settings name, before anything is written to them."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from telefonie_mcp.ledger.files import check_remains, file_of, is_empty
from telefonie_mcp.ledger.records import LedgerError
from telefonie_mcp.settings.fields import Settings

__all__ = ["EMPTY_REMEDY", "readable_by_others", "storage_warnings", "to_make_private"]

_OTHERS = 0o077

EMPTY_REMEDY = "If it was a ledger, restore it: the next write begins a new one, with new budgets."


def storage_warnings(settings: Settings) -> Iterator[str]:
    """Yield a sentence, with the remedy, for every file that something is wrong with."""
    if (key := settings.api_key_file) and readable_by_others(key):
        yield f"others can read the API key in {key}; {to_make_private(key)}"
    try:
        file = file_of(settings.ledger_url)
        if file:
            check_remains(file)
    except LedgerError as error:
        yield str(error)
        return
    if file and readable_by_others(file):
        yield f"others can read the ledger in {file}; {to_make_private(file)}"
    if file and is_empty(file):
        yield f"{file} is empty. {EMPTY_REMEDY}"


def readable_by_others(file: Path) -> bool:
    """Return whether other users of this machine can access a file."""
    try:
        return sys.platform != "win32" and bool(file.stat().st_mode & _OTHERS)
    except OSError:
        return False


def to_make_private(file: Path) -> str:
    """Return the command that lets nobody but its owner access a file."""
    return f"chmod 600 {shlex.quote(str(file))}"
