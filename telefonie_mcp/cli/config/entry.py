"""Builds a client's configuration for this server; secrets are included only on request. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from telefonie_mcp.cli.config import toml
from telefonie_mcp.cli.config.clients import ClientProfile
from telefonie_mcp.cli.config.launch import Launch, SettingVariables
from telefonie_mcp.settings.fields import PREFIX, Settings

__all__ = ["OWN_INPUTS", "SERVER", "Configuration", "build_configuration"]

SERVER: Final = "telefonie"
"""Name of this server in a client's configuration."""

_PLACEHOLDERS: Final = {
    "TELEFONIE_API_KEY": "your-key",
    "TELEFONIE_LEDGER": "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
    "TELEFONIE_STATE_KEYS": "your-state-keys",
}
"""Placeholders that the user must replace, by variable."""


def _input_id(setting: str) -> str:
    return f"{SERVER}-{setting.replace('_', '-')}"


OWN_INPUTS: Final = frozenset(_input_id(name.removeprefix(PREFIX).lower()) for name in _PLACEHOLDERS)
"""Ids of the inputs that this server's entries refer to."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One client's configuration for this server.

    Attributes:
        client: The client.
        entry: This server's entry among the client's servers.
        inputs: The values for which the client prompts the user.
        references: Variables of secrets that the entry refers to.
        missing: Variables of secrets that the client cannot refer to; ``entry`` has a placeholder for each.

    """

    client: ClientProfile
    entry: Mapping[str, Any]
    inputs: tuple[Mapping[str, Any], ...] = ()
    references: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """A configuration file with this server only."""
        if self.client.syntax == "toml":
            return toml.rendered((self.client.servers, SERVER), self.entry)
        tree = {"inputs": list(self.inputs)} if self.inputs else {}
        tree |= {self.client.servers: {SERVER: self.entry}}
        return json.dumps(tree, ensure_ascii=False, indent=2) + "\n"


def build_configuration(
    client: ClientProfile, launch: Launch, variables: SettingVariables, *, with_key: bool = False
) -> Configuration:
    """Return the configuration of ``client``.

    Args:
        client: The client.
        launch: The command that starts the server.
        variables: The settings.
        with_key: Whether to include secrets in plain text.

    """
    names = () if with_key else tuple(variables.secret)
    env = dict(variables.secret) if with_key else {}
    inputs: list[dict[str, Any]] = []
    for name in names:
        if client.asks:
            setting = name.removeprefix(PREFIX).lower()
            identity = _input_id(setting)
            description = Settings.model_fields[setting].description
            inputs.append(
                {"type": "promptString", "id": identity, "description": description, "password": True}
            )
            env[name] = f"${{input:{identity}}}"
        elif client.reference:
            env[name] = client.reference.format(name)
        elif not client.forwards:
            env[name] = _PLACEHOLDERS[name]
    env |= variables.plain
    entry: dict[str, Any] = {"type": "stdio"} if client.typed else {}
    entry["command"] = launch.command
    if launch.arguments:
        entry["args"] = list(launch.arguments)
    if client.forwards and names:
        entry["env_vars"] = list(names)
    if env:
        entry["env"] = env
    refers = client.asks or client.forwards or client.reference
    return Configuration(client, entry, tuple(inputs), names if refers else (), () if refers else names)
