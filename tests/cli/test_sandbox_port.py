"""`sandbox --port` and `--reset`: what they print, show and ask."""

import re
import subprocess
from pathlib import Path

import anyio
import httpx2 as httpx
import pytest

from telefonie_mcp.cli.requests import ShowRequests
from telefonie_mcp.sandbox import create_sandbox
from tests.support.commands import command
from tests.support.terminals import terminal
from tests.support.wire import SECONDS, environment, running

NUMBER = "+14155550123"
BUY = ("call", "purchase_number", f"phone_number={NUMBER}", "--yes")
PATH = "/v1/numbers/owned"


@pytest.mark.parametrize("flags", [(), ("--log-level", "error")])
async def test_the_port_and_the_lines_to_export_are_printed(flags: tuple[str, ...], tmp_path: Path) -> None:
    contrary = {"TELEFONIE_SANDBOX_DB": str(tmp_path / "sandbox.sqlite3"), "TELEFONIE_SANDBOX": "true"}
    async with running(*flags, "sandbox", "--port", "0", home=tmp_path, variables=contrary) as server:
        lines = [await server.line() for _ in range(5)]
        assert lines[1] == "unset TELEFONIE_SANDBOX TELEFONIE_SANDBOX_DB"
        assert re.fullmatch(r"export TELEFONIE_BASE_URL=http://127\.0\.0\.1:\d+/v1/numbers", lines[3])
        script = "\n".join([*lines, "env"])
        run = await anyio.to_thread.run_sync(
            lambda: subprocess.run(
                ["bash", "--norc", "-euc", script],
                env=environment(tmp_path, **contrary),
                capture_output=True,
                text=True,
                check=True,
            )
        )
        pairs = (line.partition("=") for line in run.stdout.splitlines())
        set_now: dict[str, str] = {name: value for name, _, value in pairs}
        assert not contrary.keys() & set_now.keys()
        assert set_now["TELEFONIE_API_KEY"] == "account-1"
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            headers = {"X-API-Key": set_now["TELEFONIE_API_KEY"]}
            answer = await client.get(f"{set_now['TELEFONIE_BASE_URL']}/owned", headers=headers)
        assert answer.json()["total"] == 0
        assert ("serving on" in server.log) is not flags


async def test_an_http_server_names_its_port_whatever_is_logged(tmp_path: Path) -> None:
    async with running("--log-level", "error", "--http", "0", home=tmp_path) as server:
        assert (await server.address()).endswith("/mcp")


async def test_verbose_shows_a_line_for_each_request(tmp_path: Path) -> None:
    arguments = ("--log-level", "error", "sandbox", "--port", "0", "--verbose")
    async with running(*arguments, home=tmp_path) as server:
        lines = [await server.line() for _ in range(4)]
        url = lines[2].strip().partition("=")[2]
        async with httpx.AsyncClient(headers={"X-API-Key": "account-0451"}, timeout=SECONDS) as client:
            await client.get(f"{url}/owned")
            await client.get(f"{url}/nonsense")
        while server.log.count("\n") < 2:
            await anyio.sleep(0.01)
        first, second = server.log.splitlines()
    assert re.fullmatch(rf"\d\d:\d\d:\d\d  GET {PATH}  200  \d+ ms", first)
    assert "GET /v1/numbers/nonsense  404" in second


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (f"{PATH}?page=1&page_size=5", f"{PATH}?page=1&page_size=5"),
        (f"{PATH}?api_key=account-0451", f"{PATH}?api_key=(hidden)"),
        (f"{PATH}?pin=1234&x=account-0451", f"{PATH}?pin=(hidden)&x=**********"),
        (f"{PATH}/account-0451", f"{PATH}/**********"),
        (f"{PATH}/account%2D0451?q=account%2d0451", f"{PATH}/**********?q=**********"),
        (f"{PATH}/%1b%5b31m%0aGET", f"{PATH}/[31m GET"),
    ],
)
async def test_no_secret_is_shown(target: str, shown: str) -> None:
    lines: list[str] = []
    transport = httpx.ASGITransport(app=ShowRequests(create_sandbox(":memory:"), lines.append))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.invalid") as client:
        await client.get(target, headers={"X-API-Key": "account-0451"})
    (line,) = lines
    assert line.split("  ")[1] == f"GET {shown}"


def test_reset_says_what_it_empties_and_asks_on_a_terminal(tmp_path: Path) -> None:
    assert command(tmp_path, *BUY)[0] == 0
    for typed, status, left in (("n\n", 1, 1), ("y\n", 0, 0)):
        shown = terminal(tmp_path, "sandbox", "--reset", answers={"Empty it? [y/N]": typed})
        assert shown.status == status
        text = " ".join(shown.text.split())
        assert "(1 account, 1 number) and 1 entry of the ledger in " in text
        assert ("1 entry is removed from the ledger." in text) is not left
        assert len(command(tmp_path, "log", "--json")[1].splitlines()) == left
        assert shown.widest <= 80


def test_reset_with_yes_does_not_ask(tmp_path: Path) -> None:
    assert command(tmp_path, *BUY)[0] == 0
    shown = terminal(tmp_path, "sandbox", "--reset", "--yes")
    assert (shown.status, "[y/N]" in shown.text) == (0, False)
    assert "is empty" in shown.text


def test_reset_makes_no_sandbox(tmp_path: Path) -> None:
    status, output, errors = command(tmp_path, "sandbox", "--reset")
    assert (status, output) == (0, "")
    assert errors.startswith("There is no sandbox in ")
    assert [*tmp_path.rglob("*.sqlite3")] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--verbose",), "Say --port N to serve the sandbox, or --reset to empty it."),
        (("--reset", "--verbose"), "--verbose is about the requests to --port."),
        (("--port", "0", "--yes"), "--yes answers the question of --reset, and there is none."),
    ],
)
def test_options_without_a_meaning_are_refused(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    status, _, errors = command(tmp_path, "sandbox", *options)
    assert status == 2
    assert words in errors


@pytest.mark.parametrize("variable", ["TELEFONIE_SANDBOX_DB", "TELEFONIE_LEDGER"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("sandbox", "clock"),
        ("sandbox", "--reset"),
        ("sandbox", "--port", "0"),
        ("sandbox", "webhook-secret"),
        ("call", "list_owned_numbers"),
        BUY,
        ("log",),
        (),
    ],
)
def test_a_mistyped_path_makes_no_directories(
    variable: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "mistyped" / "deep" / "sandbox.sqlite3"
    status, output, errors = command(tmp_path, *arguments, **{variable: str(path)})
    assert (status, output) == (2, "")
    assert errors.startswith(
        f"telefonie-mcp: {variable}: there is no directory {path.parent}; correct the path"
    )
    assert [*tmp_path.iterdir()] == []


def test_doctor_finds_a_mistyped_path_too(tmp_path: Path) -> None:
    path = tmp_path / "mistyped" / "sandbox.sqlite3"
    status, output, _ = command(tmp_path, "doctor", TELEFONIE_SANDBOX_DB=str(path))
    assert status == 1
    assert f"there is no directory {path.parent}" in " ".join(output.split())
