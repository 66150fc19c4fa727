"""What a later write keeps is named; `--replace` and `--remove` keep nothing of the entry."""

import json
import os
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.cli.config import jsonc, toml
from telefonie_mcp.cli.config.clients import CLIENTS
from telefonie_mcp.cli.config.merging import removed
from tests.cli.config.test_command import KEY, place
from tests.support.commands import command

YES = ("--write", "--yes")


def entry_of(name: str, file: Path) -> dict[str, Any] | None:
    read = tomllib.loads if CLIENTS[name].syntax == "toml" else json.loads
    return read(file.read_text()).get(CLIENTS[name].servers, {}).get("telefonie")


@contextmanager
def working_in(directory: Path) -> Generator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_later_write_names_what_it_keeps(name: str, tmp_path: Path) -> None:
    flags = ("--read-only", "--max-monthly-spend", "25")
    assert command(tmp_path, *flags, "config", name, *YES)[0] == 0
    status, _, notes = command(tmp_path, "--timeout", "5", "config", name, *YES)
    assert status == 0
    kept = "TELEFONIE_READ_ONLY, TELEFONIE_MAX_MONTHLY_SPEND"
    assert f"The entry keeps what it said besides: {kept}. --replace leaves that out.\n" in notes
    entry = entry_of(name, place(name, tmp_path))
    assert entry
    assert entry["env"].keys() == {*kept.split(", "), "TELEFONIE_TIMEOUT"}
    status, _, notes = command(tmp_path, "--timeout", "5", "config", name, *YES)
    assert "The entry keeps" in notes
    assert "says so already" in notes


def test_members_and_forwarded_variables_are_named_too(tmp_path: Path) -> None:
    file = place("codex-cli", tmp_path)
    file.parent.mkdir()
    file.write_text('[mcp_servers.telefonie]\ncommand = "x"\nenv_vars = ["OTHER"]\nstartup_timeout_sec = 5\n')
    _, _, notes = command(tmp_path, "config", "codex-cli", *YES)
    assert "The entry keeps what it said besides: OTHER, startup_timeout_sec." in notes


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("options", [("--replace", "--yes"), ("--write", "--replace", "--yes")])
def test_replace_makes_the_entry_exactly_what_is_asked(
    name: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    asked = ("--timeout", "5", "config", name)
    assert command(tmp_path, "--read-only", "config", name, *YES)[0] == 0
    status, _, notes = command(tmp_path, *asked, *options)
    assert status == 0
    assert any(line.startswith("-") and "TELEFONIE_READ_ONLY" in line for line in notes.splitlines())
    assert "keeps" not in notes
    file = place(name, tmp_path)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert command(fresh, *asked, *YES)[0] == 0
    assert entry_of(name, file) == entry_of(name, place(name, fresh))
    assert command(tmp_path, *asked, *options)[2] == f"{file} says so already.\n"


def test_replace_asks_and_keeps_a_secret_that_the_client_cannot_refer_to(tmp_path: Path) -> None:
    given = {"TELEFONIE_API_KEY": KEY}
    assert command(tmp_path, "--read-only", "config", "zed", *YES, "--with-key", **given)[0] == 0
    file = place("zed", tmp_path)
    before = file.read_text()
    status, _, notes = command(tmp_path, "config", "zed", "--replace", answer="n\n", **given)
    assert (status, file.read_text()) == (1, before)
    assert KEY not in notes
    assert command(tmp_path, "config", "zed", "--replace", "--yes", **given)[0] == 0
    entry = entry_of("zed", file)
    assert entry
    assert entry["env"] == given


@pytest.mark.parametrize("name", CLIENTS)
def test_remove_leaves_everything_else(name: str, tmp_path: Path) -> None:
    file = place(name, tmp_path)
    file.parent.mkdir(parents=True, exist_ok=True)
    servers = CLIENTS[name].servers
    if CLIENTS[name].syntax == "toml":
        before = f'# mine\nmodel = "x"\n\n[{servers}.other]\ncommand = "y"  # other\n'
    else:
        before = '// mine\n{\n  "theme": "x", // dark\n'
        before += f'  "{servers}": {{\n    "other": {{ "command": "y" }}\n  }}\n}}\n'
    file.write_text(before)
    assert command(tmp_path, "config", name, *YES, TELEFONIE_API_KEY_FILE="/key")[0] == 0
    written = file.read_text()
    assert written != before
    status, output, notes = command(tmp_path, "config", name, "--remove", answer="y\n")
    assert (status, output) == (0, "")
    assert f"Change {file}? [y/N]" in notes
    assert file.read_text().rstrip() == before.rstrip()
    assert (file.parent / f"{file.name}.bak2").read_text() == written
    assert command(tmp_path, "config", name, "--remove")[2] == f"{file} has no entry of this server.\n"


def test_remove_takes_its_inputs_along(tmp_path: Path) -> None:
    file = place("vscode", tmp_path)
    other = {"type": "promptString", "id": "other"}
    for before in ({"inputs": [other]}, {}):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(before))
        assert command(tmp_path, "config", "vscode", *YES, TELEFONIE_API_KEY=KEY)[0] == 0
        assert len(json.loads(file.read_text())["inputs"]) == 1 + len(before)
        assert command(tmp_path, "config", "vscode", "--remove", "--yes")[0] == 0
        assert json.loads(file.read_text()) == {**before, "servers": {}}


