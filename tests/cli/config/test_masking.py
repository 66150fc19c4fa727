"""No secret is in what is shown of a configuration, wherever in it secrets can stand."""

import json
import time
from difflib import unified_diff

import pytest

from telefonie_mcp.cli.config.masking import difference, without_secrets

SECRET = "s3cr3t-0451"

HIDDEN = {
    "two items": '{"args": ["--api-key", "§", "--port", "1"]}',
    "two items over lines": '{"args": [\n  "--api-key",\n  "§",\n  "--port"\n]}',
    "two items and a comment between": '{"args": [\n  "--api-key", // ours\n  /* the test\'s */ "§"\n]}',
    "two items in TOML": "args = [\n  '--api-key', # ours\n  '§',\n]",
    "flags that follow each other": '["--no-auth", "--api-key", "§"]',
    "with an equals sign": '["--api-key=§"]',
    "with a space": '["--api-key §"]',
    "in a shell": '["sh", "-c", "serve --api-key \'§\' --port 1"]',
    "in a shell, quoted": r'["sh", "-c", "serve --api-key \"§\""]',
    "JSON in JSON": json.dumps({"args": [json.dumps({"api_key": "§"})]}),
    "a variable of a container": '["-e", "SOME_TOKEN=§"]',
    "a header": '["--header", "Authorization: Bearer §"]',
    "a header in one": '["--header=X-Api-Key:§"]',
    "a header in two": '["--header", "Authorization:", "Bearer §"]',
    "a bearer": '["Bearer §"]',
    "a member": '{"API_KEY": "§"}',
    "a member of headers": '{"headers": {"Authorization": "Bearer §"}}',
    "a number": '{"API_KEY": 190451}',
    "the next line": '{"API_KEY":\n  "§"}',
    "lines later": '{"API_KEY"\n\n:\n\n  // here\n  "§"}',
    "a list": '{"API_KEYS": [\n  "a§",\n  "§"\n]}',
    "a list of lists": '{"API_KEYS": [["a"], {"x": "§"}, "§"]}',
    "TOML": 'env.API_KEY = "§"',
    "TOML, quoted": "env.\"API-KEY\" = '§'",
    "TOML, over lines": 'API_KEY = """\n§\n§"""',
    "TOML, over lines inside": "run = '''\nserve \\\n  --api-key \\\n  §\n'''",
    "a URL": '{"url": "https://me:§@api.example/x"}',
    "a URL of a database": '["postgresql+psycopg://me:§@host:5432/db?sslmode=require"]',
    "a URL with signs in the password": '["redis://:a:b/@§@host/0"]',
    "a URL with a quote in the password": '["redis://:a\'§@host/0"]',
    "a URL with a token for a user": '["git+https://§@github.com/a/b"]',
    "a URL with a token in the query": '["https://api.example/mcp?api_key=§&x=1"]',
    "a URL as PHP spells it": r'["https:\/\/me:§@api.example\/x"]',
    "a URL in a comment": "# redis://me:§@host/0",
    "a reference with a default": '{"API_KEY": "${KEY:-§}"}',
    "a comment": '{ // "API_KEY": "§",\n}',
    "a comment over lines": '{ /* "--api-key",\n "§" */ }',
    "comments, line by line": '// "--api-key",\n// "§"',
    "comments in TOML": '# args = [\n#   "--api-key",\n#\n#   "§",\n# ]',
    "a string without an end": '{"API_KEY": "§',
    "a passphrase": '{"passphrase": "§", "pwd": "§", "credentials": "§", "Cookie": "§"}',
}
"""Where a secret, ``§``, can stand."""

