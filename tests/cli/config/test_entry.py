"""What each client is told; the examples are what the command prints."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.cli.commands import SECRETS
from telefonie_mcp.cli.config.clients import CLIENTS
from telefonie_mcp.cli.config.entry import build_configuration
from telefonie_mcp.cli.config.launch import Launch, SettingVariables

EXAMPLES = Path(__file__).parents[3] / "examples/clients"
KEY = "key-0451-abcdef"
LAUNCH = Launch("telefonie-mcp")
LIVE = SettingVariables({"TELEFONIE_READ_ONLY": "true"}, {"TELEFONIE_API_KEY": KEY})
INPUT = "${input:telefonie-api-key}"
REFERENCES = {
    "claude-desktop": "your-key",
    "claude-code": "${TELEFONIE_API_KEY:-}",
    "vscode": INPUT,
    "cursor": "${env:TELEFONIE_API_KEY}",
    "windsurf": "${env:TELEFONIE_API_KEY}",
    "zed": "your-key",
    "inspector": "your-key",
    "gemini-cli": "${TELEFONIE_API_KEY}",
    "codex-cli": None,
}


def parsed(text: str, name: str) -> dict[str, Any]:
    return tomllib.loads(text) if CLIENTS[name].syntax == "toml" else json.loads(text)


@pytest.mark.parametrize("name", CLIENTS)
def test_the_key_is_referred_to_and_never_written(name: str) -> None:
    made = build_configuration(CLIENTS[name], LAUNCH, LIVE)
    assert KEY not in made.text
    assert KEY not in repr(made) + repr(LIVE)
    entry = parsed(made.text, name)[CLIENTS[name].servers]["telefonie"]
    assert entry["env"].get("TELEFONIE_API_KEY") == REFERENCES[name]
    assert entry["env"]["TELEFONIE_READ_ONLY"] == "true"
    stands_in = REFERENCES[name] == "your-key"
    assert made.missing == (("TELEFONIE_API_KEY",) if stands_in else ())
    assert made.references == (() if stands_in else ("TELEFONIE_API_KEY",))


@pytest.mark.parametrize("name", CLIENTS)
def test_the_key_stands_in_it_when_that_is_wanted(name: str) -> None:
    made = build_configuration(CLIENTS[name], LAUNCH, LIVE, with_key=True)
    entry = parsed(made.text, name)[CLIENTS[name].servers]["telefonie"]
    assert entry["env"] == {"TELEFONIE_API_KEY": KEY, "TELEFONIE_READ_ONLY": "true"}
    assert (made.inputs, made.references, made.missing) == ((), (), ())


@pytest.mark.parametrize("name", CLIENTS)
def test_the_sandbox_needs_a_command_and_no_more(name: str) -> None:
    client = CLIENTS[name]
    made = build_configuration(client, Launch("/bin/uvx", ("telefonie-mcp",)), SettingVariables({}, {}))
    kind = {"type": "stdio"} if client.typed else {}
    entry = {**kind, "command": "/bin/uvx", "args": ["telefonie-mcp"]}
    assert parsed(made.text, name) == {client.servers: {"telefonie": entry}}


def test_vs_code_asks_for_the_secrets() -> None:
    secrets = {"TELEFONIE_API_KEY": KEY, "TELEFONIE_STATE_KEYS": "k" * 32}
    tree = json.loads(build_configuration(CLIENTS["vscode"], LAUNCH, SettingVariables({}, secrets)).text)
    assert [(asked["id"], asked["password"]) for asked in tree["inputs"]] == [
        ("telefonie-api-key", True),
        ("telefonie-state-keys", True),
    ]
    assert tree["servers"]["telefonie"]["env"] == {
        "TELEFONIE_API_KEY": INPUT,
        "TELEFONIE_STATE_KEYS": "${input:telefonie-state-keys}",
    }


def test_what_stands_for_a_secret_says_so() -> None:
    secrets = {
        "TELEFONIE_LEDGER": "postgresql+psycopg://me:pass-word@host/db",
        "TELEFONIE_STATE_KEYS": "k" * 32,
    }
    made = build_configuration(CLIENTS["zed"], LAUNCH, SettingVariables({}, secrets))
    assert made.entry["env"] == {
        "TELEFONIE_LEDGER": "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
        "TELEFONIE_STATE_KEYS": "your-state-keys",
    }


def test_something_stands_for_every_secret() -> None:
    secrets = {f"TELEFONIE_{name.upper()}": "secret" for name in SECRETS}
    made = build_configuration(CLIENTS["zed"], LAUNCH, SettingVariables({}, secrets))
    assert {*made.missing} == made.entry["env"].keys() == secrets.keys()


def test_there_is_an_example_for_every_client() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == CLIENTS.keys()


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_the_examples_are_what_the_command_prints_with_a_key(path: Path) -> None:
    client = CLIENTS[path.stem]
    assert path.suffix == f".{client.syntax}"
    made = build_configuration(client, LAUNCH, SettingVariables({}, {"TELEFONIE_API_KEY": KEY}))
    assert path.read_text() == made.text
