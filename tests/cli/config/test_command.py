"""The command: what it prints, shows, asks and writes; what it writes starts this installation."""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from telefonie_mcp.cli.config.clients import CLIENTS, config_file
from tests.support.commands import MODULE, command
from tests.support.wire import SECONDS, environment

KEY = "key-0451-abcdef"
SCRIPT = str(Path(sys.executable).parent / "telefonie-mcp")


def place(name: str, home: Path) -> Path:
    return Path(config_file(CLIENTS[name], sys.platform, {"HOME": str(home)}))


def written(name: str, home: Path, program: str) -> dict[str, Any]:
    """Return what the command writes into the file of a client to start the server."""
    file = place(name, home)
    status, output, notes = command(
        home, "config", name, "--write", "--yes", program=program, TELEFONIE_SANDBOX_DB=":memory:"
    )
    assert (status, output) == (0, "")
    assert f"{file} is written." in notes
    read = tomllib.loads if CLIENTS[name].syntax == "toml" else json.loads
    return read(file.read_text())[CLIENTS[name].servers]["telefonie"]


def start_of(entry: dict[str, Any]) -> tuple[str, list[str], dict[str, str]]:
    return entry["command"], entry.get("args", []), entry["env"]


@pytest.mark.parametrize("program", [SCRIPT, MODULE], ids=["script", "module"])
async def test_what_it_writes_starts_this_installation(program: str, tmp_path: Path) -> None:
    """Every client is told the same, in its own words."""
    name, *others = CLIENTS
    start, *arguments, env = start_of(written(name, tmp_path, program))
    for other in others:
        assert start_of(written(other, tmp_path, program)) == (start, *arguments, env)
    assert start == (SCRIPT if program == SCRIPT else sys.executable)
    server = StdioServerParameters(command=start, args=arguments[0], env=environment(tmp_path, **env))
    with anyio.fail_after(SECONDS):
        async with Client(stdio_client(server)) as client:
            assert client.server_info
            assert client.server_info.title == "Telefonie phone numbers (sandbox)"


def test_it_prints_the_settings_in_force_and_no_key(tmp_path: Path) -> None:
    status, output, notes = command(
        tmp_path, "--read-only", "config", "cursor", TELEFONIE_API_KEY=KEY, TELEFONIE_TIMEOUT="5"
    )
    assert status == 0
    assert json.loads(output)["mcpServers"]["telefonie"] == {
        "command": sys.executable,
        "args": ["-m", "telefonie_mcp"],
        "env": {
            "TELEFONIE_API_KEY": "${env:TELEFONIE_API_KEY}",
            "TELEFONIE_TIMEOUT": "5",
            "TELEFONIE_READ_ONLY": "true",
        },
    }
    assert notes == (
        "Start Cursor where TELEFONIE_API_KEY is set; it is not in the file.\n"
        f"It belongs in {place('cursor', tmp_path)}; --write merges it into that file.\n"
    )
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vscode", "VS Code asks for TELEFONIE_API_KEY once, and keeps it."),
        ("zed", "Zed can refer to no secret: replace what stands for TELEFONIE_API_KEY, or put"),
        ("codex-cli", "Start Codex CLI where TELEFONIE_API_KEY is set; it is not in the file."),
    ],
)
def test_it_says_where_the_key_comes_from(name: str, words: str, tmp_path: Path) -> None:
    _, output, notes = command(
        tmp_path, "config", name, TELEFONIE_API_KEY=KEY, TELEFONIE_HTTP="127.0.0.1:8000"
    )
    assert words in notes
    assert "TELEFONIE_HTTP is left out" in notes
    assert KEY not in output + notes
    assert "TELEFONIE_HTTP" not in output


