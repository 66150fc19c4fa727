"""The command line: in this process, and as a real one where a process is what matters."""

import json
import os
import pty
import re
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from mcp import Client

import telefonie_mcp
from telefonie_mcp.cli.commands import SECRETS, cli
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from tests.support.commands import command
from tests.support.terminals import terminal
from tests.support.wire import running

MEMORY = ("--sandbox-db", ":memory:")


@pytest.mark.measured
@pytest.mark.parametrize(
    ("arguments", "status", "output", "errors"),
    [
        (("call", "list_owned_numbers"), 0, '{\n  "numbers": [],\n  "total": 0\n}\n', ""),
        (("call", "buy_number"), 2, "", "telefonie-mcp: Unknown tool 'buy_number'"),
        (("nonsense",), 2, "", "Usage: telefonie-mcp [OPTIONS] "),
    ],
)
async def test_a_process_answers_on_its_streams_and_with_its_status(
    arguments: tuple[str, ...], status: int, output: str, errors: str, tmp_path: Path
) -> None:
    async with running(*MEMORY, *arguments, home=tmp_path) as process:
        assert (await process.rest()).decode() == output
        assert await process.end() == status
        assert process.log.startswith(errors)
        assert bool(process.log) is bool(errors)


def test_help_names_every_setting_and_no_secret() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    for name in Settings.model_fields:
        flag = f"--{name.replace('_', '-')} "
        assert (flag in result.output) is (name not in SECRETS)
    for name in ("call", "config", "demo", "doctor", "log", "sandbox", "tools"):
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize("columns", [40, 57, 59, 80])
def test_help_and_mistakes_are_no_wider_than_the_window(columns: int, tmp_path: Path) -> None:
    for arguments in (
        ("--help",),
        ("log", "--help"),
        ("config", "--help"),
        ("call", "--help"),
        ("sandbox", "--help"),
        ("sandbox", "clock", "--help"),
        ("sandbox", "webhook-secret", "--help"),
        ("nonsense",),
        ("--nonsense",),
        ("call",),
        ("call", "list_owned_numbers", "--jso"),
        ("call", "list_owned_numbers", "page"),
        ("config", "claude"),
        ("log", "--limit", "x"),
        ("sandbox", "events", "hello"),
        ("sandbox", "clock", "soon"),
    ):
        shown = terminal(tmp_path, *arguments, columns=columns)
        assert shown.widest <= columns, arguments
        assert shown.status == (0 if "--help" in arguments else 2)
        piped = terminal(tmp_path, *arguments, columns=columns, piped=("stdout",))
        assert piped.widest <= columns, "standard error is the window"


def test_in_a_narrow_window_what_an_option_does_stands_below_it(tmp_path: Path) -> None:
    shown = terminal(tmp_path, "log", "--help", columns=40)
    option = shown.lines.index("  --number NUMBER")
    below = ["      Only writes about this number,", "      however it is written."]
    assert shown.lines[option + 1 : option + 3] == below


