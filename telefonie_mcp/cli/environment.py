"""Shared by the commands: reading the settings, and translating the sandbox's errors."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings

__all__ = ["sandbox_errors", "settings_in_force"]


def settings_in_force(flags: Mapping[str, Any], **forced: Any) -> Settings:
    """Return the settings of the environment and the flags, and configure logging accordingly.

    Args:
        flags: The flags of the command line.
        forced: Settings that override both.

    Raises:
        SettingsError: the settings are invalid.

    """
    from telefonie_mcp.logs import configure_logging  # noqa: PLC0415

    settings = read_settings(os.environ, {**flags, **forced})
    configure_logging(settings.log_level, settings.log_format, settings.secrets)
    return settings


@contextmanager
def sandbox_errors() -> Generator[None]:
    """Raise a ``SandboxError`` as a ``TelefonieError``, which the command line reports as one sentence."""
    from telefonie_mcp.sandbox import SandboxError  # noqa: PLC0415

    try:
        yield
    except SandboxError as error:
        raise TelefonieError(str(error)) from error
