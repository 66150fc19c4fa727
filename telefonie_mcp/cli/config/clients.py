"""The clients this server knows how to be configured in: what each reads, and where. Pure.

Locations follow each client's documentation, as of November 2026: the file for all projects of a user.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Final, Literal

from telefonie_mcp.errors import SettingsError

__all__ = ["CLIENTS", "ClientProfile", "Platform", "config_file"]

Platform = Literal["linux", "darwin", "win32"]


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """A client and its configuration.

    Attributes:
        title: Its name for people.
        servers: The member of its configuration that holds the servers.
        linux: Its file, below a directory that a variable may name (see :func:`config_file`).
        darwin: The same on macOS, where it is another one.
        win32: The same on Windows, where it is another one.
        reference: How a value of ``env`` refers to a variable of the client's own environment, with
            ``{}`` for its name; ``None`` where it cannot.
        asks: It asks the person for values that are declared as ``inputs``.
        forwards: It hands on the variables that ``env_vars`` names.
        typed: An entry says that it is about ``stdio``.
        syntax: What the configuration is written in; JSON may have comments.

    """

    title: str
    servers: str
    linux: str
    darwin: str | None = None
    win32: str | None = None
    reference: str | None = None
    asks: bool = False
    forwards: bool = False
    typed: bool = False
    syntax: Literal["json", "toml"] = "json"


CLIENTS: Final[Mapping[str, ClientProfile]] = {
    "claude-desktop": ClientProfile(
        "Claude Desktop",
        "mcpServers",
        linux="CONFIG/Claude/claude_desktop_config.json",
        darwin="HOME/Library/Application Support/Claude/claude_desktop_config.json",
        win32="APPDATA/Claude/claude_desktop_config.json",
    ),
    "claude-code": ClientProfile(
        "Claude Code",
        "mcpServers",
        linux="CLAUDE_CONFIG_DIR/.claude.json",
        reference="${{{}:-}}",  # empty, not the text itself, where the variable is not set
        typed=True,
    ),
    "vscode": ClientProfile(
        "VS Code",
        "servers",
        linux="CONFIG/Code/User/mcp.json",
        darwin="HOME/Library/Application Support/Code/User/mcp.json",
        win32="APPDATA/Code/User/mcp.json",
        asks=True,
        typed=True,
    ),
    "cursor": ClientProfile("Cursor", "mcpServers", linux="HOME/.cursor/mcp.json", reference="${{env:{}}}"),
    "windsurf": ClientProfile(
        "Windsurf", "mcpServers", linux="HOME/.codeium/windsurf/mcp_config.json", reference="${{env:{}}}"
    ),
    "zed": ClientProfile(
        "Zed",
        "context_servers",
        linux="CONFIG/zed/settings.json",
        darwin="HOME/.config/zed/settings.json",
        win32="APPDATA/Zed/settings.json",
    ),
    "inspector": ClientProfile(
        "MCP Inspector", "mcpServers", linux="HOME/.mcp-inspector/mcp.json", typed=True
    ),
    "gemini-cli": ClientProfile(
        "Gemini CLI", "mcpServers", linux="HOME/.gemini/settings.json", reference="${{{}}}"
    ),
    "codex-cli": ClientProfile(
        "Codex CLI", "mcp_servers", linux="CODEX_HOME/config.toml", forwards=True, syntax="toml"
    ),
}

_HOME: Final[Mapping[Platform, str]] = {"linux": "HOME", "darwin": "HOME", "win32": "USERPROFILE"}

_DEFAULTS: Final[Mapping[str, str]] = {
    "CONFIG": "HOME/.config",
    "APPDATA": "HOME/AppData/Roaming",
    "CLAUDE_CONFIG_DIR": "HOME",
    "CODEX_HOME": "HOME/.codex",
}
"""Where a directory is unless its variable says."""


def config_file(client: ClientProfile, platform: str, environment: Mapping[str, str]) -> PurePath:
    """Return the file that ``client`` reads.

    Args:
        client: The client.
        platform: As :data:`sys.platform` has it; what is neither macOS nor Windows is like Linux.
        environment: The user's variables.

    Raises:
        SettingsError: the environment does not say where the user's home is.

    """
    kind: Platform = "darwin" if platform == "darwin" else "win32" if platform == "win32" else "linux"
    path = PureWindowsPath if kind == "win32" else PurePosixPath
    place = {"linux": client.linux, "darwin": client.darwin, "win32": client.win32}[kind] or client.linux
    directory, _, rest = place.partition("/")
    if directory in _DEFAULTS:
        variable = "XDG_CONFIG_HOME" if directory == "CONFIG" else directory
        if value := environment.get(variable):
            return path(value, rest)
        rest = f"{_DEFAULTS[directory]}/{rest}".partition("/")[2]
    home = environment.get(_HOME[kind])
    if not home:
        raise SettingsError(f"{_HOME[kind]} does not say where your home directory is")
    return path(home, rest)
