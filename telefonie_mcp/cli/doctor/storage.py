"""Looks at what is kept on this machine: the ledger, the sandbox, and the directories they stand in."""

import os
import sqlite3
import stat
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from telefonie_mcp.cli.doctor.findings import Finding, unsettled
from telefonie_mcp.ledger.database import file_of, uri_to_read
from telefonie_mcp.ledger.inspection import open_entries
from telefonie_mcp.ledger.records import LedgerError
from telefonie_mcp.settings.fields import Settings

__all__ = ["ledger", "open_to_others", "state"]

_ELSEWHERE: Final = "Make it writable, or name another one (TELEFONIE_STATE_DIR, TELEFONIE_SANDBOX_DB)."


def ledger(settings: Settings) -> Finding:
    """Look at the ledger: whether it can be read, is whole, and knows the outcome of every write."""
    try:
        entries = open_entries(settings.ledger_url)
    except LedgerError as error:
        remedy = "Make it readable, restore it, or name another one (TELEFONIE_LEDGER)."
        return Finding("ledger", "problem", str(error), remedy)
    if entries is None:
        return Finding("ledger", "ok", "there is none yet; the first write makes it")
    return unsettled(entries)


def state(settings: Settings) -> Finding:
    """Look at the files that are kept, and return the first that is not as it should be."""
    try:
        ledger_file = file_of(settings.ledger_url)
    except LedgerError as error:
        return Finding("state", "problem", str(error), "Set TELEFONIE_STATE_DIR.")
    database = settings.sandbox_database if settings.mode == "sandbox" else ":memory:"
    sandbox = None if database == ":memory:" else Path(database)
    kept = [file for file in (ledger_file, sandbox) if file]
    for file in kept:
        if finding := _place(file.absolute().parent) or _file(file):
            return finding
    if sandbox and (damage := _damage(sandbox)):
        remedy = "Empty it with telefonie-mcp sandbox --reset, or name another one (TELEFONIE_SANDBOX_DB)."
        return Finding("state", "problem", f"{sandbox} cannot be used: {damage}", remedy)
    if ledger_file and open_to_others(ledger_file):
        return Finding("state", "warning", f"others can read {ledger_file}", f"chmod 600 {ledger_file}")
    places = ", ".join(dict.fromkeys(str(file.absolute().parent) for file in kept))
    return Finding("state", "ok", f"{places} can be written" if kept else "nothing is kept in files")


def _place(directory: Path) -> Finding | None:
    """Return what is wrong with a directory, which need not be there yet."""
    if not directory.exists():
        above = next(parent for parent in directory.parents if parent.exists())
        if above.is_dir() and os.access(above, os.W_OK):
            return None
        return Finding("state", "problem", f"{directory} cannot be made in {above}", _ELSEWHERE)
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"probe")
            probe.flush()
    except OSError as error:
        return Finding("state", "problem", f"{directory} cannot be written ({error.strerror})", _ELSEWHERE)
    if sys.platform != "win32" and directory.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Finding("state", "warning", f"others can change {directory}", f"chmod go-w {directory}")
    return None


def _file(file: Path) -> Finding | None:
    if not file.exists() or os.access(file, os.W_OK):
        return None
    return Finding("state", "problem", f"{file} cannot be written", _ELSEWHERE)


def _damage(file: Path) -> str:
    """Return what is wrong with a database that is there; empty where nothing is."""
    if not file.exists():
        return ""
    try:
        with closing(sqlite3.connect(uri_to_read(file), uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else found


def open_to_others(file: Path) -> bool:
    """Whether another user of this machine can read a file."""
    return sys.platform != "win32" and file.exists() and bool(file.stat().st_mode & 0o077)
