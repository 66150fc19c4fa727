"""Several providers in one server: each sees its own key and no other one, and has its own account."""

import base64
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from telefonie_mcp.app import App
from telefonie_mcp.errors import DocumentError, SettingsError
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.reading import read_settings
from tests.support.recorder import Recorder, recording
from tests.support.wire import answer_of

SEED = Path(__file__).parents[2] / "telefonie_mcp/openapi/data/telefonie-numbers-openapi.yml"
KEY = "shared-key-0451"
USER, PASSWORD = "AC0451-account", "pass word: 0451"
PAIR = f"{USER}:{PASSWORD}"
ENCODED = base64.b64encode(PAIR.encode()).decode()
APP = "app-key-0451"
SCHEMES: dict[str, Any] = {
    "Basic": {"type": "http", "scheme": "basic"},
    "OAuth": {"type": "oauth2", "flows": {}},
    "Raw": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "Id": {"type": "apiKey", "in": "query", "name": "id"},
    "Secret": {"type": "apiKey", "in": "header", "name": "X-Secret"},
}


def document(name: str, *security: Any, **members: Any) -> dict[str, Any]:
    """Return a document with a read and a write that acquires, called after it."""
    number = {"name": "number", "in": "query", "schema": {"type": "string"}}
    responses = {
        "200": {"description": "Well", "content": {"application/json": {"schema": {"type": "object"}}}}
    }
    hints = {"effect": "acquire", "subject": "number", "destructive": False}
    read = {"operationId": f"see_{name}", "parameters": [number], "responses": responses}
    write = {**read, "operationId": f"buy_{name}", "x-telefonie-hints": hints}
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1"},
        "components": {"securitySchemes": SCHEMES},
        "security": [*security],
        "paths": {"/numbers": {"get": read, "post": write}},
        **members,
    }


def variables(
    home: Path,
    *documents: dict[str, Any],
    keys: dict[str, str] | None = None,
    tables: str = "",
    **others: str,
) -> dict[str, str]:
    """Return an environment with documents, key files and the file of `TELEFONIE_SPEC_CREDENTIALS`."""
    paths = [home / f"{tree['info']['title']}.json" for tree in documents]
    for path, tree in zip(paths, documents, strict=True):
        path.write_text(json.dumps(tree))
    for name, key in (keys or {}).items():
        (home / name).write_text(key)
    chosen = {"API_KEY": KEY, "LEDGER": ":memory:", "SPEC": os.pathsep.join(map(str, paths)), **others}
    if tables:
        (home / "own.toml").write_text(tables)
        chosen["SPEC_CREDENTIALS"] = str(home / "own.toml")
    return {f"TELEFONIE_{name}": value for name, value in chosen.items() if value}


def own(**tables: tuple[str, Recorder]) -> str:
    """Return tables with a key file and an address."""
    return "".join(
        f"[{name}]\napi_key_file = '{file}'\nbase_url = 'http://127.0.0.1:{api.port}'\n"
        for name, (file, api) in tables.items()
    )


def beside(
    home: Path, api: Recorder, *documents: dict[str, Any], second: str, **others: str
) -> dict[str, str]:
    """Return an environment where `one` and `two` have keys of their own, and any other the shared one."""
    return variables(
        home,
        *documents,
        keys={"pair": PAIR, "second": second},
        tables=own(one=("pair", api), two=("second", api)),
        BASE_URL=f"http://127.0.0.1:{api.port}",
        **others,
    )


