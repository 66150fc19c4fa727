"""No secret leaves the process, whatever happens: not in output, log, ledger, result, error or span."""

import base64
import html
import json
import re
import traceback
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote, unquote

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import TelefonieError, ToolError
from telefonie_mcp.redaction import REDACTED, Redactor
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.results import present
from telefonie_mcp.upstream.outcomes import Answer
from tests.redaction.test_redactor import DISGUISES, each
from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, Fault, Provider, faulty
from tests.support.served import live_app
from tests.support.spans import recorded
from tests.support.tools import strange
from tests.support.transports import both_eras
from tests.support.wire import SECONDS, Mode, initialize, request, running

KEY, STATE_KEY, PASSWORD = "key-0451-unmistakable", "state-key-" + "7" * 30, "pass-word-0451"
SLASHED = "sk_live/+aB0451&x=Zq"
"""A key of which JSON, URLs and HTML escape much."""

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


RAW: dict[str, bytes] = {
    "escaped slashes": json.dumps({"detail": SLASHED, SLASHED: 1}).replace("/", "\\/").encode(),
    "escaped plus": json.dumps({"detail": SLASHED}).replace("+", "\\u002B").encode(),
    "escaped ampersand": json.dumps({"detail": SLASHED}).replace("&", "\\u0026").encode(),
    "every character": ('{"detail": "' + each("\\u{code:04x}")(SLASHED) + '"}').encode(),
    "every character, doubly": json.dumps({"detail": each("\\u{code:04x}")(SLASHED)}).encode(),
    "UTF-16": json.dumps({"detail": SLASHED}).encode("utf-16"),
    "UTF-16 without a mark": json.dumps({"detail": SLASHED}).encode("utf-16-le"),
    "UTF-16, big-endian": json.dumps({"detail": SLASHED}).encode("utf-16-be"),
    "UTF-32": json.dumps({"detail": SLASHED}).encode("utf-32"),
    "UTF-8 with a mark": json.dumps({"detail": SLASHED}).encode("utf-8-sig"),
    "zero width spaces": json.dumps({"detail": "\u200b".join(SLASHED)}, ensure_ascii=False).encode(),
}


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


@both_eras
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


