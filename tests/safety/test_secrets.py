"""No secret leaves the process, whatever happens: not in output, log, ledger, result, error or span."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.reading import read_settings
from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, Fault, Provider, faulty
from tests.support.spans import recorded
from tests.support.wire import SECONDS, Mode, initialize, request, running

KEY, STATE_KEY, PASSWORD = "key-0451-unmistakable", "state-key-" + "7" * 30, "pass-word-0451"
FAULTS: list[Fault] = [
    Exchange.honest,
    f.replying(500),
    f.close,
    f.garbage,
    f.replying(302, Location="https://evil.example/"),
    f.replying(401, json.dumps({"detail": f"The key {KEY} is not valid.", "code": KEY}).encode()),
    f.replying(200, json.dumps({"wrong": [KEY, {KEY: KEY}]}).encode()),
]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search_available_numbers", {"country_code": "US"}),
    ("purchase_number", {"phone_number": NUMBER, "confirm": False}),
    ("purchase_number", {"phone_number": NUMBER, "confirm": True}),
    ("update_owned_number", {"phone_number": NUMBER, "voice_url": "https://example.com/v"}),
    ("list_owned_numbers", {"page": "x"}),
    ("release_number", {"phone_number": NUMBER, "confirm": True}),
    ("no_such_tool", {}),
]
SCRIPT = CommandLine()

both_ledgers = pytest.mark.parametrize("ledger", ["sqlite", "unreachable postgresql"])


def variables(provider: Provider, ledger: str, home: Path, form: str = "text") -> dict[str, str]:
    url = f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:1/ledger"
    return {
        "TELEFONIE_API_KEY": KEY,
        "TELEFONIE_BASE_URL": provider.url,
        "TELEFONIE_STATE_KEYS": STATE_KEY,
        "TELEFONIE_LEDGER": str(home / "ledger.sqlite3") if ledger == "sqlite" else url,
        "TELEFONIE_LOG_LEVEL": "debug",
        "TELEFONIE_LOG_FORMAT": form,
        "TELEFONIE_TIMEOUT": "1",
    }


def misbehave(provider: Provider, fault: Fault) -> None:
    provider.faults = {method: [fault] for method in ("POST", "DELETE")}


def contents(directory: Path) -> str:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files).decode("latin-1")


def assert_no_secret(*places: str) -> None:
    for place in places:
        assert place
        for secret in (KEY, STATE_KEY, PASSWORD):
            assert secret not in place


async def command_line(process: int) -> str:
    listed = await anyio.run_process(["ps", "-o", "args=", "-p", str(process)])
    raw = await anyio.Path(f"/proc/{process}/cmdline").read_bytes()
    return f"{listed.stdout!r} {raw!r}"


@pytest.mark.parametrize("form", ["text", "json"])
@both_ledgers
async def test_a_session_with_faults_over_stdio_shows_no_secret(
    form: Literal["text", "json"], ledger: str, tmp_path: Path
) -> None:
    seen: list[Any] = []
    async with (
        faulty() as provider,
        running(home=tmp_path, variables=variables(provider, ledger, tmp_path, form)) as server,
    ):
        await server.ask(initialize("2025-11-25"))
        for number, fault in enumerate(FAULTS):
            misbehave(provider, fault)
            for index, (tool, arguments) in enumerate(CALLS):
                call = request(10 * number + index, "tools/call", name=tool, arguments=arguments)
                seen.append(await server.ask(call))
        seen.append(await server.ask(request(99, "resources/read", uri="telefonie://log")))
        processes = await command_line(server.process.pid)
        await server.hang_up()
        await server.end()
        assert provider.keys == {KEY}
        log = server.log
    assert_no_secret(json.dumps(seen), log, contents(tmp_path) or "nothing", processes)
    if form == "json":
        assert all(json.loads(line)["level"] for line in log.splitlines())


async def told(send: Callable[[], Any]) -> str:
    """Return what a client gets to see, or the whole error."""
    try:
        return repr(await send())
    except (MCPError, TelefonieError) as error:
        return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


@both_ledgers
async def test_sessions_with_faults_over_http_show_no_secret(ledger: str, tmp_path: Path) -> None:
    seen: list[str] = []
    async with (
        faulty() as provider,
        running("--http", "0", home=tmp_path, variables=variables(provider, ledger, tmp_path)) as server,
    ):
        for mode in get_args(Mode):
            async with Client(await server.address(), mode=mode) as client:
                for fault in FAULTS:
                    misbehave(provider, fault)
                    for tool, arguments in CALLS:
                        seen.append(await told(lambda t=tool, a=arguments, c=client: c.call_tool(t, a)))
                seen.append(await told(lambda c=client: c.read_resource("telefonie://log")))
        processes = await command_line(server.process.pid)
        server.process.terminate()
        await server.end()
        assert provider.keys == {KEY}
        log = server.log
    assert_no_secret(*seen, log, contents(tmp_path) or "nothing", processes)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_spans_and_exceptions_hold_no_secret(mode: Mode, tmp_path: Path) -> None:
    spans = recorded()
    before = len(spans)
    seen: list[str] = []
    async with faulty() as provider:
        settings = read_settings(variables(provider, "unreachable postgresql", tmp_path))
        app = App.from_settings(settings)
        seen += [repr(settings), str(settings), settings.model_dump_json(), repr(app)]
        with anyio.fail_after(SECONDS):
            async with Client(mcp_server(app), mode=mode) as client:
                for fault in FAULTS:
                    misbehave(provider, fault)
                    for tool, arguments in CALLS:
                        seen.append(await told(lambda t=tool, a=arguments: client.call_tool(t, a)))
                        seen.append(await told(lambda t=tool, a=arguments: app.pipeline.call(t, a, SCRIPT)))
        assert provider.keys == {KEY}
    assert_no_secret(*seen, *spans[before:])
    assert any("tools/call purchase_number" in span for span in spans[before:])