@dataclass
class Served:
    """A client of a server with documents."""

    client: Client
    app: App

    async def __call__(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool."""
        return answer_of(await self.client.call_tool(name, arguments))


@asynccontextmanager
async def served(environment: dict[str, str]) -> AsyncGenerator[Served]:
    app = App.from_settings(read_settings(environment))
    async with Client(mcp_server(app)) as client:
        yield Served(client, app)


def headers_of(api: Recorder) -> list[str | None]:
    return [headers.get("authorization") for _, _, headers, _ in api.requests]


async def test_each_key_goes_to_its_own_server_and_nowhere_else(tmp_path: Path) -> None:
    async with recording() as shared, recording() as one, recording() as two:
        for api in (shared, one, two):
            api.answer("GET", 200, {"numbers": [], "total": 0})
        environment = variables(
            tmp_path,
            document("one", {"OAuth": []}, {"Basic": []}, servers=[{"url": "https://one.example"}]),
            document("two", {"Raw": []}, servers=[{"url": f"http://127.0.0.1:{two.port}/v1"}]),
            keys={"pair": PAIR, "app": f"App {APP}"},
            tables=own(one=("pair", one)) + "[two]\napi_key_file = 'app'",
            BASE_URL=f"http://127.0.0.1:{shared.port}",
        )
        async with served(environment) as call:
            for name in ("search_available_numbers", "see_one", "see_two"):
                assert "code" not in await call(name, **{"country_code": "US"} if "search" in name else {})
        assert headers_of(shared) == [None]
        assert headers_of(one) == [f"Basic {ENCODED}"]
        assert headers_of(two) == [f"App {APP}"]
        assert two.requests[0][1] == "/v1/numbers"
        for api, secrets in ((shared, (PASSWORD, ENCODED, APP)), (one, (KEY, APP)), (two, (KEY, PASSWORD))):
            assert len(api.requests) == 1
            assert not any(secret in str(api.requests) for secret in secrets)
        assert shared.requests[0][2]["x-api-key"] == KEY


async def test_one_key_and_one_address_serve_added_documents_too(tmp_path: Path) -> None:
    async with recording() as api:
        api.answer("GET", 200, {"numbers": [], "total": 0})
        documents = (
            document("one", {"OAuth": []}, servers=[{"url": "https://one.example/v1"}]),
            document("two", {"Basic": []}, {"OAuth": []}, servers=[{"url": "/relative"}]),
            document("three", {"Raw": []}),
        )
        async with served(variables(tmp_path, *documents, BASE_URL=f"http://127.0.0.1:{api.port}")) as call:
            for name in ("see_one", "see_two", "see_three"):
                await call(name)
        assert headers_of(api) == [f"Bearer {KEY}", f"Bearer {KEY}", KEY]
        assert [target for _, target, _, _ in api.requests] == ["/numbers"] * 3


async def test_two_secrets_are_sent_together(tmp_path: Path) -> None:
    async with recording() as api:
        api.answer("GET", 200, {"seen": "id-04510 secret:0451"})
        tree = document("one", {"Id": [], "Secret": []}, servers=[{"url": f"http://127.0.0.1:{api.port}"}])
        environment = variables(tmp_path, tree, API_KEY="id-04510:secret:0451", TOOLS="see_one")
        async with served(environment) as call:
            assert await call("see_one", number="1") == {"seen": "********** **********"}
        _, target, headers, _ = api.requests[0]
        assert (target, headers["x-secret"]) == ("/numbers?number=1&id=id-04510", "secret:0451")


@pytest.mark.parametrize("status", [200, 401, 422])
async def test_no_answer_of_one_provider_shows_a_key_of_any(status: int, tmp_path: Path) -> None:
    async with recording() as api:
        secrets = (KEY, PASSWORD, PAIR, ENCODED, APP, f"App {APP}")
        api.answer("GET", status, {"message": " | ".join(secrets), "user": USER})
        api.answer("POST", status, {"message": " | ".join(secrets)})
        documents = document("one", {"Basic": []}), document("two", {"Raw": []})
        environment = beside(tmp_path, api, *documents, second=f"App {APP}", TIMEOUT="1")
        async with served(environment) as call:
            answers = [
                await call(f"{verb}_{name}", number="1") for verb in ("see", "buy") for name in ("one", "two")
            ]
            answers.append(await call("search_available_numbers", country_code="US"))
            entries = await call.app.recent_writes()
    shown = json.dumps(answers) + str(entries)
    assert len(entries) == 2
    assert not any(secret in shown for secret in secrets)
    assert (USER in shown) is (status == 200)  # an identifier, which calls need


async def test_an_unfinished_write_holds_up_nobody_elses(tmp_path: Path) -> None:
    async with recording() as one, recording() as two:
        two.answer("POST", 200, {})
        documents = document("one", {"Basic": []}), document("two", {"Basic": []})
        tables = own(one=("pair", one), two=("other", two))
        keys = {"pair": PAIR, "other": f"{PAIR}-other"}
        async with served(variables(tmp_path, *documents, keys=keys, tables=tables)) as call:
            assert (await call("buy_one", number="1"))["code"] == "outcome_unknown"
            assert "code" not in await call("buy_two", number="1")
        assert (headers_of(one), len(two.requests)) == ([f"Basic {ENCODED}"], 1)


async def test_budgets_are_those_of_one_provider(tmp_path: Path) -> None:
    async with recording() as api:
        api.answer("POST", 200, {})
        documents = (document(name, {"Basic": []}) for name in ("one", "two"))
        third = document("three", {"OAuth": []})
        environment = beside(
            tmp_path, api, *documents, third, second=f"{PAIR}-other", MAX_PURCHASES_PER_DAY="1"
        )
        async with served(environment) as call:
            place = f"127.0.0.1:{api.port}"
            assert {account.name for account in call.app.accounts()} == {
                f"default {place}",
                f"default/one {place}",
                f"default/two {place}",
                "default lookup.invalid:80",
            }
            for name in ("one", "two", "three"):
                assert "code" not in await call(f"buy_{name}", number="1")
                assert (await call(f"buy_{name}", number="2"))["code"] == "limit_reached"
            assert [entry.tool for entry in await call.app.recent_writes()] == [
                "buy_three",
                "buy_two",
                "buy_one",
            ]


@pytest.mark.parametrize(
    ("tables", "key", "url"),
    [
        ("", "TELEFONIE_API_KEY", "TELEFONIE_BASE_URL"),
        (
            "[one]\napi_key_file = 'key'",
            "api_key_file of [one] in TELEFONIE_SPEC_CREDENTIALS",
            "base_url of [one] in TELEFONIE_SPEC_CREDENTIALS",
        ),
    ],
)
async def test_hints_name_the_setting_that_the_document_depends_on(
    tables: str, key: str, url: str, tmp_path: Path
) -> None:
    async with recording() as api:
        tree = document("one", {"OAuth": []}, servers=[{"url": f"http://127.0.0.1:{api.port}"}])
        raw = document("two", {"Raw": []}, servers=[{"url": f"http://127.0.0.1:{api.port}"}])
        none = document("three", servers=[{"url": f"http://127.0.0.1:{api.port}"}])
        environment = variables(
            tmp_path, tree, raw, none, keys={"key": KEY + "-own"}, tables=tables, TIMEOUT="1"
        )
        async with served(environment) as call:
            api.answer("GET", 401, {})
            assert (await call("see_one"))[
                "hint"
            ] == f"Ask the operator to check {key} (telefonie-mcp doctor)."
            assert (await call("see_two"))["hint"] == (
                "Ask the operator to check TELEFONIE_API_KEY, and whether a word belongs before the key in "
                "it, such as App KEY or Bearer KEY (telefonie-mcp doctor)."
            )
            assert (await call("see_three"))["hint"].startswith(
                "The OpenAPI document says that this operation "
            )
            api.answer("GET", 302, {})
            assert (await call("see_one"))[
                "hint"
            ] == f"Ask the operator to set {url} to the API's final address."
            api.answer("GET", 503, {})
            assert f"check {url} and the network" in (await call("see_one"))["hint"]


async def test_where_only_documents_have_keys_only_they_have_tools(tmp_path: Path) -> None:
    async with recording() as api:
        api.answer("GET", 200, {})
        environment = variables(
            tmp_path,
            document("one", {"Basic": []}, servers=[{"url": f"http://127.0.0.1:{api.port}"}]),
            keys={"pair": PAIR},
            tables="[one]\napi_key_file = 'pair'",
            API_KEY="",
        )
        async with served(environment) as call:
            assert [tool.name for tool in (await call.client.list_tools()).tools] == ["see_one", "buy_one"]
            assert "own API are off; the operator can set TELEFONIE_API_KEY" in str(call.client.instructions)
            await call("see_one")
            await call.client.list_prompts()
            await call.client.list_resources()
        assert headers_of(api) == [f"Basic {ENCODED}"]


async def test_a_replaced_packaged_document_can_have_its_own_key(tmp_path: Path) -> None:
    async with recording() as api:
        api.answer("GET", 200, {"numbers": [], "total": 0})
        (tmp_path / "newer.yml").write_bytes(SEED.read_bytes())
        environment = variables(tmp_path, keys={"app": APP}, tables=own(newer=("app", api)), API_KEY="")
        async with served({**environment, "TELEFONIE_SPEC": str(tmp_path / "newer.yml")}) as call:
            assert "code" not in await call("search_available_numbers", country_code="US")
            assert [account.name for account in call.app.accounts()] == [
                f"default/newer 127.0.0.1:{api.port}"
            ]
        assert api.requests[0][2]["x-api-key"] == APP


OPEN = "the document leaves the address of its server open, because there is none, it is relative, or"


@pytest.mark.parametrize(
    ("tree", "tables", "words"),
    [
        (document("one", {"Basic": []}), "", f"one.json: GET /numbers: {OPEN}"),
        (document("one", {"Basic": []}), "", "has no default: set TELEFONIE_BASE_URL"),
        (
            document("one", {"Basic": []}, servers=[{"url": "/v1"}]),
            "[one]\napi_key_file = 'pair'",
            "set base_url of [one] in TELEFONIE_SPEC_CREDENTIALS",
        ),
        (
            document("one", {"Basic": []}, servers=[{"url": "https://one.example"}]),
            "",
            "GET /numbers: needs HTTP basic ('Basic'): set TELEFONIE_API_KEY to USER:PASSWORD",
        ),
        (
            document("one", {"Id": [], "Secret": []}, servers=[{"url": "https://one.example"}]),
            "[one]\napi_key_file = 'app'",
            "needs 'Id' and 'Secret' together: set api_key_file of [one] in TELEFONIE_SPEC_CREDENTIALS to",
        ),
        (
            document("one", {"OAuth": []}, servers=[{"url": "http://one.example"}]),
            "",
            "it would send the API key unencrypted to one.example; its server must be https",
        ),
    ],
)
def test_a_document_that_cannot_be_served_says_what_to_set(
    tree: dict[str, Any], tables: str, words: str, tmp_path: Path
) -> None:
    environment = variables(tmp_path, tree, keys={"pair": PAIR, "app": APP}, tables=tables)
    with pytest.raises(DocumentError) as caught:
        App.from_settings(read_settings(environment))
    assert words in str(caught.value)


def test_only_what_the_key_does_not_serve_is_left_out(tmp_path: Path) -> None:
    tree = document("one", {"Basic": []}, servers=[{"url": "https://one.example"}])
    tree["paths"]["/numbers"]["get"]["security"] = [{"OAuth": []}]
    made = App.from_settings(read_settings(variables(tmp_path, tree)))
    assert [tool.name for tool in made.catalog][-1] == "see_one"
    (left_out,) = made.documents[-1].left_out
    assert str(left_out) == (
        "one.json: POST /numbers: needs HTTP basic ('Basic'): set TELEFONIE_API_KEY to USER:PASSWORD"
    )


def test_a_password_that_cannot_be_hidden_stops_the_start(tmp_path: Path) -> None:
    tree = document("one", {"Basic": []}, servers=[{"url": "https://one.example"}])
    for key in ("account-0451:short", "short:", "key-0451:short"):
        with pytest.raises(SettingsError, match="TELEFONIE_API_KEY holds a") as caught:
            App.from_settings(read_settings(variables(tmp_path, tree, API_KEY=key)))
        assert "fewer than 8 characters" in str(caught.value)
        assert key not in str(caught.value)


def test_the_sandbox_says_how_an_added_document_is_served(tmp_path: Path) -> None:
    with pytest.raises(
        DocumentError, match="does not implement one; set TELEFONIE_API_KEY, or TELEFONIE_SPEC_"
    ):
        App.from_settings(read_settings(variables(tmp_path, document("one"), API_KEY="")))