SHOWN = [
    '{"TELEFONIE_API_KEY": "${input:telefonie-api-key}"}',
    '{"TELEFONIE_API_KEY": "${env:TELEFONIE_API_KEY}"}',
    '{"TELEFONIE_API_KEY": "${TELEFONIE_API_KEY:-}"}',
    '["--api-key", "${API_KEY}", "--header=Authorization: Bearer ${API_KEY}"]',
    '["redis://me:${PASSWORD}@host/0"]',
    '{"env_vars": ["TELEFONIE_API_KEY", "TELEFONIE_LEDGER"], "command": "/usr/bin/x"}',
    '{"type": "promptString", "id": "telefonie-api-key", "password": true, "description": "API key of it"}',
    '["-y", "@scope/package@1.2", "git+ssh://host/a/b@1.0", "http://127.0.0.1:9000/v1"]',
    'args = ["--api-key-file", "/key"] # what is said of a port: 9000',
    "[mcp_servers.telefonie]\ncommand = 'x'\n",
    '{"keybindings": {"a": "b"}, "theme": "x"} // dark',
]


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_secret_is_masked_wherever_it_stands(text: str) -> None:
    given = text.replace("§", SECRET)
    shown = without_secrets(given)
    assert SECRET not in shown
    assert "0451" not in shown
    assert "**********" in shown
    assert shown.count("\n") == given.count("\n")


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("-TELEFONIE_API_KEY = 'abc' # x", "-TELEFONIE_API_KEY = '**********' # x"),
        ('+"TELEFONIE_LEDGER":"a\\"b", "x": 1', '+"TELEFONIE_LEDGER":"**********", "x": 1'),
        ('"TELEFONIE_API_KEY": "${input:x}"', '"TELEFONIE_API_KEY": "${input:x}"'),
        ('"TELEFONIE_API_KEY_FILE": "/key"', '"TELEFONIE_API_KEY_FILE": "/key"'),
        ('"Authorization": "Bearer abc"', '"Authorization": "**********"'),
        ('"keybindings": {"a": "b"}', '"keybindings": {"a": "b"}'),
        ('"TOKEN": ""', '"TOKEN": ""'),
        ('"TOKEN": "$ecret"', '"TOKEN": "**********"'),
        ('"TOKEN": "${X}secret"', '"TOKEN": "**********"'),
        ('"--api-key=abc", "--port=1"', '"--api-key=**********", "--port=1"'),
        ('"Authorization: Bearer abc"', '"Authorization: **********"'),
        ('"Authorization:${AUTH}"', '"Authorization:${AUTH}"'),
        ('"--key-file=/key", "a"', '"--key-file=/key", "a"'),
    ],
)
def test_what_a_difference_shows_of_a_secret(line: str, shown: str) -> None:
    assert without_secrets(line) == shown


def test_a_difference_hides_what_is_named_on_a_line_that_is_not_shown() -> None:
    blank = "\n" * 9
    old = f'{{"args": [\n "--api-key",{blank} "{SECRET}",\n "--port",\n "1"\n]}}'
    shown = [*difference(old, old.replace('"1"', '"2"'), "mcp.json")]
    assert shown[:2] == ["--- mcp.json", "+++ mcp.json"]
    assert shown[3:] == [" ", '  "**********",', '  "--port",', '- "1"', '+ "2"', " ]}"]


def test_a_secret_that_changes_is_a_difference() -> None:
    shown = [*difference(f"KEY = '{SECRET}'\r\n", "KEY = 'other'\r\n", "x")]
    assert shown[2:] == ["@@ -1,1 +1,1 @@", "-KEY = '**********'", "+KEY = '**********'"]


LINES = "a = 1\nb = 2\n\nc = 3\n[d]\ne = 4\nf = 5"


@pytest.mark.parametrize("old", ["", "a = 1\n", LINES])
@pytest.mark.parametrize("new", ["", "a = 2\n", f"{LINES}\n", f"{LINES}6\n"])
def test_a_difference_reads_as_everywhere(old: str, new: str) -> None:
    usual = [*unified_diff(old.splitlines(), new.splitlines(), "x", "x", lineterm="")][2:]
    shown = [*difference(old, new, "x")][2:]
    assert [line for line in shown if line[:2] != "@@"] == [line for line in usual if line[:2] != "@@"]


UNITS = [
    *("x", "key", "key ", "-key", "--key ", "key:", "a://", "://a:", "a:", "@", ".", "-", "${", "bearer "),
    *('"', "'", '\\"', "\\", '"key"', '"key",', '"key":', "key=${a", '["key",', '{"key":'),
    *("[", "{", "]", "//", "/*", "*/", "/", "#", '"""', "'''", " ", "\n", "key\n", "//\n", "# key\n"),
]
"""What a long text can be made of."""


@pytest.mark.unmeasured
@pytest.mark.parametrize("before", ["", '"', "'''", "// "])
@pytest.mark.parametrize("unit", UNITS)
def test_the_time_grows_as_the_text_does(unit: str, before: str) -> None:
    """Sixteen times the text takes sixteen times as long; if it grew as the square, it would be 256 times."""

    def took(length: int) -> float:
        text = before + unit * (length // len(unit))
        times: list[float] = []
        for _ in range(3):
            start = time.process_time()
            without_secrets(text)
            times.append(time.process_time() - start)
        return min(times)

    assert took(32_000) < 64 * took(2_000)
