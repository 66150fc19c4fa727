"""What is said at the start about the files that settings name, with the remedy."""

from pathlib import Path

import pytest
from mcp import Client

from telefonie_mcp.ledger.files import exposed, file_warnings
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings
from tests.support.wire import initialize, running

KEY = "key-0451-abcdef"


def variables(home: Path) -> dict[str, str]:
    key, ledger = home / "the key", home / "ledger.sqlite3"
    key.write_text(KEY)
    ledger.write_bytes(b"content")
    key.chmod(0o600)
    ledger.chmod(0o600)
    return {"TELEFONIE_API_KEY_FILE": str(key), "TELEFONIE_LEDGER": str(ledger)}


def warnings(settings: Settings) -> list[str]:
    return [*file_warnings(settings.ledger_url, settings.secret_files)]


def expose(home: Path, mode: int = 0o644) -> None:
    for file in home.iterdir():
        file.chmod(mode)


def test_nothing_is_said_of_private_files(tmp_path: Path) -> None:
    assert warnings(read_settings(variables(tmp_path))) == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_files_that_others_can_read_are_named_with_the_remedy(mode: int, tmp_path: Path) -> None:
    settings = read_settings(variables(tmp_path))
    expose(tmp_path, mode)
    assert warnings(settings) == [
        f"others can read the API key in {tmp_path}/the key; chmod 600 '{tmp_path}/the key'",
        f"others can read the ledger in {tmp_path}/ledger.sqlite3; chmod 600 {tmp_path}/ledger.sqlite3",
    ]


@pytest.mark.parametrize(
    ("mode", "own", "found"),
    [
        (0o400, True, False),
        (0o440, True, True),
        (0o440, False, False),  # a secret in a pod: it is root's, and read as a member of its group
        (0o444, False, True),
        (0o460, False, True),
    ],
)
def test_the_group_may_read_a_file_that_belongs_to_somebody_else(mode: int, own: bool, found: bool) -> None:
    assert exposed(mode, own=own) is found


def test_files_that_name_keys_of_documents_and_those_keys_are_named_too(tmp_path: Path) -> None:
    table, own = tmp_path / "own.toml", tmp_path / "own"
    own.write_text(KEY)
    table.write_text("[one]\napi_key_file = 'own'")
    others = {"TELEFONIE_SPEC": "one.yml", "TELEFONIE_SPEC_CREDENTIALS": str(table)}
    settings = read_settings({**variables(tmp_path), **others})
    expose(tmp_path, 0o600)
    assert warnings(settings) == []
    own.chmod(0o644)
    table.chmod(0o640)
    assert warnings(settings) == [
        f"others can read the API key in {own}; chmod 600 {own}",
        f"others can read TELEFONIE_SPEC_CREDENTIALS, {table}; chmod 600 {table}",
    ]


def test_a_link_to_a_file_is_as_private_as_the_file(tmp_path: Path) -> None:
    settings = read_settings(variables(tmp_path))
    key = tmp_path / "the key"
    key.rename(tmp_path / "elsewhere").chmod(0o644)
    key.symlink_to(tmp_path / "elsewhere")
    assert len(warnings(settings)) == 1


@pytest.mark.parametrize(
    "ledger", [":memory:", "postgresql://a:b@host/c", "~nobody-of-that-name/x", "/no/where"]
)
def test_what_is_no_file_is_no_concern(ledger: str) -> None:
    settings = read_settings({"TELEFONIE_LEDGER": ledger, "TELEFONIE_SANDBOX_DB": ":memory:"})
    said = warnings(settings)
    assert said == (["the ledger cannot be opened: this user has no home directory"] if "~" in ledger else [])


async def test_a_server_says_it_in_one_line_each_when_it_starts(tmp_path: Path) -> None:
    given = variables(tmp_path)
    expose(tmp_path)
    async with running(home=tmp_path, variables=given) as server:
        await server.ask(initialize("2025-11-25"))
        await server.hang_up()
        assert await server.end() == 0
        said = server.log
    lines = said.splitlines()
    assert sum("others can read" in line and "chmod 600" in line for line in lines) == 2
    assert KEY not in said


async def test_over_http_it_is_said_too(tmp_path: Path) -> None:
    given = variables(tmp_path)
    expose(tmp_path)
    async with running("--http", "127.0.0.1:0", home=tmp_path, variables=given) as server:
        async with Client(await server.address()) as client:
            await client.list_tools()  # it serves, so it has heard of the signals that end it
        assert server.log.count("others can read the API key") == 1
        server.process.terminate()
        assert await server.end() == 0
