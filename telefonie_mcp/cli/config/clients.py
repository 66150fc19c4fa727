"""The supported MCP clients: format and location of their configuration files. Pure.

Locations are those of each client's documentation as of November 2026, for all projects of a user.
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
    """The configuration format of one client.

    Attributes:
        title: Display name.
        servers: The member of the configuration that holds the servers.
        linux: The file on Linux, as ``DIRECTORY/path``; see :func:`config_file` for the directories.
        darwin: The file on macOS, if it differs.
        win32: The file on Windows, if it differs.
        reference: Format of a reference to one of the client's environment variables in a value of ``env``,
            with ``{}`` for its name; ``None`` if the client has no such references.
        asks: The client prompts the user for values declared in ``inputs``.
        forwards: The client passes on the environment variables listed in ``env_vars``.
        typed: An entry has the member ``"type": "stdio"``.
        syntax: The syntax of the file; JSON may have comments.
        project: The file for one project, below its directory, if the client reads one.

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
    project: str | None = None


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
        reference="${{{}:-}}",  # the default is empty; without one, an unset variable leaves the reference
        typed=True,
        project=".mcp.json",
    ),
    "vscode": ClientProfile(
        "VS Code",
        "servers",
        linux="CONFIG/Code/User/mcp.json",
        darwin="HOME/Library/Application Support/Code/User/mcp.json",
        win32="APPDATA/Code/User/mcp.json",
        asks=True,
        typed=True,
        project=".vscode/mcp.json",
    ),
    "cursor": ClientProfile(
        "Cursor",
        "mcpServers",
        linux="HOME/.cursor/mcp.json",
        reference="${{env:{}}}",
        project=".cursor/mcp.json",
    ),
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
        "Gemini CLI",
        "mcpServers",
        linux="HOME/.gemini/settings.json",
        reference="${{{}}}",
        project=".gemini/settings.json",
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
"""Default of a directory whose environment variable is not set."""


def config_file(client: ClientProfile, platform: str, environment: Mapping[str, str]) -> PurePath:
    """Return the path of the client's configuration file.

    Args:
        client: The client.
        platform: A value of :data:`sys.platform`; other platforms than macOS and Windows count as Linux.
        environment: The user's environment variables.

    Raises:
        SettingsError: the environment does not name the user's home directory.

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
