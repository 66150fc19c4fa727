"""What a start and a call cost, counted: modules, bytes, requests, statements. Counts know no noise.

How long they take, ``python -m tests.bench`` measures.
"""

import json
import re
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from anyio import to_thread
from mcp import Client
from pydantic import SecretStr
from sqlalchemy import Pool, event

from telefonie_mcp.app import App
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.server.instructions import instructions
from telefonie_mcp.settings.fields import Settings
from tests.support.faulty import NUMBER, faulty
from tests.support.served import KEY, WRITES, live_settings, live_variables
from tests.support.wire import SECONDS, answer_of, environment, initialize, request

HEAVY = (
    "sqlalchemy",
    "phonenumbers",
    "jsonschema_rs",
    "rich",
    "yaml",
    "httpcore2",
    "psycopg",
    "telefonie_mcp.sandbox",
    "telefonie_mcp.numbering.lookup",
    "telefonie_mcp.ledger.store",
    "telefonie_mcp.ledger.records",
    "telefonie_mcp.calls.approval",
    "telefonie_mcp.calls.pipeline",
    "telefonie_mcp.cli.commands",
    "telefonie_mcp.cli.demo",
)
NOT_FOR_A_READ = (
    "sqlalchemy",
    "phonenumbers",
    "yaml",
    "telefonie_mcp.calls.assessment",
    "telefonie_mcp.calls.live_lookup",
    "telefonie_mcp.calls.recovery",
    "telefonie_mcp.calls.uploads",
    "telefonie_mcp.calls.writes",
    "telefonie_mcp.ledger.records",
)
OF_THE_SDK = "import mcp, mcp.server.lowlevel, mcp.server.stdio, mcp.server.request_state, click"


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What the SDK and the other libraries of a start import."""
    return imported("-c", OF_THE_SDK, lines="", home=tmp_path_factory.mktemp("home"))


def imported(*command: str, lines: str, home: Path, **variables: str) -> set[str]:
    """Return the modules that a Python imports while it reads `lines` to their end."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        input=lines,
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return set(re.findall(r"^import time: .*\| +(\S+)$", run.stderr, re.MULTILINE))


@pytest.mark.parametrize("modern", [False, True])
def test_a_start_imports_little_beyond_the_sdk(tmp_path: Path, sdk: set[str], *, modern: bool) -> None:
    first = request(1, "server/discover", modern=True) if modern else initialize("2025-11-25")
    lines = "".join(f"{json.dumps(line)}\n" for line in (first, request(2, "tools/list", modern=modern)))
    ours = imported("-m", "telefonie_mcp", lines=lines, home=tmp_path)
    assert "mcp.server.lowlevel" in ours & sdk
    assert not [module for module in sorted(ours) if module.startswith(HEAVY)]
    beyond = sorted(ours - sdk)
    assert len(beyond) <= 80, beyond


async def test_a_first_read_imports_no_numbering_plans_and_nothing_of_a_write(
    tmp_path: Path, sdk: set[str]
) -> None:
    search = request(2, "tools/call", name="search_available_numbers", arguments={"country_code": "US"})
    lines = "".join(f"{json.dumps(line)}\n" for line in (initialize("2025-11-25"), search))
    async with faulty() as provider:
        variables = live_variables(provider, tmp_path)
        run = partial(imported, "-m", "telefonie_mcp", lines=lines, home=tmp_path, **variables)
        ours = await to_thread.run_sync(run)
        assert [method for method, _ in provider.log] == ["GET"]
    assert not [module for module in sorted(ours) if module.startswith(NOT_FOR_A_READ)]
    beyond = [module for module in sorted(ours - sdk) if module.startswith(("telefonie_mcp", "json"))]
    assert len(beyond) <= 98, beyond


async def size_of_the_six_operations(*, apps: bool) -> int:
    server = create_server(Settings(sandbox_db=":memory:", toolsets=("numbers",), apps=apps))
    async with Client(server) as client:
        listed = await client.list_tools()
    tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools]
    assert len(tools) == 6
    return len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode())


async def test_the_six_operations_fit_into_2000_tokens() -> None:
    size = await size_of_the_six_operations(apps=True)
    assert size <= 4 * 2000
    without = await size_of_the_six_operations(apps=False)
    assert without <= 7850, "the binding of an app needs the rest"
    assert size - without == 2 * 56


@pytest.mark.parametrize("key", [None, "distinctive-key-0451"])
def test_the_instructions_are_short(key: str | None) -> None:
    app = App.from_settings(Settings(api_key=SecretStr(key)) if key else Settings())
    assert len(instructions(app).encode()) <= 800


@pytest.mark.parametrize(
    ("name", "arguments", "requests"),
    [
        ("search_available_numbers", {"country_code": "US"}, ["GET"]),
        ("list_owned_numbers", {}, ["GET"]),
        ("get_owned_number", {"phone_number": NUMBER}, ["GET"]),
        ("purchase_number", {"phone_number": NUMBER}, ["GET"]),
        ("purchase_number", WRITES["purchase_number"][1], ["GET", "POST"]),
        (
            "purchase_number",
            {"phone_number": NUMBER, "confirm": True, "max_monthly_rate": "2.00"},
            ["GET", "POST"],
        ),
        ("update_owned_number", WRITES["update_owned_number"][1], ["GET", "POST"]),
        ("release_number", WRITES["release_number"][1], ["GET", "DELETE"]),
    ],
)
async def test_what_a_call_asks_of_the_api(
    name: str, arguments: dict[str, object], requests: list[str]
) -> None:
    async with faulty() as provider:
        if name not in {"purchase_number", "search_available_numbers"}:
            provider.own()
        async with Client(create_server(live_settings(provider, 30))) as client:
            await client.call_tool(name, arguments)
        assert [method for method, _ in provider.log] == requests


async def test_what_a_purchase_asks_of_the_ledger(tmp_path: Path) -> None:
    statements: list[str] = []

    def trace(connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(lambda statement: statements.append(statement.split(maxsplit=1)[0]))

    async with faulty() as provider:
        provider.own()
        ledger = SecretStr(str(tmp_path / "ledger.sqlite3"))
        server = create_server(Settings(api_key=SecretStr(KEY), base_url=provider.url, ledger=ledger))
        event.listen(Pool, "connect", trace)
        try:
            async with Client(server) as client:
                answer_of(await client.call_tool("update_owned_number", WRITES["update_owned_number"][1]))
                statements.clear()
                bought = {"phone_number": "+14155550111", "confirm": True}
                answer_of(await client.call_tool("purchase_number", bought))
        finally:
            event.remove(Pool, "connect", trace)
    survey = ["SELECT"]  # the ledger's id, the newest entry, and what has no outcome
    patience = ["PRAGMA"]  # how long this call still waits for others
    begin = [*patience, "BEGIN", "SELECT", "INSERT", "COMMIT"]
    finish = [*patience, "BEGIN", "SELECT", "UPDATE", "UPDATE", "COMMIT"]
    assert statements == [*survey, *begin, *finish]
