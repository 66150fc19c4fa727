"""One table of a TOML text changes, and not a character besides."""

import tomllib
from typing import Any

import pytest

from telefonie_mcp.cli.config.toml import parse, put, rendered

PATH = ("mcp_servers", "telefonie")
TABLE: dict[str, Any] = {"command": "/a b/telefonie-mcp", "args": [], "env": {"TELEFONIE_READ_ONLY": "true"}}
SECTION = """\
[mcp_servers.telefonie]
command = "/a b/telefonie-mcp"
args = []

[mcp_servers.telefonie.env]
TELEFONIE_READ_ONLY = "true"
"""
FILE = """\
# Codex
model = "x" # of mine

[mcp_servers.other] # not this one
command = "y"

[mcp_servers.other.env]
A = '''
[mcp_servers.decoy]
'''
"""


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", SECTION),
        ("a = [\n  [1, 2]\n]\n", f"a = [\n  [1, 2]\n]\n\n{SECTION}"),
        ("# nothing yet\n", f"# nothing yet\n\n{SECTION}"),
        (FILE, f"{FILE}\n{SECTION}"),
        (
            'a = 1\n\n[mcp_servers.telefonie]\ncommand = "old"\n\n# what follows\n[z]\nb = 2\n',
            f"a = 1\n\n{SECTION}\n# what follows\n[z]\nb = 2\n",
        ),
        (
            '[mcp_servers."telefonie"]\ncommand = "old"\n[z]\nb = 2\n[mcp_servers.telefonie.env]\nX = "1"',
            f"{SECTION}[z]\nb = 2\n",
        ),
        ("[ mcp_servers . telefonie ]\ncommand = 'old'", SECTION),
        ("[mcp_servers]\na.command = 'b'\n", f"[mcp_servers]\na.command = 'b'\n\n{SECTION}"),
    ],
)
def test_the_table_is_replaced_or_added(text: str, result: str) -> None:
    changed = put(text, PATH, TABLE)
    assert changed == result
    assert put(changed, PATH, TABLE) == changed
    assert parse(changed)["mcp_servers"]["telefonie"] == TABLE


def test_line_ends_are_those_of_the_file() -> None:
    text = FILE.replace("\n", "\r\n")
    assert put(text, PATH, TABLE) == f"{FILE}\n{SECTION}".replace("\n", "\r\n")
    old = SECTION.replace("true", "false").replace("\n", "\r\n")
    assert put(f"{old}\r\n[z]\r\n", PATH, TABLE) == f"{SECTION}\n[z]\n".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = \n", "line 1"),
        ("mcp_servers = 1\n", "mcp_servers is not a table"),
        ("[[mcp_servers]]\n", "mcp_servers is not a table"),
        ("mcp_servers = {}\n", "cannot be written without a loss"),
        ('[mcp_servers]\ntelefonie = { command = "x" }\n', "cannot be written without a loss"),
        ('mcp_servers.telefonie.command = "x"\n', "cannot be written without a loss"),
        ('[mcp_servers.telefonie]\ncommand = "x" # mine\n', "has comments, which would be lost"),
        ("x = '''\n[mcp_servers.telefonie]\n'''\n[z]\n", "cannot be written without a loss"),
    ],
)
def test_what_cannot_be_done_without_loss_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        put(text, PATH, TABLE)


def test_names_and_strings_are_quoted() -> None:
    table = {"a.b": 'quote " backslash \\ and ü', "c": {"d e": ["1"]}}
    assert tomllib.loads(rendered(("x y", "z"), table)) == {"x y": {"z": table}}