def test_a_key_is_written_only_when_asked_for_and_shown_nowhere(tmp_path: Path) -> None:
    file = place("zed", tmp_path)
    status, _, notes = command(tmp_path, "config", "zed", "--write", "--yes", TELEFONIE_API_KEY=KEY)
    assert status == 2
    assert f"telefonie-mcp: {file} was not changed: Zed can refer to no secret" in notes
    assert "This is what it would have to say" in notes
    assert not file.exists()
    status, output, notes = command(
        tmp_path, "config", "zed", "--write", "--yes", "--with-key", TELEFONIE_API_KEY=KEY
    )
    assert status == 0
    assert f"TELEFONIE_API_KEY is in it in plain text: whoever can read {file} can use it." in notes
    assert KEY not in output + notes
    assert KEY in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    _, output, _ = command(tmp_path, "config", "zed", "--with-key", TELEFONIE_API_KEY=KEY)
    assert json.loads(output)["context_servers"]["telefonie"]["env"] == {"TELEFONIE_API_KEY": KEY}


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_it_shows_the_difference_and_asks(answer: str, status: int, tmp_path: Path) -> None:
    file = place("zed", tmp_path)
    file.parent.mkdir(parents=True)
    before = '// mine\n{\n  "theme": "x", // dark\n}\n'
    file.write_text(before)
    done, output, notes = command(tmp_path, "config", "zed", "--write", answer=answer)
    assert (done, output) == (status, "")
    assert '   "theme": "x", // dark\n+  "context_servers": {\n+    "telefonie": {\n' in notes
    assert f"Change {file}? [y/N]: " in notes
    if status:
        assert file.read_text() == before
        assert [*file.parent.iterdir()] == [file]
        return
    assert file.read_text().startswith('// mine\n{\n  "theme": "x", // dark\n  "context_servers": {')
    backup = file.with_name("settings.json.bak")
    assert f"{file} is written; what it said before is in {backup}.\nRestart Zed" in notes
    assert backup.read_text() == before
    assert command(tmp_path, "config", "zed", "--write")[2] == f"{file} says so already.\n"


def test_a_key_of_before_is_not_shown_either(tmp_path: Path) -> None:
    file = place("cursor", tmp_path)
    file.parent.mkdir(parents=True)
    env = {"OTHER_TOKEN": "another-0451", "TELEFONIE_API_KEY": 'old-"key"-0451', "PATH": "/bin"}
    entry = {"command": "x", "env": env}
    file.write_text(json.dumps({"mcpServers": {"telefonie": entry}}, indent=2))
    status, _, notes = command(tmp_path, "config", "cursor", "--write", "--yes", TELEFONIE_API_KEY=KEY)
    assert status == 0
    assert '-        "TELEFONIE_API_KEY": "**********",' in notes
    assert '+        "TELEFONIE_API_KEY": "${env:TELEFONIE_API_KEY}",' in notes
    assert '"OTHER_TOKEN": "**********"' in notes
    assert "0451" not in notes


@pytest.mark.parametrize("mode", [0o644, 0o600])
@pytest.mark.parametrize("there", ["{}", ""])
def test_a_file_with_a_key_is_private_whatever_it_was(there: str, mode: int, tmp_path: Path) -> None:
    file = place("cursor", tmp_path)
    file.parent.mkdir()
    file.write_text(there)
    file.chmod(mode)
    given = ("config", "cursor", "--write", "--yes", "--with-key")
    assert command(tmp_path, *given, TELEFONIE_API_KEY=KEY)[0] == 0
    assert KEY in file.read_text()
    assert {each.stat().st_mode & 0o777 for each in file.parent.iterdir()} == {0o600}
    assert len([*file.parent.iterdir()]) == 2
    file.chmod(0o644)
    _, _, notes = command(tmp_path, *given, TELEFONIE_API_KEY=KEY)
    assert f"{file} says so already.\nOthers could read it; only you can now.\n" in notes
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_to_itself_ends_with_a_sentence(tmp_path: Path) -> None:
    file = place("cursor", tmp_path)
    file.parent.mkdir()
    file.symlink_to(file)
    status, output, notes = command(tmp_path, "config", "cursor", "--write", "--yes")
    assert (status, output) == (2, "")
    assert notes == (
        f"telefonie-mcp: {file} cannot be read (Too many levels of symbolic links); nothing was changed\n"
    )


def test_a_broken_file_is_left_alone(tmp_path: Path) -> None:
    file = place("claude-desktop", tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text('{"mcpServers": {\n')
    status, output, notes = command(tmp_path, "config", "claude-desktop", "--write", "--yes")
    assert (status, output) == (2, "")
    assert f"telefonie-mcp: {file} was not changed: it is not valid JSON: line 2, column 1: " in notes
    assert file.read_text() == '{"mcpServers": {\n'
    assert [*file.parent.iterdir()] == [file]


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["config", "zed", "--yes"], {}, "--yes answers the question of --write"),
        (["config", "emacs"], {}, "'emacs' is not one of 'claude-desktop', "),
        (
            ["config", "zed"],
            {"TELEFONIE_READONLY": "1"},
            "TELEFONIE_READONLY is not a setting",
        ),
        (["config", "zed"], {"HOME": ""}, "telefonie-mcp: HOME does not say where your home directory is"),
    ],
)
def test_mistakes_end_with_a_sentence_and_status_2(
    arguments: list[str], variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    status, output, notes = command(tmp_path, *arguments, **variables)
    assert (status, output) == (2, "")
    assert words in notes
