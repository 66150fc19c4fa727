"""What every command needs: the settings in force, and the sandbox's errors as the command line's own."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings

__all__ = ["sandbox_errors", "settings_in_force"]


def settings_in_force(flags: Mapping[str, Any], **forced: Any) -> Settings:
    """Return the settings in force, with the log set up as they say.

    Raises:
        SettingsError: they are wrong.

    """
    from telefonie_mcp.logs import configure_logging  # noqa: PLC0415

    settings = read_settings(os.environ, {**flags, **forced})
    configure_logging(settings.log_level, settings.log_format, settings.secrets)
    return settings


@contextmanager
def sandbox_errors() -> Generator[None]:
    """Turn what the sandbox says, which knows nothing of the rest, into an error of the command line."""
    from telefonie_mcp.sandbox import SandboxError  # noqa: PLC0415

    try:
        yield
    except SandboxError as error:
        raise TelefonieError(str(error)) from error
