"""`log` for people: a table that fits, whose writes it shows, what updates changed, and what comes next."""

import json
import signal
from pathlib import Path

import pytest

from telefonie_mcp.calls.approval import CommandLine
from tests.support.commands import command
from tests.support.terminals import terminal
from tests.support.wire import app_of, running

NUMBER = "+14155550123"


def variables(home: Path) -> dict[str, str]:
    return {"TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3"), "TELEFONIE_TOOLSETS": "all"}


def wrote(home: Path) -> Path:
    """Write a little, and return the home."""
    for arguments in (
        ("purchase_number", f"phone_number={NUMBER}", "--yes"),
        ("update_owned_number", f"phone_number={NUMBER}", "voice_url=https://example.com/voice"),
        ("update_owned_number", f"phone_number={NUMBER}", "voice_url=", "friendly_name=Front desk"),
        ("purchase_number", "phone_number=+15005550013", "--yes"),
        ("create_port_order", "phone_numbers=+14155550150,+14155550151"),
    ):
        command(home, "call", *arguments, **variables(home))
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wrote(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("columns", [24, 50, 66, 80, 132])
def test_the_table_fits_the_window(columns: int, home: Path) -> None:
    shown = terminal(home, "log", columns=columns, variables=variables(home))
    assert shown.status == 0
    assert shown.widest <= columns
    for words in ("refused", "Front", NUMBER):
        assert words in shown.text


def test_updates_are_told_apart_by_what_they_changed(home: Path) -> None:
    shown = terminal(home, "log", variables=variables(home))
    assert shown.lines[0] == "Sandbox: writes of sandbox, from the ledger in ~/sandbox-ledger.sqlite3"
    second, third, *_ = [line for line in shown.lines if line.startswith("      ") and line[6] != " "]
    assert "phone_numbers: +14155550150, +14155550151" in second
    assert third.startswith("      Nothing was done: the API refused with 422")
    text = " ".join(shown.text.split())
    assert "voice_url: https://example.com/voice → (none), friendly_name: (415) 555-0123 → Front desk" in text
    assert "voice_url: (none) → https://example.com/voice" in text
    _, text, errors = command(home, "log", "--tool", "update_owned_number", **variables(home))
    assert errors == "Sandbox: writes of sandbox, from the ledger in ~/sandbox-ledger.sqlite3\n"
    newer, older = text.splitlines()
    assert "friendly_name: (415) 555-0123 → Front desk" in newer
    assert older.endswith("voice_url: (none) → https://example.com/voice")


def test_it_says_which_mode_and_ledger_it_shows(home: Path, tmp_path: Path) -> None:
    live = {"TELEFONIE_API_KEY": "key-0451-abcdef", "TELEFONIE_STATE_DIR": str(tmp_path)}
    _, output, errors = command(home, "log", **live)
    assert output == ""
    assert errors.startswith(f"Live: writes, from the ledger in {tmp_path}/live-ledger.sqlite3\n")


@pytest.mark.parametrize("number", ["+1 415-555-0151", "(415) 555 0151", "0014155550151"])
def test_a_number_is_found_in_a_list_too(number: str, home: Path) -> None:
    _, output, _ = command(home, "log", "--json", "--number", number, **variables(home))
    assert [json.loads(line)["tool"] for line in output.splitlines()] == ["create_port_order"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--json", "--csv"), "--json and --csv exclude each other."),
        (("--number", "call"), "'call' has no digits"),
    ],
)
def test_what_contradicts_itself_is_refused(options: tuple[str, ...], words: str, home: Path) -> None:
    status, output, errors = command(home, "log", *options, **variables(home))
    assert (status, output) == (2, "")
    assert words in errors


@pytest.mark.parametrize(("form", "fields"), [("--json", 0), ("--csv", 1), ("", 0)])
async def test_it_follows_what_is_written(form: str, fields: int, tmp_path: Path) -> None:
    settings = variables(tmp_path)
    arguments = ("log", "--follow", *([form] if form else []))

    async def buy(number: str) -> None:
        app = app_of(tmp_path, **settings)
        await app.pipeline.call("purchase_number", {"phone_number": number, "confirm": True}, CommandLine())
        await app.aclose()

    await buy(NUMBER)
    async with running(*arguments, home=tmp_path, variables=settings) as process:
        if fields:
            assert (await process.line()).startswith("id,created")
        assert NUMBER in await process.line()
        await buy("+14155550124")
        line = await process.line()
        while "done" not in line:  # it may have been seen before it had its outcome
            assert "+14155550124" in line
            line = await process.line()
        assert "+14155550124" in line
        process.process.send_signal(signal.SIGINT)
        assert await process.end() == 0
