"""The sandbox's commands work where a server uses the sandbox on its socket as if it were the live API."""

from pathlib import Path

import pytest
from anyio import to_thread

from tests.sandbox.inbound.support import CALLER, NUMBER, owned
from tests.support.commands import command
from tests.support.wire import running

SOCKET = {"TELEFONIE_API_KEY": "account-1", "TELEFONIE_BASE_URL": "http://127.0.0.1:9000/v1/numbers"}
"""What docs/sandbox.md sets for the socket."""

LIVE = [
    SOCKET,
    {"TELEFONIE_BASE_URL": SOCKET["TELEFONIE_BASE_URL"]},
    {"TELEFONIE_BASE_URL": SOCKET["TELEFONIE_BASE_URL"], "TELEFONIE_API_KEY_FILE": "/nowhere/key"},
    {**SOCKET, "TELEFONIE_API_KEY_FILE": "/nowhere/key"},
    {**SOCKET, "TELEFONIE_SANDBOX": "false", "TELEFONIE_ACCOUNT": "sales", "TELEFONIE_LIVE_PORTING": "true"},
]
"""Environments of servers that are live, whole or halfway there."""

COMMANDS = [
    (["call", NUMBER, "--from", CALLER], 1, "has no voice_url"),
    (["sms", NUMBER, "--from", CALLER, "--text", "Hi"], 1, "has no sms_url"),
    (["events", NUMBER], 0, f"Nothing has come in on {NUMBER}."),
    (["webhook-secret"], 0, ""),
    (["clock"], 0, ""),
    (["clock", "+1h"], 0, ""),
    (["--reset"], 0, "is empty"),
]


@pytest.mark.parametrize("live", LIVE)
@pytest.mark.parametrize(("arguments", "status", "words"), COMMANDS, ids=str)
async def test_settings_of_the_live_api_do_not_matter(
    live: dict[str, str], arguments: list[str], status: int, words: str, tmp_path: Path
) -> None:
    database = tmp_path / "sandbox.sqlite3"
    await owned(database)
    variables = {"TELEFONIE_SANDBOX_DB": str(database), **live}
    done, output, errors = await to_thread.run_sync(
        lambda: command(tmp_path, "sandbox", *arguments, **variables)
    )
    assert done == status, errors
    assert words in errors
    assert "TELEFONIE_" not in output + errors


async def test_they_do_not_matter_to_the_socket_itself(tmp_path: Path) -> None:
    async with running("sandbox", "--port", "0", home=tmp_path, variables=SOCKET) as server:
        assert (await server.address()).endswith("/v1/numbers")
        server.process.terminate()
        assert await server.end() == 0


def test_as_flags_they_do_not_matter_either(tmp_path: Path) -> None:
    flags = ["--base-url", SOCKET["TELEFONIE_BASE_URL"], "--no-sandbox"]
    status, _, errors = command(tmp_path, *flags, "sandbox", "clock")
    assert (status, errors) == (0, "")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TELEFONIE_SANDBOX_DBB", "x", "TELEFONIE_SANDBOX_DBB is not a setting; did you mean"),
        ("TELEFONIE_LOG_LEVEL", "loud", "TELEFONIE_LOG_LEVEL: "),
    ],
)
def test_what_is_about_the_sandbox_is_checked(name: str, value: str, words: str, tmp_path: Path) -> None:
    status, _, errors = command(tmp_path, "sandbox", "clock", **{name: value})
    assert status == 2
    assert words in errors
