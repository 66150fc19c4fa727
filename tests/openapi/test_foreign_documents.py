"""Documents that the project has never seen become working tools with safe defaults."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client
from mcp_types import Tool

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.reading import read_settings
from tests.support.recorder import Recorder, recording
from tests.support.wire import answer_of

HERE = Path(__file__).parent / "documents"
KEY = "key-for-strangers"
BOOK = {"title": "Dune"}
Mode = Literal["auto", "legacy"]

both_eras = pytest.mark.parametrize("mode", ["auto", "legacy"])


@asynccontextmanager
async def serving(tmp_path: Path, mode: Mode = "auto") -> AsyncGenerator[tuple[Client, Recorder]]:
    """Serve both documents next to the packaged one, with their API on a socket."""
    async with recording() as api:
        paths: list[str] = []
        for name in ("library.yml", "fleet.json"):
            path = tmp_path / name
            path.write_text((HERE / name).read_text().replace("127.0.0.1:8999", f"127.0.0.1:{api.port}"))
            paths.append(str(path))
        settings = read_settings(
            {
                "TELEFONIE_API_KEY": KEY,
                "TELEFONIE_LEDGER": ":memory:",
                "TELEFONIE_TIMEOUT": "3",
                "TELEFONIE_TOOLSETS": "numbers",
            },
            {"spec": tuple(paths)},
        )
        async with Client(create_server(settings), mode=mode) as client:
            yield client, api


async def tool(client: Client, name: str) -> Tool:
    return next(tool for tool in (await client.list_tools()).tools if tool.name == name)


@both_eras
async def test_every_operation_of_every_document_is_a_tool(tmp_path: Path, mode: Mode) -> None:
    async with serving(tmp_path, mode) as (client, _):
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert names[6:] == [
        "get_book",
        "replace_book",
        "add_many_books_to_the_catalogue_of_th_" + names[8][-6:],
        "post_reports",
        "health",
        "list_shelves",
        "list_vehicles",
        "retire_vehicle",
        "tune_vehicle",
    ]
    assert all(len(name) <= 44 for name in names)


async def test_whatever_is_not_get_is_destructive_and_needs_confirm(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, api):
        for name in ("replace_book", "post_reports", "retire_vehicle"):
            definition = await tool(client, name)
            assert definition.annotations is not None
            assert definition.annotations.destructive_hint is True
            assert definition.annotations.read_only_hint is False
            assert "confirm" in definition.input_schema["required"]
        for name in ("get_book", "list_vehicles", "health"):
            definition = await tool(client, name)
            assert definition.annotations is not None
            assert definition.annotations.read_only_hint is True
            assert "confirm" not in definition.input_schema["properties"]
        refused = answer_of(await client.call_tool("retire_vehicle", {"id": "a", "confirm": False}))
        assert refused["code"] == "confirmation_required"
        assert refused["message"].startswith("Nothing was done")
        assert refused["next_call"] == {"name": "retire_vehicle", "arguments": {"id": "a", "confirm": True}}
        assert api.requests == []


async def test_a_document_can_bring_its_own_hints(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, api):
        definition = await tool(client, "tune_vehicle")
        assert definition.annotations is not None
        assert definition.annotations.destructive_hint is False
        assert definition.annotations.idempotent_hint is True
        assert definition.description == "PATCH /vehicles/{id}. Only tunes."
        api.answer("PATCH", 200, {"id": "a", "driver": None, "load": None})
        result = await client.call_tool("tune_vehicle", {"id": "a", "body": {"pressure": 2.5}})
        assert answer_of(result) == {"id": "a", "driver": None}
        assert api.requests[0][1] == f"/v2/vehicles/a?key={KEY}"
        assert json.loads(api.requests[0][3]) == {"pressure": 2.5}


@both_eras
async def test_every_parameter_is_sent_exactly(tmp_path: Path, mode: Mode) -> None:
    async with serving(tmp_path, mode) as (client, api):
        api.answer("GET", 200, {**BOOK, "subtitle": None, "id": "1", "format": 3})
        arguments: dict[str, Any] = {
            "shelf_id": "a/b ü+..",
            "book_id": 7,
            "fields": ["title", "a&b"],
            "sort": ["year", "title"],
            "deleted": False,
            "filter": {"year": 1965},
            "X_Request_ID": "id-1",
            "lang": "de; x",
        }
        result = answer_of(await client.call_tool("get_book", arguments))
        method, target, headers, body = api.requests[0]
    assert result == {"title": "Dune", "id": "1", "format": 3}
    assert (method, body) == ("GET", b"")
    assert target == (
        "/lib/v7/shelves/a%2Fb%20%C3%BC%2B../books/7"
        "?fields=title&fields=a%26b&sort=year,title&deleted=false&filter%5Byear%5D=1965"
    )
    assert headers["x-request-id"] == "id-1"
    assert headers["cookie"] == "lang=de%3B%20x"
    assert headers["x-library-token"] == KEY


@both_eras
async def test_what_documents_leave_to_their_reader_is_understood(tmp_path: Path, mode: Mode) -> None:
    async with serving(tmp_path, mode) as (client, api):
        definition = await tool(client, "list_shelves")
        api.answer("GET", 200, {"next": None, "keeper": {"name": None, "age": None}, "spare": None})
        arguments: dict[str, Any] = {"country": "NO", "ids": ["a,b", "c"], "X_Area": {"north": 3}}
        result = answer_of(await client.call_tool("list_shelves", arguments))
        _, target, headers, _ = api.requests[0]
        await client.call_tool("list_shelves", {"X_Area": {"north": 3, "name": " ü, "}})
    assert definition.input_schema["properties"]["country"]["enum"] == ["DE", "NO"]
    assert definition.input_schema["properties"]["since"]["examples"] == ["2024-01-15"]
    assert (target, headers["x-area"]) == ("/lib/v7/shelves?country=NO&ids=a%2Cb,c", "north=3")
    assert result == {"next": None, "keeper": {"name": None}}
    assert api.requests[1][2]["x-area"] == "north=3,name= %C3%BC%2C%20"


@pytest.mark.parametrize("confirm", [None, False, "true", 1, [], {"confirm": True}])
async def test_nothing_but_true_confirms(tmp_path: Path, confirm: Any) -> None:
    async with serving(tmp_path) as (client, api):
        refused = answer_of(await client.call_tool("retire_vehicle", {"id": "a", "confirm": confirm}))
        assert refused["code"] == "confirmation_required"
        assert api.requests == []


async def test_json_in_the_query_delimited_arrays_and_the_key_in_the_query(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, api):
        api.answer("GET", 203, [{"id": "a", "driver": None}], kind="application/vnd.fleet+json")
        arguments = {"near": {"lat": 1.5}, "state": ["parked", "parked"], "age": None, "size": "xl"}
        result = answer_of(await client.call_tool("list_vehicles", arguments))
        target = api.requests[0][1]
    assert result == {"result": [{"id": "a", "driver": None}]}
    assert target == f"/vehicles?near=%7B%22lat%22%3A1.5%7D&state=parked%7Cparked&size=xl&key={KEY}"


async def test_a_name_that_occurs_twice_is_kept_twice(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, api):
        api.answer("DELETE", 204)
        api.answer("PUT", 204)
        result = answer_of(
            await client.call_tool("retire_vehicle", {"id": "a", "query_id": 3, "confirm": True})
        )
        assert result == {"message": "Vehicle retired", "id": "a"}
        assert api.requests[0][:2] == ("DELETE", "/v2/vehicles/a?id=3")
        assert api.requests[0][2]["authorization"] == f"Bearer {KEY}"
        arguments = {
            "shelf_id": "old",
            "book_id": 1,
            "title": "Dune",
            "body_confirm": False,
            "body_shelf_id": "new",
            "confirm": True,
        }
        result = answer_of(await client.call_tool("replace_book", arguments))
        assert result == {"message": "Book replaced", "shelf_id": "old", "book-id": "1"}
        assert json.loads(api.requests[1][3]) == {"title": "Dune", "confirm": False, "shelf_id": "new"}


async def test_read_only_properties_are_no_arguments_and_write_only_ones_no_results(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, _):
        arguments = (await tool(client, "replace_book")).input_schema["properties"]
        results = ((await tool(client, "get_book")).output_schema or {})["properties"]
    assert "id" not in arguments
    assert "secret_note" in arguments
    assert "id" in results
    assert "secret_note" not in results
    assert arguments["book_id"] == {"type": "integer", "exclusiveMinimum": 0}
    assert arguments["subtitle"] == {"type": "string"}


async def test_an_array_as_the_body_a_form_and_several_successes(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, api):
        name = next(t.name for t in (await client.list_tools()).tools if t.name.startswith("add_many"))
        api.answer("POST", 201, ["1", "2"])
        result = answer_of(await client.call_tool(name, {"body": [BOOK, BOOK], "confirm": True}))
        assert result == {"result": ["1", "2"]}
        assert json.loads(api.requests[0][3]) == [BOOK, BOOK]
        api.answer("POST", 202)
        result = answer_of(await client.call_tool(name, {"body": [BOOK], "confirm": True}))
        assert result == {"message": "Books will be added"}
        arguments = {"kind": "a b", "years": [1, 2], "confirm": True}
        result = answer_of(await client.call_tool("post_reports", arguments))
        assert result == {"message": "Report ordered"}
        assert api.requests[2][2]["content-type"] == "application/x-www-form-urlencoded"
        assert api.requests[2][3] == b"kind=a+b&years=1&years=2"


async def test_an_operation_without_security_gets_no_key_and_text_is_a_result(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, api):
        api.answer("GET", 200, b"all \x1b[31mgood", kind="text/plain")
        assert answer_of(await client.call_tool("health", {})) == {"result": "all [31mgood"}
        assert KEY not in str(api.requests)


async def test_an_unverifiable_write_without_an_answer_says_that_nobody_knows(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, api):
        api.answer("DELETE", 500)
        refused = answer_of(await client.call_tool("retire_vehicle", {"id": "a", "confirm": True}))
        assert refused["code"] == "outcome_unknown"
        assert refused["message"].startswith("It is unknown whether retire_vehicle was carried out")
        assert [request[0] for request in api.requests] == ["DELETE"]
        api.answer("DELETE", 204)
        again = answer_of(await client.call_tool("retire_vehicle", {"id": "a", "confirm": True}))
        assert again["message"] == "Vehicle retired"


@pytest.mark.parametrize("value", ["", ".", "..", "..."])
async def test_a_path_argument_cannot_name_another_path(tmp_path: Path, value: str) -> None:
    async with serving(tmp_path) as (client, api):
        arguments = {"shelf_id": value, "book_id": 7, "X_Request_ID": "x"}
        refused = answer_of(await client.call_tool("get_book", arguments))
        assert refused["code"] == "invalid_arguments"
        assert refused["field"] == "shelf_id"
        assert api.requests == []


async def test_the_documents_are_resources(tmp_path: Path) -> None:
    async with serving(tmp_path) as (client, _):
        uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
    assert [uri.removeprefix("telefonie://openapi/") for uri in uris if "openapi" in uri] == [
        "telefonie-numbers",
        "library",
        "fleet",
    ]


def test_a_document_that_would_send_the_key_unencrypted_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text((HERE / "fleet.json").read_text().replace("127.0.0.1:8999", "api.fleet.example"))
    settings = read_settings({"TELEFONIE_API_KEY": KEY}, {"spec": (str(path),)})
    with pytest.raises(
        DocumentError, match=r"fleet.json: GET /vehicles: it would send the API key unencrypted"
    ):
        create_server(settings)
