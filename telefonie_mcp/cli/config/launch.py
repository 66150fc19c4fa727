"""The command and environment variables with which a client starts this installation. Pure.

Clients start servers in their own working directory, without the shell's ``PATH`` and with few of its
variables. Therefore the command and all paths are absolute, and every setting is passed as a variable.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from pydantic import SecretStr

from telefonie_mcp.settings.fields import PREFIX, Settings
from telefonie_mcp.settings.hosted import HostedSettings

__all__ = ["HTTP", "Launch", "SettingVariables", "absolute", "settings_as_variables", "source_of"]

_NAME: Final = "telefonie-mcp"
HTTP: Final = frozenset(HostedSettings.model_fields)
"""Settings for serving HTTP, which are left out: clients start the server over stdio."""

_PATH_OR_URL: Final = frozenset({"sandbox_db", "ledger"})
"""Settings that may be a file path, but are not of type ``Path``."""

_UV_CACHE_PREFIX: Final = "archive-v"
"""Prefix of the directory in uv's cache where ``uvx`` keeps environments."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that starts the server."""

    command: str
    arguments: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, *, script: str | None, python: str, prefix: str, uvx: str | None, source: str | None
    ) -> "Launch":
        """Return the command for an installation.

        Args:
            script: Path of the running script, if it is executable.
            python: Path of the interpreter.
            prefix: Path of its environment (``sys.prefix``).
            uvx: Path of ``uvx``, if found.
            source: The URL from which the package was installed, unless it was a registry.

        """
        if Path(prefix).parent.name.startswith(_UV_CACHE_PREFIX):  # uvx may remove its cached environment
            wanted = ("--from", f"{_NAME} @ {source}", _NAME) if source else (_NAME,)
            return cls(uvx or "uvx", wanted)
        if script and Path(script).stem == _NAME:
            return cls(str(Path(script).absolute()))
        return cls(python, ("-m", "telefonie_mcp"))


def source_of(origin: Mapping[str, Any]) -> str | None:
    """Return the URL from which a package was installed, given its ``direct_url.json`` (PEP 610)."""
    url = origin.get("url")
    if url and (history := origin.get("vcs_info")):
        return f"{history['vcs']}+{url}@{history['commit_id']}"
    return url


@dataclass(frozen=True, slots=True)
class SettingVariables:
    """Settings as environment variables, secrets apart from the others."""

    plain: Mapping[str, str]
    secret: Mapping[str, str] = field(repr=False)


def absolute(path: Path) -> Path:
    """Return the absolute path of one that may begin with ``~``, as the server reads it."""
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - without a home it stays as it is


def settings_as_variables(settings: Settings) -> SettingVariables:
    """Return the environment variables that reproduce the settings that were set, with absolute paths.

    Settings for serving HTTP are left out: clients start the server over stdio.
    """
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for name in Settings.model_fields:
        if name not in settings.model_fields_set or name in HTTP:
            continue
        value = getattr(settings, name)
        text = _text(value)
        if name in _PATH_OR_URL and text != ":memory:" and "://" not in text:
            text = str(absolute(Path(text)))
        (secret if _is_secret(name, text, value) else plain)[PREFIX + name.upper()] = text
    return SettingVariables(plain, secret)


def _is_secret(name: str, text: str, value: Any) -> bool:
    if name == "ledger":  # a URL may contain a password, in several places; a file path does not
        return "://" in text and not text.startswith("sqlite")
    values = value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType] - any setting's
    return any(isinstance(part, SecretStr) for part in values)  # pyright: ignore[reportUnknownVariableType]


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Path():
            return str(absolute(value))
        case SecretStr():
            return value.get_secret_value()
        case tuple() | frozenset():
            parts = cast("list[Any]", sorted(value) if isinstance(value, frozenset) else list(value))  # pyright: ignore[reportUnknownArgumentType] - any setting's
            separator = os.pathsep if any(isinstance(part, Path) for part in parts) else ","
            return separator.join(map(_text, parts))
        case float():
            return f"{value:g}"
        case _:
            return str(value)
