"""How this installation is started, and which settings are in force, as a client must be told. Pure.

Clients start servers from a directory of their own, without the shell's ``PATH`` and with few of its
variables. So the command and every path are absolute, and every setting is named.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from pydantic import SecretStr

from telefonie_mcp.settings.fields import PREFIX, Settings

__all__ = ["HTTP", "Launch", "SettingVariables", "settings_as_variables", "source_of"]

_NAME: Final = "telefonie-mcp"
HTTP: Final = frozenset({"http", "http_json"})
"""Settings of a server that serves HTTP."""

_FILES: Final = frozenset({"sandbox_db", "ledger"})
"""Settings that are text because they need not be the path of a file."""

_EPHEMERAL: Final = "archive-v"
"""What the directory of uv's cache is called in which ``uvx`` keeps environments."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that starts the server."""

    command: str
    arguments: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, *, script: str | None, python: str, prefix: str, uvx: str | None, source: str | None
    ) -> "Launch":
        """Return how an installation is started.

        Args:
            script: The file that was started, if it can be started again.
            python: The interpreter.
            prefix: The environment it runs in.
            uvx: Where ``uvx`` is, if it is known.
            source: The URL that the package was installed from, if it was not a registry.

        """
        if Path(prefix).parent.name.startswith(_EPHEMERAL):  # uvx removes it some day, and makes it again
            wanted = ("--from", f"{_NAME} @ {source}", _NAME) if source else (_NAME,)
            return cls(uvx or "uvx", wanted)
        if script and Path(script).stem == _NAME:
            return cls(str(Path(script).absolute()))
        return cls(python, ("-m", "telefonie_mcp"))


def source_of(origin: Mapping[str, Any]) -> str | None:
    """Return the URL that installs a package again, of its ``direct_url.json`` (PEP 610)."""
    url = origin.get("url")
    if url and (history := origin.get("vcs_info")):
        return f"{history['vcs']}+{url}@{history['commit_id']}"
    return url


@dataclass(frozen=True, slots=True)
class SettingVariables:
    """Settings as variables: what everybody may see, and secrets."""

    plain: Mapping[str, str]
    secret: Mapping[str, str] = field(repr=False)


def settings_as_variables(settings: Settings) -> SettingVariables:
    """Return the settings that were made, as the variables that make them again, wherever one stands.

    How to serve HTTP is left out: these clients start the server over stdio.
    """
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for name in Settings.model_fields:
        if name not in settings.model_fields_set or name in HTTP:
            continue
        value = getattr(settings, name)
        text = _text(value)
        if name in _FILES and text != ":memory:" and "://" not in text:
            text = str(Path(text).absolute())
        (secret if _is_secret(name, text, value) else plain)[PREFIX + name.upper()] = text
    return SettingVariables(plain, secret)


def _is_secret(name: str, text: str, value: Any) -> bool:
    if name == "ledger":  # the path of a file is none; in a URL, a password can stand in several places
        return "://" in text and not text.startswith("sqlite")
    values = value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType] - any setting's
    return any(isinstance(part, SecretStr) for part in values)  # pyright: ignore[reportUnknownVariableType]


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Path():
            return str(value.absolute())
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
