"""Where each client's file is, on each platform."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from telefonie_mcp.cli.config.clients import CLIENTS, config_file
from telefonie_mcp.errors import SettingsError

MAC = "/Users/me/Library/Application Support"
ROAMING = r"C:\Users\me\AppData\Roaming"
FILES = {
    "claude-desktop": (
        "/home/me/.config/Claude/claude_desktop_config.json",
        f"{MAC}/Claude/claude_desktop_config.json",
        rf"{ROAMING}\Claude\claude_desktop_config.json",
    ),
    "claude-code": ("/home/me/.claude.json", "/Users/me/.claude.json", r"C:\Users\me\.claude.json"),
    "vscode": (
        "/home/me/.config/Code/User/mcp.json",
        f"{MAC}/Code/User/mcp.json",
        rf"{ROAMING}\Code\User\mcp.json",
    ),
    "cursor": ("/home/me/.cursor/mcp.json", "/Users/me/.cursor/mcp.json", r"C:\Users\me\.cursor\mcp.json"),
    "windsurf": (
        "/home/me/.codeium/windsurf/mcp_config.json",
        "/Users/me/.codeium/windsurf/mcp_config.json",
        r"C:\Users\me\.codeium\windsurf\mcp_config.json",
    ),
    "zed": (
        "/home/me/.config/zed/settings.json",
        "/Users/me/.config/zed/settings.json",
        rf"{ROAMING}\Zed\settings.json",
    ),
    "inspector": (
        "/home/me/.mcp-inspector/mcp.json",
        "/Users/me/.mcp-inspector/mcp.json",
        r"C:\Users\me\.mcp-inspector\mcp.json",
    ),
    "gemini-cli": (
        "/home/me/.gemini/settings.json",
        "/Users/me/.gemini/settings.json",
        r"C:\Users\me\.gemini\settings.json",
    ),
    "codex-cli": (
        "/home/me/.codex/config.toml",
        "/Users/me/.codex/config.toml",
        r"C:\Users\me\.codex\config.toml",
    ),
}


def test_every_client_is_tried() -> None:
    assert FILES.keys() == CLIENTS.keys()


@pytest.mark.parametrize("name", FILES)
def test_the_file_of_a_user(name: str) -> None:
    client = CLIENTS[name]
    linux, mac, windows = FILES[name]
    assert config_file(client, "linux", {"HOME": "/home/me"}) == PurePosixPath(linux)
    assert config_file(client, "freebsd14", {"HOME": "/home/me"}) == PurePosixPath(linux)
    assert config_file(client, "darwin", {"HOME": "/Users/me"}) == PurePosixPath(mac)
    for environment in ({"USERPROFILE": r"C:\Users\me"}, {"USERPROFILE": r"C:\Users\me", "APPDATA": ROAMING}):
        assert config_file(client, "win32", environment) == PureWindowsPath(windows)


@pytest.mark.parametrize(
    ("name", "platform", "environment", "file"),
    [
        ("zed", "linux", {"XDG_CONFIG_HOME": "/c"}, "/c/zed/settings.json"),
        ("vscode", "linux", {"XDG_CONFIG_HOME": "/c"}, "/c/Code/User/mcp.json"),
        ("vscode", "linux", {"XDG_CONFIG_HOME": "", "HOME": "/h"}, "/h/.config/Code/User/mcp.json"),
        ("zed", "darwin", {"XDG_CONFIG_HOME": "/c", "HOME": "/h"}, "/h/.config/zed/settings.json"),
        ("claude-code", "darwin", {"CLAUDE_CONFIG_DIR": "/c"}, "/c/.claude.json"),
        ("codex-cli", "linux", {"CODEX_HOME": "/c"}, "/c/config.toml"),
        ("codex-cli", "win32", {"CODEX_HOME": "D:\\c"}, "D:\\c\\config.toml"),
        ("zed", "win32", {"APPDATA": "D:\\r"}, "D:\\r\\Zed\\settings.json"),
    ],
)
def test_variables_move_it(name: str, platform: str, environment: dict[str, str], file: str) -> None:
    assert str(config_file(CLIENTS[name], platform, environment)) == file


@pytest.mark.parametrize(("platform", "variable"), [("linux", "HOME"), ("win32", "USERPROFILE")])
def test_without_a_home_there_is_no_file(platform: str, variable: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} does not say where your home directory is"):
        config_file(CLIENTS["cursor"], platform, {})
