"""The commands `telefonie-mcp sandbox call`, `sms`, `events` and `webhook-secret`."""

import json
import sys
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from telefonie_mcp.sandbox.inbound import webhook_secret
from tests.sandbox.inbound.support import CALLER, NUMBER, owned, webhook
from tests.support.commands import command
from tests.support.terminals import Shown, terminal


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.sqlite3"


async def run(database: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `telefonie-mcp sandbox` in this process, in a thread, and return status, output and errors."""
    status, output, errors = await to_thread.run_sync(
        lambda: command(database.parent, "sandbox", "--sandbox-db", str(database), *arguments)
    )
    assert "Traceback" not in errors
    return status, output, errors


async def test_a_call_in_a_process_shows_the_response_and_where_it_went(database: Path) -> None:
    called = ["call", "+1 (415) 555-0100", "--from", CALLER, "--allow-private"]
    async with webhook() as hook:
        await owned(database, voice_url=f"{hook.base}/voice")
        with anyio.fail_after(300):
            done = await anyio.run_process(
                [sys.executable, "-m", "telefonie_mcp", "sandbox", "--sandbox-db", str(database), *called],
                check=False,
            )
    assert (done.returncode, done.stdout) == (0, b"<Response><Say>Hello</Say></Response>\n")
    errors = done.stderr.decode()
    assert "Traceback" not in errors
    assert f"call from {CALLER}  POST {hook.base}/voice: The webhook answered 200." in errors


async def test_an_answer_cannot_steer_the_terminal(database: Path) -> None:
    async def evil(_: Request) -> Response:
        return Response("one\n\x1b]0;owned\x07two\u202ethree")

    async with webhook(evil) as hook:
        await owned(database, sms_url=hook.base)
        status, output, _ = await run(
            database, "sms", NUMBER, "--from", CALLER, "--text", "Hi", "--allow-private"
        )
    assert (status, output) == (0, "one\n]0;ownedtwothree\n")


async def test_a_failed_delivery_ends_with_status_1_and_a_sentence(database: Path) -> None:
    await owned(database, voice_url="http://127.0.0.1:9/voice")
    status, output, errors = await run(database, "call", NUMBER, "--from", CALLER)
    assert (status, output) == (1, "")
    assert "127.0.0.1, which is not a public address. Nothing was sent." in errors
    status, _, errors = await run(database, "sms", NUMBER, "--from", CALLER, "--text", "Hi")
    assert status == 1
    assert "has no sms_url" in errors


async def test_mistakes_end_with_status_2_and_a_sentence(database: Path) -> None:
    for arguments, sentence in (
        (("call", NUMBER, "--from", CALLER), f"Nobody owns {NUMBER}"),
        (("call", "5550100", "--from", CALLER), "must be in E.164 format"),
        (("call", "+1 1 415 555 0100", "--from", CALLER), "did you mean +14155550100?"),
        (("sms", NUMBER, "--from", "+49 0 30 123456", "--text", "x"), "did you mean +4930123456?"),
        (("events", "+330612345678"), "did you mean +33612345678?"),
        (("webhook-secret", "+54 11 15 2345 6789"), "did you mean +5491123456789?"),
        (("sms", NUMBER, "--from", CALLER, "--text", ""), "An SMS has 1 to 1600 characters."),
        (("call", NUMBER), "Missing option '--from'"),
    ):
        status, output, errors = await run(database, *arguments)
        assert (status, output) == (2, "")
        assert sentence in errors


async def test_the_events_of_a_number_are_listed(database: Path) -> None:
    await owned(database, voice_url="http://127.0.0.1:9/voice")
    status, output, errors = await run(database, "events", NUMBER)
    assert (status, output) == (0, "")
    assert f"Nothing has come in on {NUMBER}." in errors
    await run(database, "call", NUMBER, "--from", CALLER)
    _, output, _ = await run(database, "events", NUMBER)
    assert f"call from {CALLER}  POST http://127.0.0.1:9/voice: The webhook is at 127.0.0.1" in output
    _, output, _ = await run(database, "events", NUMBER, "--json")
    (line,) = output.splitlines()
    assert json.loads(line)["outcome"] == "forbidden_address"


@pytest.mark.parametrize("columns", [40, 80])
async def test_on_a_terminal_events_fit_into_the_window(columns: int, database: Path) -> None:
    await owned(
        database, voice_url="http://127.0.0.1:9/a/path/that/is/longer/than/any/window/of/forty/columns"
    )

    async def seen(*arguments: str) -> Shown:
        sandbox = ("sandbox", "--sandbox-db", str(database))
        return await to_thread.run_sync(
            lambda: terminal(database.parent, *sandbox, *arguments, columns=columns)
        )

    called = await seen("call", NUMBER, "--from", CALLER)
    shown = await seen("events", NUMBER)
    assert called.widest <= columns
    assert shown.widest <= columns
    header, row, *detail = shown.lines
    assert header.split() == ["time", "(UTC)", "kind", "from"]
    assert row.endswith(f"  call  {CALLER}") if columns == 80 else True
    assert "which is not a public address." in " ".join(" ".join(detail).split())


async def test_the_webhook_secret_is_shown(database: Path) -> None:
    await owned(database)
    _, output, _ = await run(database, "webhook-secret")
    assert output == f"{webhook_secret(database)}\n"
    _, output, _ = await run(database, "webhook-secret", NUMBER)
    assert output == f"{webhook_secret(database, NUMBER)}\n"
