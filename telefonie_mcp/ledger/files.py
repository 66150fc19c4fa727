"""The SQLite file of a ledger, without SQLite: where it is, and whether it is still there. Cheap to import.

What an operator should know about it and the API key's file, before anything is written, is here as well.

A ledger holds budgets. One that is deleted, replaced or emptied would begin them anew, so that is never taken
for a new ledger where it can be told: by a server that knew the file, or by what SQLite left beside it.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from stat import S_ISREG
from typing import Final, Self

from telefonie_mcp.ledger.errors import LedgerError

__all__ = [
    "EMPTY_REMEDY",
    "FileMark",
    "check_remains",
    "expanded_path",
    "exposed",
    "file_of",
    "file_warnings",
    "is_empty",
    "readable_by_others",
    "to_make_private",
]

EMPTY_REMEDY: Final = "If it was a ledger, restore it: the next write begins a new one, with new budgets."

_OTHERS: Final = 0o077
"""Permissions of everybody but the owner."""

_STRANGERS: Final = 0o027
"""The same without the group's to read, by which a process reads a file that is not its own."""

_REMEDY: Final = "put it back, or restart the server to go on with what is there"


@dataclass(frozen=True, slots=True)
class FileMark:
    """Tells a file from every other one that has its path later.

    Attributes:
        file: Its path.
        device: Its device.
        inode: Its number on that device.

    """

    file: Path
    device: int
    inode: int

    @classmethod
    def of(cls, file: Path) -> Self | None:
        """Return the mark of a file; ``None`` if there is none.

        Raises:
            LedgerError: that cannot be told.

        """
        status = _status_of(file)
        return status and cls(file, status.st_dev, status.st_ino)

    @classmethod
    def found(cls, url: str) -> Self | None:
        """Return the mark of a ledger's file that has a content; what is wrong with it, a write says."""
        try:
            file = file_of(url)
            return cls.of(file) if file and not is_empty(file) else None
        except LedgerError:
            return None

    def check(self) -> None:
        """Check that the file still has its path, and a content.

        Raises:
            LedgerError: it was deleted, replaced or emptied.

        """
        status = _status_of(self.file)
        if status is None:
            raise LedgerError(f"the ledger's file was deleted while this server runs; {_REMEDY}")
        if (status.st_dev, status.st_ino) != (self.device, self.inode):
            raise LedgerError(f"the ledger's file was replaced while this server runs; {_REMEDY}")
        if S_ISREG(status.st_mode) and status.st_size == 0:
            raise LedgerError(f"the ledger's file was emptied while this server runs; {_REMEDY}")


def _status_of(file: Path) -> stat_result | None:
    """Return the status of a file; ``None`` if there is none.

    Raises:
        LedgerError: that cannot be told.

    """
    try:
        return file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LedgerError(f"the ledger cannot be read: {error.strerror}") from None


def file_of(url: str) -> Path | None:
    """Return the SQLite file of a ledger, or ``None`` if it is in memory or on a database server.

    Raises:
        LedgerError: the path begins with ``~``, and the user has no home directory.

    """
    scheme, separator, rest = url.partition("://")
    database = rest.partition("/")[2].partition("?")[0] if separator else url
    if (separator and scheme != "sqlite") or database in {"", ":memory:"}:
        return None
    return expanded_path(database)


def expanded_path(database: str) -> Path:
    """Return the path of a SQLite file, which may begin with ``~``.

    Raises:
        LedgerError: the user has no home directory.

    """
    try:
        return Path(database).expanduser()
    except RuntimeError:
        raise LedgerError("the ledger cannot be opened: this user has no home directory") from None


def is_empty(file: Path) -> bool:
    """Return whether a file exists and has no content."""
    try:
        status = file.stat()
    except OSError:
        return False
    return S_ISREG(status.st_mode) and status.st_size == 0


def check_remains(file: Path) -> None:
    """Check that there is no write-ahead log of a ledger which is not there itself.

    SQLite would delete it, and begin a new ledger.

    Raises:
        LedgerError: there is one, so the ledger was deleted or emptied.

    """
    log = file.with_name(f"{file.name}-wal")
    try:
        gone = (not file.exists() or is_empty(file)) and log.is_file() and log.stat().st_size > 0
    except OSError:  # SQLite says what is wrong with the place
        return
    if gone:
        raise LedgerError(
            "the ledger's file was deleted or emptied: its write-ahead log (-wal) is still there; put the "
            "file back, or delete the log to begin a new ledger"
        )


def file_warnings(ledger: str, secret: Mapping[Path, str]) -> Iterator[str]:
    """Yield a sentence, with the remedy, for everything that is wrong with the files of a server.

    Args:
        ledger: Path or URL of the ledger.
        secret: The files that hold or name API keys, and what each is, such as "the API key in".

    """
    for path, what in secret.items():
        if readable_by_others(path):
            yield f"others can read {what} {path}; {to_make_private(path)}"
    try:
        file = file_of(ledger)
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
    """Return whether users of this machine can access a file who need not."""
    if sys.platform == "win32":
        return False
    try:
        status = file.stat()
    except OSError:
        return False
    return exposed(status.st_mode, own=status.st_uid == os.geteuid())


def exposed(mode: int, *, own: bool) -> bool:
    """Return whether permissions give access to users who need none.

    Args:
        mode: The permissions.
        own: The file belongs to this process's user. If not, as with a secret that is mounted into a pod,
            this process reads it as a member of the file's group.

    """
    return bool(mode & (_OTHERS if own else _STRANGERS))


def to_make_private(file: Path) -> str:
    """Return the command that lets nobody but its owner access a file."""
    import shlex  # noqa: PLC0415 - only for a warning

    return f"chmod 600 {shlex.quote(str(file))}"
