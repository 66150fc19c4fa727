"""What is composed from the settings: where calls go, and what an agent is told about it."""

from pathlib import Path

import anyio
import httpx2 as httpx
import pytest

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import DocumentError
from telefonie_mcp.server.instructions import destination, instructions, title
from telefonie_mcp.settings.reading import read_settings

FLEET = Path(__file__).parent / "openapi/documents/fleet.json"
KEY = "key-of-a-test-0123456789"


def app(**variables: str) -> App:
    return App.from_settings(read_settings({f"TELEFONIE_{name}": value for name, value in variables.items()}))


def files(directory: Path) -> list[Path]:
    return [*directory.iterdir()]


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({}, "SANDBOX: an embedded simulation; no number is real and nothing costs money"),
        ({"API_KEY": KEY, "SANDBOX": "true"}, "SANDBOX: "),
        ({"API_KEY": KEY}, "LIVE: calls reach api.telefonie.com; purchases cost real money"),
        ({"API_KEY": KEY, "BASE_URL": "https://other.example/v2"}, "LIVE: calls reach other.example; "),
    ],
)
def test_the_sandbox_cannot_be_taken_for_the_live_api(variables: dict[str, str], where: str) -> None:
    made = app(**variables)
    assert destination(made).startswith(where)
    assert instructions(made).startswith(where)
    mode = where.partition(":")[0].lower()
    assert title(made) == f"Telefonie phone numbers ({mode})"
    assert made.settings.mode == mode
    assert KEY not in instructions(made)


def test_a_document_of_ones_own_goes_where_the_base_url_says_or_its_own_table(tmp_path: Path) -> None:
    document, table, key = (tmp_path / name for name in ("fleet.json", "own.toml", "key"))
    document.write_text(FLEET.read_text().replace("http://127.0.0.1:8999", "https://fleet.example"))
    variables = {"API_KEY": KEY, "BASE_URL": "https://other.example/v2", "SPEC": str(document)}
    assert destination(app(**variables)).startswith("LIVE: calls reach other.example; ")
    key.write_text(KEY)
    table.write_text(f"[fleet]\napi_key_file = '{key}'")
    made = app(**variables, SPEC_CREDENTIALS=str(table))
    assert destination(made).startswith("LIVE: calls reach other.example, fleet.example; ")


@pytest.mark.parametrize(
    ("variables", "encrypted"),
    [
        ({}, False),
        ({"API_KEY": KEY}, True),
        ({"API_KEY": KEY, "BASE_URL": "HTTPS://other.example"}, True),
        ({"API_KEY": KEY, "BASE_URL": "http://127.0.0.1:1"}, False),
    ],
)
def test_certificates_are_trusted_where_a_server_is_encrypted(
    variables: dict[str, str], encrypted: bool
) -> None:
    assert vars(app(**variables).client)["_encrypted"] is encrypted


def test_instructions_tell_only_what_is_enabled() -> None:
    assert "purchase_number, release_number act only with confirm=true" in instructions(app())
    reading = instructions(app(READ_ONLY="true"))
    assert "This server only reads." in reading
    assert "confirm" not in reading
    assert "release_number act only with confirm=true" in instructions(app(EXCLUDE_TOOLS="purchase_number"))


def test_an_account_is_the_sandbox_or_a_name_and_a_server() -> None:
    def account(**variables: str) -> str:
        made = app(**variables)
        found = made.account(made.catalog["purchase_number"])
        assert KEY not in found.name + found.key
        return found.name

    assert account() == account(API_KEY=KEY, SANDBOX="true") == "sandbox"
    assert account(API_KEY=KEY) == "default api.telefonie.com:443"
    assert account(API_KEY=f"{KEY}0") == account(API_KEY=KEY)
    assert account(API_KEY=KEY, ACCOUNT="work") == "work api.telefonie.com:443"
    assert account(API_KEY=KEY, BASE_URL="https://OTHER.example:8443/v2") == "default other.example:8443"


def test_a_key_is_known_by_a_fingerprint() -> None:
    def fingerprint(**variables: str) -> str:
        made = app(**variables)
        return made.account(made.catalog["purchase_number"]).key

    assert fingerprint() == ""
    assert fingerprint(API_KEY=KEY) == fingerprint(API_KEY=KEY, ACCOUNT="work")
    assert fingerprint(API_KEY=KEY) != fingerprint(API_KEY=f"{KEY}0")


def test_the_sandbox_refuses_a_document_that_it_does_not_implement() -> None:
    with pytest.raises(DocumentError, match="does not implement Fleet; set TELEFONIE_API_KEY"):
        app(SPEC=str(FLEET))


async def test_nothing_is_opened_before_a_call_and_everything_again_after_closing(tmp_path: Path) -> None:
    made = app(SANDBOX_DB=str(tmp_path / "sandbox.sqlite3"))
    assert files(tmp_path) == []
    await made.aclose()
    buy = {"phone_number": "+14155550123", "confirm": True}
    assert (await made.pipeline.call("purchase_number", buy, CommandLine())).meta["mode"] == "sandbox"
    assert tmp_path / "sandbox-ledger.sqlite3-wal" in files(tmp_path)
    await made.aclose()
    assert tmp_path / "sandbox-ledger.sqlite3-wal" not in files(tmp_path)
    assert (await made.pipeline.call("list_owned_numbers", {}, CommandLine())).content["total"] == 1
    assert [entry.tool for entry in await made.recent_writes()] == ["purchase_number"]
    await made.aclose()


async def test_a_transport_that_is_handed_in_gets_the_requests() -> None:
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        asked.append(request)
        return httpx.Response(200, json={"numbers": [], "total": 0})

    settings = read_settings({"TELEFONIE_API_KEY": KEY})
    made = App.from_settings(settings, transport=httpx.MockTransport(answer))
    await made.pipeline.call("list_owned_numbers", {"page": 2}, CommandLine())
    await made.aclose()
    (request,) = asked
    assert str(request.url) == "https://api.telefonie.com/v1/numbers/owned?page=2"
    assert request.headers["X-API-Key"] == KEY
