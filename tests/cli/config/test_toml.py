"""Values are merged into one table of a TOML text; everything else in it stays, character by character."""

import tomllib
from typing import Any

import pytest

from telefonie_mcp.cli.config.toml import merge, parse, rendered

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


COMMENTED = """\
# about the server
[mcp_servers.telefonie] # ours
command = "old" # where it is
# about arguments
args = [ # none
  "z", # an argument
]

# about settings
[mcp_servers.telefonie.env] # of ours
# the first
X = "1"  # one

# what follows
[z]
"""


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", SECTION),
        ("a = [\n  [1, 2]\n]\n", f"a = [\n  [1, 2]\n]\n\n{SECTION}"),
        ("# nothing yet\n", f"# nothing yet\n\n{SECTION}"),
        (FILE, f"{FILE}\n{SECTION}"),
        (f"{FILE}\n# what follows\n[z]\n", f"{FILE}\n# what follows\n[z]\n\n{SECTION}"),
        ("[mcp_servers]\na.command = 'b'\n", f"[mcp_servers]\na.command = 'b'\n\n{SECTION}"),
        (
            "x = '''\n[mcp_servers.telefonie]\n'''\n[z]\n",
            f"x = '''\n[mcp_servers.telefonie]\n'''\n[z]\n\n{SECTION}",
        ),
    ],
)
def test_a_missing_table_is_added_at_the_end(text: str, result: str) -> None:
    changed = merge(text, PATH, TABLE)
    assert changed == result
    assert merge(changed, PATH, TABLE) == changed
    assert parse(changed)["mcp_servers"]["telefonie"] == TABLE


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param(
            'a = 1\n\n[mcp_servers.telefonie]\ncommand = "old"\n\n# what follows\n[z]\nb = 2\n',
            f"a = 1\n\n{SECTION}\n# what follows\n[z]\nb = 2\n",
            id="what leads up to the next table stays before it",
        ),
        pytest.param(
            '[mcp_servers."telefonie"]\ncommand = "old"\n[z]\nb = 2\n[mcp_servers.telefonie.env]\nX = "1"\n',
            '[mcp_servers."telefonie"]\ncommand = "/a b/telefonie-mcp"\nargs = []\n[z]\nb = 2\n'
            '[mcp_servers.telefonie.env]\nX = "1"\nTELEFONIE_READ_ONLY = "true"\n',
            id="an entry in two places",
        ),
        pytest.param(
            "[ mcp_servers . telefonie ]\ncommand = 'old'\n",
            SECTION.replace("[mcp_servers.telefonie]", "[ mcp_servers . telefonie ]").replace(
                "[mcp_servers.telefonie.env]", "[ mcp_servers . telefonie .env]"
            ),
            id="spaces in a header",
        ),
        pytest.param(
            COMMENTED,
            COMMENTED.replace("old", "/a b/telefonie-mcp")
            .replace('  "z", # an argument\n', "")
            .replace('X = "1"  # one\n', 'X = "1"  # one\nTELEFONIE_READ_ONLY = "true"\n'),
            id="comments, and arrays over several lines",
        ),
        pytest.param(
            "mcp_servers = {} # none\n",
            'mcp_servers = {telefonie = {command = "/a b/telefonie-mcp",args = [],'
            'env = {TELEFONIE_READ_ONLY = "true"}}} # none\n',
            id="an inline table without an entry",
        ),
        pytest.param(
            '[mcp_servers]\ntelefonie = { command = "x", env = { X = "1" } } # mine\n[z]\n',
            '[mcp_servers]\ntelefonie = { command = "/a b/telefonie-mcp", '
            'env = { X = "1", TELEFONIE_READ_ONLY = "true"}, args = []} # mine\n[z]\n',
            id="an inline entry",
        ),
        pytest.param(
            '[mcp_servers.telefonie]\nenv = { X = "1" } # inline\nsince = 2026-11-24 # a date\n\n[z]\n',
            '[mcp_servers.telefonie]\nenv = { X = "1", TELEFONIE_READ_ONLY = "true"} # inline\n'
            'since = 2026-11-24 # a date\ncommand = "/a b/telefonie-mcp"\nargs = []\n\n[z]\n',
            id="inline settings, and a value that JSON does not have",
        ),
        pytest.param(
            'mcp_servers.telefonie.command = "x" # dotted\n\n[z]\na=1\n',
            'mcp_servers.telefonie.command = "/a b/telefonie-mcp" # dotted\nmcp_servers.telefonie.args = []\n'
            '\n[mcp_servers.telefonie.env]\nTELEFONIE_READ_ONLY = "true"\n\n[z]\na=1\n',
            id="dotted keys",
        ),
        pytest.param(
            '[mcp_servers.telefonie]\ncommand = "x"\nenv.X = "1" # dotted\n# the end\n',
            '[mcp_servers.telefonie]\ncommand = "/a b/telefonie-mcp"\nenv.X = "1" # dotted\n'
            'env.TELEFONIE_READ_ONLY = "true"\nargs = []\n# the end\n',
            id="dotted settings",
        ),
        pytest.param(
            '[mcp_servers.telefonie.tools.x]\nA="1"\n[k]\n',
            '[mcp_servers.telefonie]\ncommand = "/a b/telefonie-mcp"\nargs = []\n\n'
            '[mcp_servers.telefonie.tools.x]\nA="1"\n\n'
            '[mcp_servers.telefonie.env]\nTELEFONIE_READ_ONLY = "true"\n[k]\n',
            id="an entry that has only tables",
        ),
    ],
)
def test_values_are_merged_into_a_table_and_all_else_stays(text: str, result: str) -> None:
    changed = merge(text, PATH, TABLE)
    assert changed == result
    assert merge(changed, PATH, TABLE) == changed
    windows = text.replace("\n", "\r\n")
    assert merge(windows, PATH, TABLE) == result.replace("\n", "\r\n")


