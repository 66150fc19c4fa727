"""Reads a client's configuration file, and replaces it atomically with a backup."""

import os
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from telefonie_mcp.errors import TelefonieError

__all__ = ["ConfigFile", "ConfigFileError"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""UTF-8 byte order mark, which some editors on Windows write."""

_PRIVATE: Final = 0o600
_OTHERS: Final = 0o077

_KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}
"""What is no file, by its type."""


class ConfigFileError(TelefonieError):
    """The file cannot be read or replaced; it is unchanged."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file and its content when it was read.

    Attributes:
        path: Its path with links resolved, so that the target of a link is replaced and not the link.
        content: Its content; ``None`` if it does not exist.

    """

    path: Path
    content: bytes | None

    @classmethod
    def read(cls, path: Path) -> "ConfigFile":
        """Read the file, if it exists.

        Raises:
            ConfigFileError: it cannot be read, or is no regular file.

        """
        try:
            content = _content(path)  # before the links are resolved: only this is an OSError where they loop
            return cls(path.resolve(), content)
        except OSError as error:
            raise ConfigFileError(f"{path} cannot be read ({error.strerror}); nothing was changed") from error

    @property
    def text(self) -> str:
        """Its content without byte order mark; empty if it does not exist.

        Raises:
            ConfigFileError: it is not UTF-8.

        """
        try:
            return (self.content or b"").removeprefix(_BYTE_ORDER_MARK).decode()
        except UnicodeDecodeError as error:
            raise ConfigFileError(f"{self.path} is not UTF-8 text; nothing was changed") from error

    @property
    def exposed(self) -> bool:
        """Whether other users of this machine can access it."""
        status = self._status()
        return sys.platform != "win32" and status is not None and bool(status.st_mode & _OTHERS)

    def replace(self, text: str, *, private: bool = False) -> Path | None:
        """Replace the content, and return the path of the backup; ``None`` if there was no file.

        The new file keeps the permissions and the owner of the old one; a file that is new is private to the
        user.

        Args:
            text: The new content.
            private: Whether the file and the backup shall be private to their owner, whatever they were.

        Raises:
            ConfigFileError: it cannot be written, or has changed since it was read.

        """
        mark = _BYTE_ORDER_MARK if (self.content or b"").startswith(_BYTE_ORDER_MARK) else b""
        new: Path | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            new = Path(name)
            _write(descriptor, new, mark + text.encode(), self._status(), private=private)
            if _content(self.path) != self.content:
                raise ConfigFileError(f"{self.path} has just been changed by something else; try again")
            backup = self._back_up(private=private)
            new.replace(self.path)
        except OSError as error:
            raise ConfigFileError(
                f"{self.path} cannot be written ({error.strerror}); nothing was changed"
            ) from error
        finally:
            if new:
                new.unlink(missing_ok=True)
        return backup

    def _status(self) -> os.stat_result | None:
        return None if self.content is None else self.path.stat()

    def make_private(self) -> None:
        """Let nobody but its owner access the file.

        Raises:
            ConfigFileError: that is not possible.

        """
        try:
            self.path.chmod(_PRIVATE)
        except OSError as error:
            raise ConfigFileError(f"others can read {self.path} ({error.strerror}); chmod 600 it") from error

    def _back_up(self, *, private: bool) -> Path | None:
        """Copy the old content beside the file, under the first free name."""
        if self.content is None:
            return None
        for number in count(1):
            backup = self.path.with_name(f"{self.path.name}.bak{number if number > 1 else ''}")
            with suppress(FileExistsError):
                descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
                _write(descriptor, backup, self.content, self._status(), private=private)
                return backup
        raise AssertionError  # count() does not end


def _content(path: Path) -> bytes | None:
    """Return the content of a regular file; ``None`` if there is no file.

    Raises:
        ConfigFileError: it is something else, which replacing would destroy, or reading would wait for.

    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), "something special")
            raise ConfigFileError(f"{path} cannot be read (it is {kind}, no file); nothing was changed")
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(
    descriptor: int, path: Path, content: bytes, like: os.stat_result | None, *, private: bool
) -> None:
    """Write a new file, flush it to disk, and apply the owner and permissions of ``like``."""
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    if like:
        if sys.platform != "win32":
            with suppress(PermissionError):
                os.chown(path, like.st_uid, like.st_gid)
        path.chmod(_PRIVATE if private else stat.S_IMODE(like.st_mode))
