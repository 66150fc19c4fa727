"""Shared by the commands: reading the settings, and translating the sandbox's errors."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from telefonie_mcp.errors import SettingsError, TelefonieError
from telefonie_mcp.settings.fields import PREFIX, Settings
from telefonie_mcp.settings.reading import read_settings

if TYPE_CHECKING:
    from telefonie_mcp.ledger.store import Ledger

__all__ = [
    "PROGRAM",
    "opened_ledger",
    "sandbox_errors",
    "sandbox_settings",
    "settings_in_force",
    "shortened",
    "unusable_path",
]

PROGRAM: Final = "telefonie-mcp"
"""What the program is called in help and messages."""

_OF_THE_SANDBOX: Final = frozenset({"sandbox_db", "state_dir", "ledger", "log_level", "log_format"})
"""Settings that the commands about the sandbox obey."""


def settings_in_force(flags: Mapping[str, Any]) -> Settings:
    """Return the settings of the environment and the flags, and configure logging accordingly.

    Raises:
        SettingsError: the settings are invalid.

    """
    return _read(os.environ, flags)


def sandbox_settings(flags: Mapping[str, Any]) -> Settings:
    """Return the settings for a command about the sandbox, and configure logging accordingly.

    Settings about the live API say nothing here. They may be set, because the same environment makes a server
    use the sandbox on its socket: TELEFONIE_BASE_URL and TELEFONIE_API_KEY.

    Raises:
        SettingsError: the others are invalid, or a variable is no setting.

    """
    aside = Settings.model_fields.keys() - _OF_THE_SANDBOX
    variables = {f"{PREFIX}{name.upper()}" for name in aside}
    environment = {name: value for name, value in os.environ.items() if name not in variables}
    given = {name: value for name, value in flags.items() if name not in aside}
    return _read(environment, {**given, "sandbox": True})


def _read(environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    from telefonie_mcp.telemetry.logs import configure_logging  # noqa: PLC0415

    settings = read_settings(environment, flags)
    if problem := unusable_path(settings):
        raise SettingsError(problem)
    configure_logging(settings.log_level, settings.log_format, settings.secrets)
    return settings


def unusable_path(settings: Settings) -> str | None:
    """Return what is wrong with a path that is named for a database: a mistyped one would make a new one."""
    from telefonie_mcp.ledger.errors import LedgerError  # noqa: PLC0415
    from telefonie_mcp.ledger.files import expanded_path, file_of  # noqa: PLC0415

    named: list[tuple[str, Path | None]] = []
    if settings.sandbox_db and settings.mode == "sandbox" and settings.sandbox_db != ":memory:":
        named.append(("SANDBOX_DB", Path(settings.sandbox_database)))
    if settings.ledger:
        with suppress(LedgerError):  # whoever opens it says what is wrong
            named.append(("LEDGER", file_of(settings.ledger_url)))
    kept = None
    if settings.state_dir:
        with suppress(LedgerError):
            kept = expanded_path(str(settings.state_dir))
    for name, file in named:
        if file and not (directory := file.absolute().parent).is_dir():
            return f"{PREFIX}{name}: there is no directory {directory}; correct the path, or make it first"
        if file and file.is_dir():
            return f"{PREFIX}{name}: {file} is a directory; name a file in it"
    if kept and kept.exists() and not kept.is_dir():
        return f"{PREFIX}STATE_DIR: {kept} is a file; name a directory, which need not exist yet"
    return None


def shortened(path: Path) -> str:
    """Return a path as people write it: what is in the user's home begins with ``~``."""
    home = os.environ.get("HOME", "")
    try:
        return f"~/{path.absolute().relative_to(home)}" if home else str(path)
    except ValueError:
        return str(path)


@contextmanager
def opened_ledger(url: str) -> Generator["Ledger"]:
    """Open a ledger to look at; every error names its file.

    Raises:
        LedgerError: it cannot be opened, is empty, or the block found something damaged.

    """
    from telefonie_mcp.ledger.errors import LedgerError  # noqa: PLC0415
    from telefonie_mcp.ledger.files import (  # noqa: PLC0415
        EMPTY_REMEDY,
        file_of,
        is_empty,
    )
    from telefonie_mcp.ledger.store import Ledger  # noqa: PLC0415

    file = file_of(url)
    if file and is_empty(file):
        raise LedgerError(f"{file} is empty. {EMPTY_REMEDY}")
    try:
        ledger = Ledger.open(url)
        try:
            yield ledger
        finally:
            ledger.close()
    except LedgerError as error:
        raise LedgerError(f"{error} ({file})" if file else str(error)) from error


@contextmanager
def sandbox_errors() -> Generator[None]:
    """Raise a ``SandboxError`` as a ``TelefonieError``, which the command line reports as one sentence."""
    from telefonie_mcp.sandbox import SandboxError  # noqa: PLC0415

    try:
        yield
    except SandboxError as error:
        raise TelefonieError(str(error)) from error
