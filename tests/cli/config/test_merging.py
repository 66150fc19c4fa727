"""A configuration in a file that says other things too."""

import json
import tomllib
from typing import Any

import pytest

from telefonie_mcp.cli.config.clients import CLIENTS
from telefonie_mcp.cli.config.entry import Configuration, build_configuration
from telefonie_mcp.cli.config.launch import Launch, SettingVariables
from telefonie_mcp.cli.config.merging import MergeError, merged

KEY = "key-0451-abcdef"
LAUNCH = Launch("/venv/bin/telefonie-mcp")


def made(name: str, *, with_key: bool = False, live: bool = False, **plain: str) -> Configuration:
    secret = {"TELEFONIE_API_KEY": KEY} if live or with_key else {}
    settings = {f"TELEFONIE_{setting}": value for setting, value in plain.items()}
    return build_configuration(CLIENTS[name], LAUNCH, SettingVariables(settings, secret), with_key=with_key)


def file(name: str, entry: dict[str, Any] | None = None, **others: Any) -> str:
    servers = {"other": {"command": "x"}, **({} if entry is None else {"telefonie": entry})}
    return json.dumps({**others, CLIENTS[name].servers: servers}, indent=4)


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_becomes_what_the_command_prints(name: str, text: str) -> None:
    configuration = made(name, API_KEY_FILE="/key")
    result = merged(text, configuration)
    read = tomllib.loads if CLIENTS[name].syntax == "toml" else json.loads
    assert read(result) == read(configuration.text)


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if client.syntax == "json"])
def test_other_servers_and_settings_stay(name: str) -> None:
    result = json.loads(merged(file(name, theme="dark"), made(name, READ_ONLY="true")))
    assert result["theme"] == "dark"
    servers = result[CLIENTS[name].servers]
    assert [*servers] == ["other", "telefonie"]
    assert servers["other"] == {"command": "x"}
    assert servers["telefonie"]["env"] == {"TELEFONIE_READ_ONLY": "true"}


@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_there_already_changes_nothing(name: str) -> None:
    configuration = made(name, with_key=True, READ_ONLY="true")
    once = merged("", configuration)
    assert merged(once, configuration) == once


def test_what_an_old_entry_says_besides_stays() -> None:
    old = {
        "command": "old",
        "args": ["x"],
        "disabled": True,
        "env": {"TELEFONIE_MAX_MONTHLY_SPEND": "25", "TELEFONIE_READ_ONLY": "true", "PATH": "/bin"},
    }
    result = json.loads(merged(file("cursor", old), made("cursor", READ_ONLY="false", TIMEOUT="5")))
    assert result["mcpServers"]["telefonie"] == {
        "command": LAUNCH.command,
        "args": [],
        "disabled": True,
        "env": {
            "TELEFONIE_MAX_MONTHLY_SPEND": "25",
            "TELEFONIE_READ_ONLY": "false",
            "PATH": "/bin",
            "TELEFONIE_TIMEOUT": "5",
        },
    }


def test_codex_keeps_what_its_entry_says_besides() -> None:
    text = """\
[mcp_servers.telefonie]
command = "old"
tool_timeout_sec = 90
env_vars = ["LANG"]

[mcp_servers.telefonie.env]
TELEFONIE_READ_ONLY = "true"
"""
    result = tomllib.loads(merged(text, made("codex-cli", live=True, TIMEOUT="5")))
    assert result["mcp_servers"]["telefonie"] == {
        "command": LAUNCH.command,
        "tool_timeout_sec": 90,
        "env_vars": ["LANG", "TELEFONIE_API_KEY"],
        "env": {"TELEFONIE_READ_ONLY": "true", "TELEFONIE_TIMEOUT": "5"},
    }


def test_codex_keeps_comments_dates_and_forwarded_tables() -> None:
    text = """\
[mcp_servers.telefonie] # mine
command = "old" # where it is
since = 2026-11-24 # when
env_vars = [ # what
  { name = "X" }, # this
]
"""
    assert merged(text, made("codex-cli", live=True)) == text.replace("old", LAUNCH.command).replace(
        "# this\n", '# this\n  "TELEFONIE_API_KEY",\n'
    )


def test_an_input_is_added_once() -> None:
    known = {"type": "promptString", "id": "mine"}
    once = merged(json.dumps({"inputs": [known]}), made("vscode", live=True))
    assert [asked["id"] for asked in json.loads(once)["inputs"]] == ["mine", "telefonie-api-key"]
    assert merged(once, made("vscode", live=True)) == once


def test_a_key_in_the_file_stays_where_none_can_be_referred_to() -> None:
    old = {"command": "old", "env": {"TELEFONIE_API_KEY": "another-key"}}
    result = json.loads(merged(file("zed", old), made("zed", live=True)))
    assert result["context_servers"]["telefonie"]["env"] == {"TELEFONIE_API_KEY": "another-key"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("cursor", '{"mcpServers": ', "it is not valid JSON: line 1, column 16"),
        ("cursor", "[" * 100_000, "it is not valid JSON: "),
        ("cursor", "[]", "its root is not an object"),
        ("cursor", '{"mcpServers": []}', "mcpServers is not an object"),
        ("cursor", '{"mcpServers": {"telefonie": 1}}', "telefonie is not an object"),
        ("cursor", '{"mcpServers": {"telefonie": {"env": []}}}', "env is not an object"),
        ("cursor", '{"mcpServers": {"telefonie": {"url": "x"}}}', r"a server on the network \(url\)"),
        ("vscode", '{"inputs": {}}', "inputs is not an array"),
        ("codex-cli", "a = \n", "it is not valid TOML: "),
        ("codex-cli", 'mcp_servers = "x"\n', "mcp_servers is not an object"),
        ("codex-cli", "[mcp_servers.telefonie]\nenv = []\n", "env is not an object"),
    ],
)
def test_what_cannot_be_kept_is_not_touched(name: str, text: str, words: str) -> None:
    with pytest.raises(MergeError, match=words):
        merged(text, made(name, live=True))


@pytest.mark.parametrize("name", ["claude-desktop", "zed", "inspector"])
def test_a_stand_in_is_not_written(name: str) -> None:
    with pytest.raises(MergeError, match="can refer to no secret, and TELEFONIE_API_KEY is one"):
        merged("", made(name, live=True))


def test_old_and_new_settings_must_go_together() -> None:
    old = {"command": "old", "env": {"TELEFONIE_API_KEY": "${env:MINE}"}}
    with pytest.raises(MergeError, match=r"would not start .* contradict each other"):
        merged(file("cursor", old), made("cursor", API_KEY_FILE="/key"))
    misspelt = {"command": "old", "env": {"TELEFONIE_READONLY": "true"}}
    with pytest.raises(MergeError, match="did you mean TELEFONIE_READ_ONLY"):
        merged(file("cursor", misspelt), made("cursor"))