def test_a_dotted_sibling_does_not_keep_a_table_out() -> None:
    text = "mcp_servers.other.command = 'b'\n"
    changed = merge(text, PATH, TABLE)
    assert changed.startswith(text)
    assert parse(changed)["mcp_servers"] == {"other": {"command": "b"}, "telefonie": TABLE}


@pytest.mark.parametrize(
    ("old", "new", "items"),
    [
        ('["x"]', '["x", "y"]', ["x", "y"]),
        ('[\n  "x", # first\n]', '[\n  "x", # first\n  "y",\n]', ["x", "y"]),
        ('[\n  "x", # first\n  "y", # second\n]', '[\n  "x", # first\n]', ["x"]),
        ('[\n  "x", # first\n]', '[\n  "y", # first\n]', ["y"]),
        ('[{ name = "X" }] # inline', '[{ name = "X" }, "y"] # inline', [{"name": "X"}, "y"]),
    ],
)
def test_comments_in_an_array_stay_with_its_items(old: str, new: str, items: list[Any]) -> None:
    assert merge(f"[a.b]\nc = {old}\n", ("a", "b"), {"c": items}) == f"[a.b]\nc = {new}\n"


def test_line_ends_are_those_of_the_file() -> None:
    text = FILE.replace("\n", "\r\n")
    assert merge(text, PATH, TABLE) == f"{FILE}\n{SECTION}".replace("\n", "\r\n")
    old = SECTION.replace("true", "false").replace("\n", "\r\n")
    assert merge(f"{old}\r\n[z]\r\n", PATH, TABLE) == f"{SECTION}\n[z]\n".replace("\n", "\r\n")


def test_mixed_line_ends_stay_as_they_are() -> None:
    text = '[mcp_servers.telefonie]\r\ncommand = "x"\n\r\n[z]\na = 1\r\n'
    changed = merge(text, PATH, {"command": "x", "args": []})
    assert changed == '[mcp_servers.telefonie]\r\ncommand = "x"\nargs = []\n\r\n[z]\na = 1\r\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = \n", "line 1"),
        ("mcp_servers = 1\n", "mcp_servers is not a table"),
        ("[[mcp_servers]]\n", "mcp_servers is not a table"),
        ("[mcp_servers.telefonie]\nenv = 1\n", "env is not a table"),
        (
            '[mcp_servers.telefonie]\nargs = [\n  "x" # no comma\n  # last\n]\n',
            "cannot be written without a loss",
        ),
    ],
)
def test_what_cannot_be_done_without_loss_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        merge(text, PATH, {**TABLE, "args": ["x", "y"]})


def test_names_and_strings_are_quoted() -> None:
    table = {"a.b": 'quote " backslash \\ and ü', "c": {"d e": ["1"]}}
    assert tomllib.loads(rendered(("x y", "z"), table)) == {"x y": {"z": table}}