def test_remove_works_where_settings_are_wrong_and_where_nothing_is(tmp_path: Path) -> None:
    status, _, notes = command(tmp_path, "config", "zed", "--remove", TELEFONIE_READONLY="1")
    assert (status, notes) == (0, f"{place('zed', tmp_path)} has no entry of this server.\n")
    assert [*tmp_path.iterdir()] == []


def test_a_server_on_the_network_is_removed_or_replaced_when_asked(tmp_path: Path) -> None:
    file = place("cursor", tmp_path)
    file.parent.mkdir()
    remote = '{"mcpServers": {"telefonie": {"url": "https://example.com/mcp"}}}'
    file.write_text(remote)
    assert command(tmp_path, "config", "cursor", *YES)[0] == 2
    assert command(tmp_path, "config", "cursor", "--replace", "--yes")[0] == 0
    entry = entry_of("cursor", file)
    assert entry
    assert "url" not in entry
    file.write_text(remote)
    assert command(tmp_path, "config", "cursor", "--remove", "--yes")[0] == 0
    assert entry_of("cursor", file) is None


@pytest.mark.parametrize(
    ("name", "place_of_it"),
    [
        ("claude-code", ".mcp.json"),
        ("vscode", ".vscode/mcp.json"),
        ("cursor", ".cursor/mcp.json"),
        ("gemini-cli", ".gemini/settings.json"),
    ],
)
def test_a_project_has_a_file_of_its_own(name: str, place_of_it: str, tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    with working_in(project):
        status, _, notes = command(
            home, "--read-only", "config", name, "--project", *YES, TELEFONIE_API_KEY=KEY
        )
        assert status == 0
        assert "The paths in it are those of this machine" in notes
        file = project / place_of_it
        assert f"{file} is written." in notes
        assert KEY not in file.read_text()
        entry = entry_of(name, file)
        assert entry
        assert entry["env"]["TELEFONIE_READ_ONLY"] == "true"
        assert [*home.iterdir()] == []
        assert command(home, "config", name, "--project", "--remove", "--yes")[0] == 0
        assert entry_of(name, file) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("zed", "--project"),
            "Zed has no file for one project; claude-code, vscode, cursor, gemini-cli have.",
        ),
        (("cursor", "--project", "--with-key"), "--with-key does not go with --project."),
        (("cursor", "--remove", "--replace"), "--remove goes without --replace and --with-key."),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    status, output, notes = command(tmp_path, "config", *arguments)
    assert (status, output) == (2, "")
    assert words in notes


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": 1, "b": 2}', '{"a": 1 }'),
        ('{"b": 2, "a": 1}', '{ "a": 1}'),
        ('{"b": 2}', "{}"),
        ('{\n  "a": 1,\n  "b": {"c": [1, 2]}\n}', '{\n  "a": 1\n}'),
        ('{\n  "b": 2, // two\n  "a": 1\n}', '{\n   // two\n  "a": 1\n}'),
        ('{\n  "a": 1, // one\n  "b": 2,\n}', '{\n  "a": 1, // one\n}'),
        ('{\r\n  "a": 1,\r\n  "b": 2\r\n}\r\n', '{\r\n  "a": 1\r\n}\r\n'),
        ('{"a": 1 /* , */ , /* b */ "b": 2 /* c */ }', '{"a": 1 /* , */  /* b */  /* c */ }'),
        ('{"a": 1}', '{"a": 1}'),
    ],
)
def test_a_member_is_removed_from_json(text: str, left: str) -> None:
    assert jsonc.remove(text, ("b",)) == left


def test_a_name_that_stands_twice_is_left_alone() -> None:
    with pytest.raises(ValueError, match="b cannot be removed without a loss"):
        jsonc.remove('{"b": 1, "a": 3, "b": 2}', ("b",))


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n[s.b]\nc = 1\n[s.b.env]\nd = 2\n[s.a]\ne = 3\n",
        "[s]\nb = {c = 1}\na = {e = 3}\n",
        "s.b.c = 1\ns.a.e = 3\n",
        "[s.b]\r\nc = 1\r\n[s.a]\r\ne = 3\r\n",
    ],
)
def test_a_table_is_removed_from_toml(text: str) -> None:
    left = toml.remove(text, ("s", "b"))
    assert toml.parse(left)["s"] == {"a": {"e": 3}}
    assert ("\r\n" in left) == ("\r\n" in text)
    assert toml.remove(left, ("s", "b")) == left
    assert toml.remove(left, ("no", "b")) == left


def test_an_empty_file_has_nothing_to_remove() -> None:
    for client in CLIENTS.values():
        assert removed("", client) == ""
