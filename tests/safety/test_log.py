"""The ledger as people and agents see it, and what it must never hold."""

import csv
import io
import json
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation, TextResourceContents

from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.reading import read_settings
from tests.ledger.support import begin, buying
from tests.support.commands import command
from tests.support.transports import both_eras
from tests.support.wire import answer_of

NUMBER = "+14155550123"
URL = "https://example.com/old"


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    """Return the status, output and errors of a command that knows the sandbox below `home`."""
    return command(home, *arguments, TELEFONIE_SANDBOX_DB=str(home / "sandbox.sqlite3"))


async def write_a_little(home: Path) -> None:
    variables = {"TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3")}
    async with Client(create_server(read_settings(variables))) as client:
        for tool, arguments in (
            ("purchase_number", {"phone_number": NUMBER, "voice_url": URL, "confirm": True}),
            ("update_owned_number", {"phone_number": NUMBER, "voice_url": "https://example.com/new"}),
            ("release_number", {"phone_number": NUMBER, "confirm": True}),
            ("purchase_number", {"phone_number": "+15005550013", "confirm": True}),
        ):
            await client.call_tool(tool, arguments)


async def test_the_log_command_prints_a_table_json_or_csv(tmp_path: Path) -> None:
    await write_a_little(tmp_path)
    status, table, _ = run(tmp_path, "log")
    assert status == 0
    assert [line.split()[2:5] for line in table.splitlines()] == [
        ["refused", "purchase_number", "+15005550013"],
        ["done", "release_number", NUMBER],
        ["done", "update_owned_number", NUMBER],
        ["done", "purchase_number", NUMBER],
    ]
    _, lines, _ = run(tmp_path, "log", "--json")
    entries = [json.loads(line) for line in lines.splitlines()]
    assert entries[0]["reason"].startswith("Nothing was done: the API refused with 422")
    assert entries[2]["previous"]["voice_url"] == URL
    assert entries[3]["monthly_rate"] == "1.15"
    assert entries[3]["caller"].startswith("mcp ")
    _, text, _ = run(tmp_path, "log", "--csv")
    rows = [*csv.DictReader(io.StringIO(text))]
    assert [row["subject"] for row in rows] == ["+15005550013", *[NUMBER] * 3]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--number", NUMBER], 3),
        (["--tool", "purchase_number"], 2),
        (["--state", "refused"], 1),
        (["--limit", "1"], 1),
        (["--since", "2020-01-01"], 4),
        (["--since", "2999-01-01"], 0),
        (["--number", "+1 (415) 555-0123"], 3),
        (["--number", "001 415 555 0123"], 3),
        (["--number", "(415) 555-0123"], 3),
        (["--number", NUMBER.removeprefix("+")], 3),
        (["--number", "+14155550124"], 0),
        (["--number", "+4155550123"], 0),
    ],
)
async def test_the_log_command_filters_entries(options: list[str], count: int, tmp_path: Path) -> None:
    await write_a_little(tmp_path)
    status, output, errors = run(tmp_path, "log", *options)
    assert (status, len(output.splitlines())) == (0, count)
    assert ("holds no such entry" in errors) is (count == 0)


@both_eras
async def test_an_agent_reads_its_own_recent_writes(mode: Literal["auto", "legacy"], tmp_path: Path) -> None:
    await write_a_little(tmp_path)
    variables = {"TELEFONIE_SANDBOX_DB": str(tmp_path / "sandbox.sqlite3")}
    async with Client(create_server(read_settings(variables)), mode=mode) as client:
        assert "telefonie://log" in [str(r.uri) for r in (await client.list_resources()).resources]
        (contents,) = (await client.read_resource("telefonie://log")).contents
    assert isinstance(contents, TextResourceContents)
    entries: list[dict[str, Any]] = json.loads(contents.text)["entries"]
    assert [entry["tool"] for entry in entries] == [
        "purchase_number",
        "release_number",
        "update_owned_number",
        "purchase_number",
    ]


async def test_a_spreadsheet_computes_nothing_that_others_wrote(tmp_path: Path) -> None:
    variables = {"TELEFONIE_SANDBOX_DB": str(tmp_path / "sandbox.sqlite3")}
    for start in "=+-@":
        caller = Implementation(name=f"{start}HYPERLINK(0)", version="1")
        async with Client(create_server(read_settings(variables)), client_info=caller) as client:
            await client.call_tool(
                "purchase_number",
                {"phone_number": NUMBER, "friendly_name": f"{start}cmd|x", "confirm": True},
            )
            await client.call_tool("release_number", {"phone_number": NUMBER, "confirm": True})
    _, text, _ = run(tmp_path, "log", "--csv")
    rows = [*csv.DictReader(io.StringIO(text))]
    assert len(rows) == 8
    cells = [cell for row in rows for name, cell in row.items() if name != "subject"]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert rows[0]["caller"] == "'@HYPERLINK(0) 1"


DISGUISED = "ev\u200bil\u202e\x1b[2J\u3164\ue000\n  99  2026-01-01T00:00:00  done  x\U000e0041"


@pytest.mark.parametrize("form", ["table", "--json", "--csv"])
async def test_every_cell_of_the_log_is_cleaned(form: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    names = dict.fromkeys(("account", "tool", "caller"), DISGUISED)
    opened = Ledger.open(str(ledger))
    entry = begin(opened, buying(DISGUISED, None, arguments={DISGUISED: [DISGUISED]}, **names))
    opened.finish(entry, "refused", reason=DISGUISED)
    opened.close()
    options = [] if form == "table" else [form]
    _, text, _ = command(tmp_path, "log", *options, TELEFONIE_LEDGER=str(ledger))
    shown = text + (json.dumps([json.loads(text)], ensure_ascii=False) if form == "--json" else "")
    assert "evil[2J 99 2026-01-01" in " ".join(shown.split())
    assert not set("\u200b\u202e\x1b\u3164\ue000\U000e0041") & set(shown)
    assert len(text.splitlines()) == (2 if form == "--csv" else 1)


async def test_a_log_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    variables = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_LEDGER": str(tmp_path / "ledger")}
    async with Client(create_server(read_settings(variables))) as client:
        with pytest.raises(MCPError, match="the ledger cannot be opened"):
            await client.read_resource("telefonie://log")


async def test_an_emptied_sandbox_takes_its_log_with_it(tmp_path: Path) -> None:
    await write_a_little(tmp_path)
    status, _, errors = run(tmp_path, "sandbox", "--reset")
    assert status == 0
    assert "is empty" in errors
    assert run(tmp_path, "log")[1] == ""


async def test_the_result_names_its_entry(tmp_path: Path) -> None:
    variables = {"TELEFONIE_SANDBOX_DB": ":memory:"}
    async with Client(create_server(read_settings(variables))) as client:
        result = await client.call_tool("purchase_number", {"phone_number": NUMBER, "confirm": True})
    assert answer_of(result)["phone_number"] == NUMBER
    assert result.meta is not None
    assert result.meta["telefonie-mcp/entry"] == 1
    assert result.meta["telefonie-mcp/recorded"] is True