def assert_hidden(seen: Any, *keys: str) -> None:
    """Check that no text, in whatever way it is read, has a key in it."""
    text = json.dumps(seen, ensure_ascii=False)
    for _ in range(6):
        folded = unicodedata.normalize("NFKC", "".join(filter(str.isprintable, text))).lower()
        for key in keys:
            assert key.lower() not in folded
        for run in re.findall(r"[A-Za-z0-9+/_-]{12,}", text):
            for offset in range(4):
                piece = run[offset:].translate(str.maketrans("-_", "+/"))
                decoded = base64.b64decode(piece[: len(piece) // 4 * 4])
                assert not any(key.encode() in decoded.replace(b"\0", b"") for key in keys)
        text = html.unescape(unquote(re.sub(r"\\\\u([0-9A-Fa-f]{4})", lambda m: chr(int(m[1], 16)), text)))
        text = text.replace("\\\\", "\\").replace("\\/", "/")


async def seen_with(
    key: str, faults: dict[str, list[Fault]], *calls: tuple[str, dict[str, Any]]
) -> tuple[list[Any], str]:
    """Return what the calls answered and the ledger holds, and every error as a traceback shows it."""
    seen: list[Any] = []
    told_of: list[str] = []
    async with faulty() as provider, live_app(provider, 2, api_key=SecretStr(key)) as app:
        provider.faults = faults
        for tool, arguments in calls:
            try:
                seen.append((await app.pipeline.call(tool, arguments, SCRIPT)).content)
            except TelefonieError as error:
                seen.append(error.as_dict() if isinstance(error, ToolError) else str(error))
                told_of.append("".join(traceback.format_exception(error)))
        seen += [entry.as_dict() for entry in await app.recent_writes()]
        async with Client(mcp_server(app)) as client:
            (contents,) = (await client.read_resource("telefonie://log")).contents
            seen.append(contents.model_dump())
    return seen, "".join(told_of)


@pytest.mark.parametrize("name", DISGUISES)
async def test_a_disguised_key_is_in_no_error_no_success_and_no_ledger(name: str) -> None:
    words = DISGUISES[name](SLASHED)
    problem = json.dumps({"detail": f"No: {words}.", "code": SLASHED, words: words}).encode()
    number = {**f.OFFER, "friendly_name": words, words: [{words: words}], "monthly_rate": "1.15"}
    found = json.dumps({"available_numbers": [number]}).encode()

    async def offered(exchange: Exchange) -> None:
        is_offer = "/available" in exchange.target
        await exchange.reply(200 if is_offer else 404, found if is_offer else problem)

    faults: dict[str, list[Fault]] = {
        "GET": [
            f.replying(401, problem),
            f.replying(200, json.dumps({"numbers": [number], "total": 1}).encode()),
            f.replying(200, json.dumps(number).encode()),
            f.replying(200, json.dumps({"wrong": words, words: words}).encode()),
            f.replying(302, Location=f"https://{quote(words, safe='')}.evil.example/"),
            offered,
        ],
        "POST": [f.replying(422, problem)],
    }
    seen, told_of = await seen_with(
        SLASHED,
        faults,
        ("list_owned_numbers", {}),
        ("list_owned_numbers", {}),
        ("get_owned_number", {"phone_number": NUMBER}),
        ("list_owned_numbers", {}),
        ("list_owned_numbers", {}),
        ("search_available_numbers", {"country_code": "US"}),
        ("purchase_number", {"phone_number": NUMBER, "confirm": False}),
        ("purchase_number", {"phone_number": NUMBER, "confirm": True}),
        ("purchase_number", {"phone_number": NUMBER, "friendly_name": SLASHED, "confirm": True}),
    )
    assert "provider_says" in seen[0]
    assert seen[1]["numbers"][0]["phone_number"] == NUMBER
    assert seen[8]["code"] == "rejected"
    assert_hidden(seen, SLASHED)
    assert_hidden(told_of, SLASHED)


@pytest.mark.parametrize("name", RAW)
async def test_a_key_is_redacted_after_decoding(name: str) -> None:
    faults: dict[str, list[Fault]] = {"GET": [f.replying(401, RAW[name]), f.replying(200, RAW[name])]}
    seen, told_of = await seen_with(SLASHED, faults, ("list_owned_numbers", {}), ("list_owned_numbers", {}))
    assert seen[0]["provider_says"] == REDACTED
    assert seen[1]["detail"] == REDACTED
    assert_hidden([*seen, told_of], SLASHED)


@pytest.mark.parametrize("charset", ["", "; charset=utf-16", "; charset=latin-1", "; charset=nonsense"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_text_answer_is_redacted_after_decoding(encoding: str, charset: str) -> None:
    media = {"text/plain": {"schema": {"type": "string"}}}
    told = strange({"responses": {"200": {"description": "Text", "content": media}}})
    body = f"The key {SLASHED} of a caf\u00e9".encode(encoding)
    answer = Answer(200, {"content-type": f"text/plain{charset}"}, body, Redactor([SLASHED]))
    content = present(told, answer, {})
    assert_hidden(content, SLASHED)
    if not charset or charset == "; charset=nonsense":
        assert content == {"result": f"The key {REDACTED} of a caf\u00e9"}


async def test_a_lower_case_host_tells_nothing_of_a_key() -> None:
    fault = f.replying(302, Location=f"https://{KEY.upper()}.example/")
    seen, _ = await seen_with(KEY, {"GET": [fault]}, ("list_owned_numbers", {}))
    assert f"a redirect to {REDACTED}.example" in seen[0]["message"]


async def test_a_reads_other_words_stay_as_they_are() -> None:
    number = {**f.OFFER, "friendly_name": "Grüße & 100 % \\u0041 &amp; %41 sk_live", "note": "a\u00e4/+\\/"}
    faults: dict[str, list[Fault]] = {"GET": [f.replying(200, json.dumps(number).encode())]}
    seen, _ = await seen_with(SLASHED, faults, ("get_owned_number", {"phone_number": NUMBER}))
    assert seen[0] == number