def test_a_pipe_gets_help_and_mistakes_as_click_writes_them(tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, "log", "--help", COLUMNS="40")
    assert (status, max(map(len, output.splitlines()))) == (0, 59)
    assert "  --json                          One JSON object\n" in output
    status, output, errors = command(tmp_path, "sandbox", "events", "hello")
    assert (status, output) == (2, "")
    assert errors == (
        "Usage: telefonie-mcp sandbox events [OPTIONS] NUMBER\n"
        "Try 'telefonie-mcp sandbox events --help' for help.\n\n"
        "Error: Invalid value for 'NUMBER': hello must be in E.164 format: +, country code and number, "
        "7 to 15 digits, such as +14155550100\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tool",), "No such command 'tool'; did you mean tools?"),
        (("buy",), "No such command 'buy'; the commands are call, config, demo, doctor, log, sandbox,"),
        (("config",), "Missing argument 'CLIENT'. Choose from:\n\tclaude-desktop,"),
        (("config", "claude"), "Invalid value for 'CLIENT': 'claude' is not one of 'claude-desktop',"),
        (("log", "--since", "soon"), "'soon' is no time such as 2026-11-29 or 2026-11-29T08:30:00."),
    ],
)
def test_a_mistake_is_answered_with_what_can_be_said(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    status, output, errors = command(tmp_path, *arguments)
    assert (status, output) == (2, "")
    assert words in errors


def test_help_cuts_nothing_short_and_names_choices(tmp_path: Path) -> None:
    for arguments in ((), ("sandbox",)):
        status, output, _ = command(tmp_path, *arguments, "--help")
        assert status == 0
        assert not [line for line in output.splitlines() if line.endswith("...") and "Usage" not in line]
    _, output, _ = command(tmp_path, "--help")
    assert "  --log-level [debug|info|warning|error]\n" in output


def test_what_stands_for_a_value_says_what_kind_it_is_and_not_the_option_again(tmp_path: Path) -> None:
    for arguments in ((), ("log",), ("sandbox",), ("sandbox", "sms"), ("sandbox", "events")):
        _, output, _ = command(tmp_path, *arguments, "--help")
        named = re.findall(r"^  --([a-z-]+) ([A-Z_]+)", output, re.MULTILINE)
        assert named
        assert [option for option, value in named if value == option.upper().replace("-", "_")] == (
            ["number"] if arguments == ("log",) else []
        )
        assert "RANGE" not in output
    _, output, _ = command(tmp_path, "--help")
    for line in (
        "--max-monthly-rate AMOUNT ",
        "--state-dir DIRECTORY ",
        "--http HOST:PORT ",
        "--timeout SECONDS ",
    ):
        assert f"\n  {line}" in output


def test_version() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.output == f"telefonie-mcp, version {telefonie_mcp.__version__}\n"


def test_the_public_names() -> None:
    assert telefonie_mcp.Settings is Settings
    assert telefonie_mcp.create_server is create_server
    with pytest.raises(AttributeError, match="no attribute 'creat_server'"):
        _ = telefonie_mcp.creat_server  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


async def test_tools_shows_what_a_client_sees(tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, *MEMORY, "tools", "--json")
    async with Client(create_server(Settings(sandbox_db=":memory:"))) as client:
        listed = [
            t.model_dump(mode="json", by_alias=True, exclude_none=True)
            for t in (await client.list_tools()).tools
        ]
    assert (status, json.loads(output)["tools"]) == (0, listed)
    status, table, _ = command(tmp_path, *MEMORY, "tools")
    assert [line.split()[0] for line in table.splitlines()] == [*(tool["name"] for tool in listed), "total"]


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (["list_owned_numbers"], 0, {"numbers": [], "total": 0}),
        (["list_owned_numbers", "page=1", "page_size=5"], 0, {"numbers": [], "total": 0}),
        (["list_owned_numbers", "--json", '{"page": 1}', "type=local"], 0, {"total": 0}),
        (["list_owned_numbers", "page=x"], 1, {"code": "invalid_arguments", "field": "page"}),
        (["list_owned_numbers", "pages=1"], 1, {"code": "invalid_arguments", "field": "pages"}),
        (["get_owned_number", "phone_number=+14155550123"], 1, {"code": "not_found", "status": 404}),
        (["release_number", "phone_number=+14155550123"], 1, {"code": "not_found"}),
    ],
)
def test_call(arguments: list[str], status: int, expected: dict[str, Any], tmp_path: Path) -> None:
    done, output, errors = command(tmp_path, *MEMORY, "call", *arguments)
    assert (done, errors) == (status, "")
    assert json.loads(output).items() >= expected.items()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["call", "buy_number"], "telefonie-mcp: Unknown tool 'buy_number'"),
        (["call", "list_owned_numbers", "--json", "{"], "--json: is not JSON"),
        (["call", "list_owned_numbers", "--json", "[]"], "--json: is not a JSON object"),
        (["call", "list_owned_numbers", "page"], "'page' is not NAME=VALUE"),
        (["call", "release_number", "confirm=false", "confirm=true"], "confirm is given twice"),
        (["sandbox"], "Say --port N to serve the sandbox, or --reset to empty it."),
        (["nonsense"], "No such command 'nonsense'"),
        (["--spec", "missing.yml", "tools"], "telefonie-mcp: missing.yml: cannot be read"),
        (["--log-level", "loud", "tools"], "telefonie-mcp: TELEFONIE_LOG_LEVEL: "),
        (["--no-sandbox", "tools"], "telefonie-mcp: live was asked for (TELEFONIE_SANDBOX is off)"),
    ],
)
def test_mistakes_end_with_a_sentence_and_status_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    status, output, errors = command(tmp_path, *arguments)
    assert (status, output) == (2, "")
    assert words in errors


