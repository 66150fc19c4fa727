"""Checks the files on this machine: the ledger, the sandbox's database, and their directories."""

import os
import sqlite3
import stat
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from telefonie_mcp.cli.doctor.findings import Finding, unsettled
from telefonie_mcp.ledger.database import uri_to_read
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.files import EMPTY_REMEDY, file_of, readable_by_others, to_make_private
from telefonie_mcp.ledger.inspection import inspect_ledger
from telefonie_mcp.settings.fields import Settings

__all__ = ["ledger", "state"]

_WRITABLE_REMEDY: Final = "Make it writable, or name another one (TELEFONIE_STATE_DIR, TELEFONIE_SANDBOX_DB)."


def ledger(settings: Settings) -> Finding:
    """Check that the ledger is readable and intact, and has an outcome for every write."""
    file = None
    try:
        file = file_of(settings.ledger_url)
        found = inspect_ledger(settings.ledger_url)
    except LedgerError as error:
        remedy = f"Make {file or 'it'} readable, restore it, or name another one (TELEFONIE_LEDGER)."
        return Finding("ledger", "problem", str(error), remedy)
    match found.standing:
        case "missing":
            return Finding("ledger", "ok", "there is none yet; the first write makes it")
        case "empty":
            return Finding("ledger", "warning", f"{file} is empty", EMPTY_REMEDY)
        case "older":
            return Finding("ledger", "ok", "made by an older release; the next write upgrades it")
        case "current":
            return unsettled(found.unfinished)


def state(settings: Settings) -> Finding:
    """Check the files and their directories, and return the first problem found."""
    try:
        ledger_file = file_of(settings.ledger_url)
    except LedgerError as error:
        return Finding("state", "problem", str(error), "Set TELEFONIE_STATE_DIR.")
    database = settings.sandbox_database if settings.mode == "sandbox" else ":memory:"
    sandbox = None if database == ":memory:" else Path(database)
    kept = [file for file in (ledger_file, sandbox) if file]
    for file in kept:
        if finding := _directory_problem(file.absolute().parent) or _file_problem(file):
            return finding
    if sandbox and (damage := _damage(sandbox)):
        remedy = "Empty it with telefonie-mcp sandbox --reset, or name another one (TELEFONIE_SANDBOX_DB)."
        return Finding("state", "problem", f"{sandbox} cannot be used: {damage}", remedy)
    if ledger_file and readable_by_others(ledger_file):
        return Finding("state", "warning", f"others can read {ledger_file}", to_make_private(ledger_file))
    places = ", ".join(dict.fromkeys(str(file.absolute().parent) for file in kept))
    return Finding("state", "ok", f"{places} can be written" if kept else "nothing is kept in files")


def _directory_problem(directory: Path) -> Finding | None:
    """Return what is wrong with a directory, which may not exist yet."""
    if not directory.exists():
        above = next(parent for parent in directory.parents if parent.exists())
        try:
            with tempfile.TemporaryDirectory(dir=above):  # tried: os.access tells root of what it may not do
                return None
        except OSError:
            return Finding("state", "problem", f"{directory} cannot be made in {above}", _WRITABLE_REMEDY)
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(b"probe")
            probe.flush()
    except OSError as error:
        return Finding(
            "state", "problem", f"{directory} cannot be written ({error.strerror})", _WRITABLE_REMEDY
        )
    if sys.platform != "win32" and directory.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Finding("state", "warning", f"others can change {directory}", f"chmod go-w {directory}")
    return None


def _file_problem(file: Path) -> Finding | None:
    """Return what is wrong with a file, which is opened for writing and not changed."""
    try:
        os.close(os.open(file, os.O_RDWR))
    except FileNotFoundError:
        return None
    except OSError:
        return Finding("state", "problem", f"{file} cannot be written", _WRITABLE_REMEDY)
    return None


def _damage(file: Path) -> str:
    """Return what is wrong with a database file, if it exists; empty if nothing is."""
    if not file.exists():
        return ""
    try:
        with closing(sqlite3.connect(uri_to_read(file), uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else found
