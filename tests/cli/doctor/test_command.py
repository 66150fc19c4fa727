"""The command, against an API that answers as it likes."""

import json
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from tests.support.commands import command
from tests.support.faulty import Exchange, Fault, Provider, close, faulty, hang, replying
from tests.support.ports import closed_port
from tests.support.terminals import terminal

KEY = "key-0451-abcdef"


async def doctor(home: Path, *flags: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the findings by check."""
    variables = {f"TELEFONIE_{name}": value for name, value in variables.items()}
    run = partial(command, home, *flags, "doctor", "--json", **variables)
    status, output, errors = await to_thread.run_sync(run)
    report = json.loads(output)
    assert KEY not in json.dumps(report) + errors
    assert report["ok"] is (status == 0)
    return status, {finding["check"]: finding for finding in report["checks"]}


def files(home: Path) -> list[Path]:
    return [*home.rglob("*")]


async def doctor_of_an_api(home: Path, *faults: Fault, **variables: str) -> tuple[int, dict[str, Any]]:
    """Return what the doctor finds where reads of the API end in these faults."""
    async with faulty(Provider(faults={"GET": list(faults)})) as provider:
        found = await doctor(home, API_KEY=KEY, BASE_URL=provider.url, **variables)
        assert {method for method, _ in provider.log} == {"GET"}
    return found


def test_a_new_installation_on_the_sandbox(tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, "doctor")
    lines = output.splitlines()
    assert status == 0
    assert [line.split()[:2] for line in lines] == [
        ["ok", check] for check in ("settings", "documents", "key", "ledger", "state", "versions")
    ]
    assert "SANDBOX" in lines[0]
    assert files(tmp_path) == []


async def test_a_live_installation(tmp_path: Path) -> None:
    status, found = await doctor_of_an_api(tmp_path)
    assert status == 0
    assert [*found] == [
        "settings",
        "documents",
        "reachability",
        "key",
        "clock",
        "ledger",
        "state",
        "versions",
    ]
    assert {finding["status"] for finding in found.values()} == {"ok"}
    assert found["key"]["text"] == "present; the API accepts it"
    assert files(tmp_path) == []


async def test_the_clock_is_wrong(tmp_path: Path) -> None:
    async def earlier(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"numbers": [], "total": 0}', Date=formatdate(0, usegmt=True))

    status, found = await doctor_of_an_api(tmp_path, earlier)
    assert status == 0
    assert found["clock"]["status"] == "warning"
    assert "ahead of the API's" in found["clock"]["text"]


@pytest.mark.parametrize(
    ("answer", "status", "text", "remedy"),
    [
        (401, "problem", "the API refused with 401 Unauthorized", "Check the key"),
        (403, "problem", "the API refused with 403 Forbidden", "Ask the account's owner"),
        (402, "problem", "the API refused with 402 Payment Required", "Ask the account's owner"),
        (429, "warning", "present; the API refused with 429 Too Many Requests", "Try again later"),
    ],
)
async def test_the_api_says_what_it_thinks_of_the_key(
    answer: int, status: str, text: str, remedy: str, tmp_path: Path
) -> None:
    done, found = await doctor_of_an_api(tmp_path, replying(answer))
    assert done == (status == "problem")
    assert found["reachability"]["status"] == "ok"
    assert (found["key"]["status"], found["key"]["text"]) == (status, text)
    assert found["key"]["remedy"].startswith(remedy)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (replying(503), "the API refused with 503 Service Unavailable"),
        (replying(404), "the API refused with 404 Not Found"),
        (replying(301, Location="https://example.com/v2"), "a redirect to example.com"),
        (replying(200, b"<html>Welcome"), "the API answers something else than its document says"),
        (replying(204), "answered 204 instead of 200"),
        (close, "HTTP: 127.0.0.1 port "),
    ],
)
async def test_something_else_answers(fault: Fault, words: str, tmp_path: Path) -> None:
    status, found = await doctor_of_an_api(tmp_path, fault)
    assert status == 1
    assert words in found["reachability"]["text"]
    assert "TELEFONIE_BASE_URL" in found["reachability"]["remedy"]
    assert found["key"]["text"] == "present"


async def test_nothing_answers(tmp_path: Path) -> None:
    status, found = await doctor_of_an_api(tmp_path, hang)
    assert status == 1
    assert "accepts connections, but did not answer within 10 seconds" in found["reachability"]["text"]
    assert "clock" not in found


async def test_nobody_listens(tmp_path: Path) -> None:
    status, found = await doctor(tmp_path, API_KEY=KEY, BASE_URL="https://nowhere.invalid/v1")
    assert status == 1
    assert found["reachability"]["text"] == "DNS: the name nowhere.invalid is not known here"


def things(home: Path, **members: Any) -> str:
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "components": {"securitySchemes": {"Basic": {"type": "http", "scheme": "basic"}}},
        "security": [{"Basic": []}],
        "paths": {"/owned": {"get": {"responses": {"200": {"description": "Things"}}}}},
        **members,
    }
    (home / "things.json").write_text(json.dumps(document))
    return str(home / "things.json")


OWN = "api_key_file of [things] in TELEFONIE_SPEC_CREDENTIALS"


async def test_every_server_is_asked_with_its_own_key(tmp_path: Path) -> None:
    table, key = tmp_path / "own.toml", tmp_path / "key"
    key.write_text("user:password-0451")
    async with faulty() as one, faulty(GET=[replying(401)]) as other:
        table.write_text(f"[things]\nbase_url = '{other.url}'\napi_key_file = 'key'\n")
        variables = {"BASE_URL": one.url, "SPEC": things(tmp_path), "SPEC_CREDENTIALS": str(table)}
        for file in (table, key):
            file.chmod(0o600)
        status, found = await doctor(tmp_path, API_KEY=KEY, **variables)
        assert status == 1
        assert found["key"]["text"] == f"{OWN}: the API refused with 401 Unauthorized"
        assert (one.count("GET"), other.count("GET")) == (1, 1)
        assert (one.keys, other.keys) == ({KEY}, {""})


async def test_an_address_of_its_own_is_blamed_on_its_own_setting(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("user:password-0451")
    with closed_port() as port:
        (tmp_path / "own.toml").write_text(
            f"[things]\nbase_url = 'http://127.0.0.1:{port}'\napi_key_file = 'key'\n"
        )
        variables = {"SPEC": things(tmp_path), "SPEC_CREDENTIALS": str(tmp_path / "own.toml")}
        status, found = await doctor(tmp_path, **variables)
    assert status == 1
    remedy = "Check base_url of [things] in TELEFONIE_SPEC_CREDENTIALS, the network, and whether"
    assert found["reachability"]["remedy"].startswith(remedy)


async def test_the_file_of_keys_and_its_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    table, key = tmp_path / "own.toml", tmp_path / "key"
    key.write_text("user:password-0451")
    table.write_text("[things]\napi_key_file = 'key'\n")
    async with faulty() as one:
        variables = {"SPEC": things(tmp_path, servers=[{"url": one.url}]), "SPEC_CREDENTIALS": str(table)}
        table.chmod(0o644)
        key.chmod(0o600)
        status, found = await doctor(tmp_path, **variables)
        assert (status, found["key"]["status"]) == (0, "warning")
        assert found["key"]["text"] == "others can read the file of TELEFONIE_SPEC_CREDENTIALS"
        assert found["key"]["remedy"] == f"chmod 600 {table}"
        table.chmod(0o600)
        key.chmod(0o644)
        _, found = await doctor(tmp_path, **variables)
        assert found["key"]["text"] == f"{OWN}: present; its file can be read by others; the API accepts it"
        assert found["key"]["remedy"] == f"chmod 600 {key}"
        key.write_text("short")
        status, found = await doctor(tmp_path, **variables)
        assert (status, found["key"]["status"]) == (1, "problem")
        assert "[things]: api_key_file key holds an API key of fewer than 8" in found["key"]["text"]


@pytest.mark.parametrize(
    ("flags", "variables", "check", "words"),
    [
        (["--timeout", "x"], {}, "settings", "TELEFONIE_TIMEOUT: "),
        ([], {"READONLY": "1"}, "settings", "did you mean TELEFONIE_READ_ONLY?"),
        ([], {"TOOLS": "x"}, "settings", "TELEFONIE_TOOLS: there is no tool 'x'"),
        ([], {"SPEC": "missing.yml", "API_KEY": KEY}, "documents", "missing.yml: cannot be read"),
        ([], {"API_KEY_FILE": "missing"}, "key", "TELEFONIE_API_KEY_FILE cannot be read"),
    ],
)
async def test_what_stops_the_start_is_a_finding(
    flags: list[str], variables: dict[str, str], check: str, words: str, tmp_path: Path
) -> None:
    status, found = await doctor(tmp_path, *flags, **variables)
    assert status == 1
    assert found[check]["status"] == "problem"
    assert words in found[check]["text"]
    assert found[check]["remedy"]
    assert found["versions"]["status"] == "ok"


async def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    async with faulty() as provider:
        file.chmod(0o644)
        status, found = await doctor(tmp_path, API_KEY_FILE=str(file), BASE_URL=provider.url)
        assert (status, found["key"]["status"]) == (0, "warning")
        assert found["key"]["remedy"] == f"chmod 600 {file}"
        file.chmod(0o600)
        _, found = await doctor(tmp_path, API_KEY_FILE=str(file), BASE_URL=provider.url)
        assert found["key"]["status"] == "ok"


@pytest.mark.parametrize("columns", [30, 60, 80, 200])
def test_the_report_fits_the_window(columns: int, tmp_path: Path) -> None:
    deep = tmp_path / "a-directory-with-a-long-name" / "another-directory-with-a-long-name"
    deep.mkdir(parents=True)
    (deep / "sandbox.sqlite3").write_text("not a database, but long enough to look like one " * 100)
    variables = {"TELEFONIE_SANDBOX_DB": str(deep / "sandbox.sqlite3")}
    shown = terminal(tmp_path, "doctor", columns=columns, variables=variables)
    assert shown.status == 1
    assert shown.widest <= columns
    assert "→ " in shown.text
    _, output, _ = command(tmp_path, "doctor", **variables)
    assert "\x1b" not in output
    assert f"{deep}/sandbox.sqlite3 cannot be used" in output


def test_what_root_may_not_do_is_tried(tmp_path: Path) -> None:
    """`/proc` grants root every access and takes nothing."""
    status, output, _ = command(tmp_path, "doctor", TELEFONIE_STATE_DIR="/proc/nowhere/deep")
    assert status == 1
    assert "cannot be made in /proc" in " ".join(output.split())