@pytest.mark.parametrize(
    ("flags", "count"), [([], 8), (["--read-only"], 5), (["--no-read-only"], 8), (["--sandbox"], 8)]
)
def test_a_switch_takes_no_value(flags: list[str], count: int, tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, *flags, "tools", "--json")
    assert (status, len(json.loads(output)["tools"])) == (0, count)


async def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        async with running(*MEMORY, "tools", home=tmp_path, stdout=writing) as process:
            assert await process.end() == 1
            assert process.log == ""
    finally:
        os.close(writing)


def test_reset_empties_the_sandbox_and_only_that(tmp_path: Path) -> None:
    database = ("--sandbox-db", str(tmp_path / "sandbox.sqlite3"))
    bought = ("call", "purchase_number", "phone_number=+14155550123", "confirm=true")
    assert command(tmp_path, *database, *bought)[0] == 0
    status, output, errors = command(tmp_path, *database, "sandbox", "--reset")
    assert (status, output) == (0, "")
    assert errors == (
        f"This empties the sandbox in {database[1]} (1 account, 1 number) and 1 entry of the ledger in "
        f"{tmp_path}/sandbox-ledger.sqlite3.\n"
        f"The sandbox in {database[1]} is empty.\n"
        "1 entry is removed from the ledger.\n"
    )
    _, output, _ = command(tmp_path, *database, "call", "list_owned_numbers")
    assert json.loads(output)["total"] == 0


def test_a_foreign_document_needs_the_live_api(tmp_path: Path) -> None:
    document = Path(__file__).parents[1] / "openapi/documents/fleet.json"
    status, _, errors = command(tmp_path, "--spec", str(document), "tools")
    assert status == 2
    assert "the embedded sandbox does not implement Fleet; set TELEFONIE_API_KEY" in errors


def test_a_sandbox_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("not a database, but long enough to look like one " * 100)
    status, _, errors = command(tmp_path, "sandbox", "--reset", "--sandbox-db", str(path))
    assert status == 2
    assert errors.startswith("telefonie-mcp: ")
    assert path.read_text().startswith("not a database")


async def test_in_a_terminal_the_server_says_what_it_waits_for(tmp_path: Path) -> None:
    terminal, theirs = pty.openpty()
    try:
        async with running(*MEMORY, home=tmp_path, stdin=theirs) as process:
            while "not a prompt" not in process.log:
                await anyio.sleep(0.01)
            assert "SANDBOX: an embedded simulation" in process.log
            assert "telefonie-mcp demo" in process.log
            os.write(terminal, b"\x04")
            assert await process.end() == 0
    finally:
        os.close(terminal)
        os.close(theirs)


async def test_the_key_is_not_in_the_command_line_of_the_process(tmp_path: Path) -> None:
    async with running(
        "--http", "0", home=tmp_path, variables={"TELEFONIE_API_KEY": "key-0451-abcdef"}
    ) as process:
        await process.address()
        line = await anyio.run_process(["ps", "-o", "args=", "-p", str(process.process.pid)])
        assert b"telefonie_mcp" in line.stdout
        assert b"key-0451" not in line.stdout
        assert "LIVE: calls reach api.telefonie.com" in process.log
        assert "key-0451" not in process.log
