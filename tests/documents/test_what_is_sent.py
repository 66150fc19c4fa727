"""What is sent is what the document says, or nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError, ToolError
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.upstream.serialization import build_request
from tests.support.documents import case, documented, sent
from tests.support.tools import strange, taking, tool
from tests.support.wire import answer_of

NUMBER = "+14155550100"


async def test_objects_in_the_query_are_written_in_brackets_all_the_way(tmp_path: Path) -> None:
    wanted = {
        "country": "US",
        "phone_number": {"starts_with": "415"},
        "features": ["sms", "mms"],
    }
    async with documented(tmp_path, case("deep-filter")) as (client, api):
        api.answer("GET", 200, {})
        await client.call_tool(
            "list_available", {"filter": wanted, "page": {"number": 1, "tags": ["a", "b"]}}
        )
        assert sent(api)[1] == (
            "/v2/available?filter[country]=US&filter[phone_number][starts_with]=415"
            "&filter[features][]=sms&filter[features][]=mms&number=1&tags=a&tags=b"
        )


async def test_members_of_a_form_travel_as_their_encoding_says(tmp_path: Path) -> None:
    order = {
        "number": NUMBER,
        "metadata": {"a": "x"},
        "tags": ["p", "q"],
        "rows": [{"a": 1}],
        "plain": {"a": 1, "b": "x"},
    }
    async with documented(tmp_path, case("form-encoding")) as (client, api):
        api.answer("POST", 200, {})
        await client.call_tool("order_number", order)
        assert sent(api)[2] == (
            f'number={NUMBER}&metadata[a]=x&tags=p,q&rows[0][a]=1&plain={{"a":1,"b":"x"}}'
        )


async def test_a_patch_of_nothing_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with documented(tmp_path, case("null-clears")) as (client, api):
        for given in ({"connection_id": None}, {}):
            answer = answer_of(await client.call_tool("patch_number", {"id": "7", **given}))
            assert answer["code"] == "invalid_arguments"
            assert answer["message"].startswith("Nothing was done: patch_number would change nothing; ")
        assert api.requests == []
        log = await client.read_resource("telefonie://log")
        assert "patch_number" not in str(log)


@pytest.mark.parametrize("hint", ["null: clears", '"null": clears'])
async def test_a_null_that_clears_is_sent(tmp_path: Path, hint: str) -> None:
    hints = (
        "{ destructive: false }",
        f"{{ destructive: false, arguments: {{ connection_id: {{ {hint} }} }} }}",
    )
    async with documented(tmp_path, case("null-clears", hints)) as (client, api):
        api.answer("PATCH", 200)
        (schema,) = [each for each in (await client.list_tools()).tools if each.name == "patch_number"]
        assert schema.input_schema["properties"]["connection_id"] == {
            "description": "null takes the number off its connection",
            "anyOf": [{"type": "string"}, {"type": "null"}],
        }
        await client.call_tool("patch_number", {"id": "7", "connection_id": None})
        assert sent(api) == ("PATCH", "/numbers/7", '{"connection_id":null}')
        await client.call_tool("patch_number", {"id": "7", "connection_id": "c"})
        assert sent(api)[2] == '{"connection_id":"c"}'


def writing(member: dict[str, Any], method: str, media: str = "application/json", **operation: Any) -> Tool:
    schema = {"type": "object", "properties": {"m": member, "n": {"type": "string"}}}
    body = {"content": {media: {"schema": schema}}}
    query = [{"name": "q", "in": "query", "schema": {"type": "string"}}]
    hints = {"destructive": False, **operation.pop("hints", {})}
    return strange(
        {"requestBody": body, "parameters": query, "x-telefonie-hints": hints, **operation}, method=method
    )


def refused(called: Tool, arguments: dict[str, Any]) -> str:
    with pytest.raises(ToolError) as caught:
        read_arguments(called, arguments)
    assert caught.value.code == "invalid_arguments"
    return caught.value.message


NULLABLE = {"type": ["string", "null"]}
PLAIN = {"type": "string"}


@pytest.mark.parametrize("method", ["patch", "put", "post"])
@pytest.mark.parametrize("member", [NULLABLE, {"anyOf": [PLAIN, {"type": "null"}]}, {"enum": ["a", None]}])
def test_a_write_is_not_emptied_by_a_null_that_means_something(method: str, member: dict[str, Any]) -> None:
    called = writing(member, method)
    assert "null counts as absent, and nothing but m was given" in refused(called, {"m": None, "n": None})
    assert read_arguments(called, {"m": None, "n": "x"})[0] == {"n": "x"}


@pytest.mark.parametrize("arguments", [{}, {"m": None}, {"m": None, "n": None}])
@pytest.mark.parametrize("method", ["put", "post"])
def test_an_action_without_members_stays_possible(method: str, arguments: dict[str, Any]) -> None:
    assert read_arguments(writing(PLAIN, method), arguments)[0] == {}


@pytest.mark.parametrize("name", ["UpdateNumber", "update_number", "numbers/update", "modifyNumber", "edit"])
@pytest.mark.parametrize("method", ["put", "post"])
def test_what_is_called_an_update_needs_a_change(name: str, method: str) -> None:
    called = writing(PLAIN, method, operationId=name)
    for given in ({}, {"m": None}):
        assert "would change nothing; give at least one of m, n" in refused(called, given)
    assert read_arguments(called, {"m": ""})[0] == {"m": ""}


@pytest.mark.parametrize("name", ["sendUpdate", "updatesRead", "editor", "createOrder"])
def test_what_is_called_otherwise_may_be_an_action(name: str) -> None:
    assert read_arguments(writing(PLAIN, "post", operationId=name), {"m": None})[0] == {}


def test_an_empty_list_is_a_change_where_it_is_written() -> None:
    tags = {"type": "array", "items": PLAIN}
    assert read_arguments(writing(tags, "patch"), {"m": []})[0] == {"m": []}
    form = "application/x-www-form-urlencoded"
    assert "would change nothing" in refused(writing(tags, "patch", form), {"m": []})
    assert read_arguments(writing(tags, "patch", form), {"m": [], "n": ""})[0] == {"m": [], "n": ""}


def test_a_patch_needs_a_change_in_its_body_or_query() -> None:
    patch = writing(PLAIN, "patch")
    assert "give at least one of m, n" in refused(patch, {})
    assert read_arguments(patch, {"q": "on"})[0] == {"q": "on"}
    whole = strange({"requestBody": {"content": {"application/json": {"schema": {}}}}}, method="patch")
    assert "give at least a member of the body" in refused(whole, {"body": {}, "confirm": True})
    assert read_arguments(whole, {"body": [], "confirm": True})[0] == {"body": []}
    assert read_arguments(strange(method="patch"), {"confirm": True})[0] == {}


def test_a_search_with_a_body_may_be_empty() -> None:
    search = writing(NULLABLE, "post", hints={"read_only": True})
    assert read_arguments(search, {"m": None})[0] == {}


@pytest.mark.parametrize("arguments", [{}, {"voice_url": None, "sms_url": None, "friendly_name": None}])
def test_an_update_of_an_owned_number_says_what_changes(arguments: dict[str, Any]) -> None:
    message = refused(tool("update_owned_number"), {"phone_number": NUMBER, **arguments})
    assert message == (
        "Nothing was done: update_owned_number would change nothing; "
        "give at least one of voice_url, sms_url, friendly_name."
    )


def test_a_null_inside_a_body_is_sent_where_the_document_allows_it() -> None:
    line = {"type": "object", "properties": {"a": NULLABLE, "b": PLAIN}}
    called = writing({"type": "array", "items": {"anyOf": [line, {"type": "null"}]}}, "put")
    given = {"m": [{"a": None, "b": "x"}, None, {"a": "y"}]}
    assert read_arguments(called, given)[0] == given
    assert "m[0].b must be of type string (got null)" in refused(called, {"m": [{"b": None}]})
    assert called.input_schema["properties"]["n"] == PLAIN
    form = writing(line, "put", "application/x-www-form-urlencoded")
    assert "m.a must be of type string (got null)" in refused(form, {"m": {"a": None}})


def test_only_a_member_of_a_json_body_can_be_cleared() -> None:
    hints = {"arguments": {"m": {"null": "clears"}}}
    assert read_arguments(writing(PLAIN, "post", hints=hints), {"m": None})[0] == {"m": None}
    form = "application/x-www-form-urlencoded"
    with pytest.raises(DocumentError, match="m is no member of a JSON body to clear"):
        writing(PLAIN, "post", form, hints=hints)
    with pytest.raises(DocumentError, match="q is no member of a JSON body to clear"):
        writing(PLAIN, "post", hints={"arguments": {"q": {"null": "clears"}}})


LISTS = {"type": "array", "items": {"type": "array", "items": PLAIN}}
NESTED = {"type": "object", "properties": {"a": {"type": "object"}}}
UNWRITABLE: list[tuple[dict[str, Any], str]] = [
    (LISTS, "query"),
    ({"type": "array", "items": NESTED}, "query"),
    (NESTED, "query"),
    ({"type": "object", "additionalProperties": {"type": "object"}}, "query"),
    ({"anyOf": [LISTS, NESTED]}, "query"),
    ({"type": "object", "properties": {"a": {"type": "array", "items": PLAIN}}}, "header"),
    (LISTS, "path"),
]


@pytest.mark.parametrize(("schema", "location"), UNWRITABLE)
def test_what_no_style_can_write_is_an_error_of_the_document(schema: dict[str, Any], location: str) -> None:
    with pytest.raises(DocumentError, match=rf"{location} parameter 'x': its style cannot hold"):
        taking(schema, location, required=location == "path")


@pytest.mark.parametrize("value", [[[1]], [{"a": 1}], {"a": {"b": 1}}, {"a": [[1]]}])
def test_what_no_style_can_write_is_refused_in_an_open_argument(value: Any) -> None:
    assert "must not hold lists or objects inside" in refused(taking({}), {"x": value})
    assert read_arguments(taking({}, style="deepObject"), {"x": value})[0] == {"x": value}


COLOUR: list[tuple[str, str, list[str]]] = [
    ("path", "matrix", [";x", ";x=blue", ";x=blue,black", ";x=R,1,G,2"]),
    ("path", "matrix*", [";x", ";x=blue", ";x=blue;x=black", ";R=1;G=2"]),
    ("path", "label", ["", ".blue", ".blue,black", ".R,1,G,2"]),
    ("path", "label*", ["", ".blue", ".blue.black", ".R=1.G=2"]),
    ("path", "simple", ["", "blue", "blue,black", "R,1,G,2"]),
    ("path", "simple*", ["", "blue", "blue,black", "R=1,G=2"]),
    ("query", "form", ["x=", "x=blue", "x=blue,black", "x=R,1,G,2"]),
    ("query", "form*", ["x=", "x=blue", "x=blue&x=black", "R=1&G=2"]),
    ("query", "spaceDelimited", ["x=", "x=blue", "x=blue%20black", "x=R%201%20G%202"]),
    ("query", "pipeDelimited", ["x=", "x=blue", "x=blue%7Cblack", "x=R%7C1%7CG%7C2"]),
    ("query", "deepObject*", ["x=", "x=blue", "x%5B%5D=blue&x%5B%5D=black", "x%5BR%5D=1&x%5BG%5D=2"]),
    ("header", "simple", ["", "blue", "blue,black", "R,1,G,2"]),
    ("header", "simple*", ["", "blue", "blue,black", "R=1,G=2"]),
    ("cookie", "form", ["x=", "x=blue", "x=blue%2Cblack", "x=R%2C1%2CG%2C2"]),
]
"""Place, style (exploded with an asterisk), and how `VALUES` are written (OpenAPI 3.1.1 §4.8.12.2)."""

VALUES: list[Any] = ["", "blue", ["blue", "black"], {"R": 1, "G": 2}]


@pytest.mark.parametrize(("location", "style", "written"), COLOUR)
def test_every_style_is_written_as_openapi_says(location: str, style: str, written: list[str]) -> None:
    called = taking({}, location, required=location == "path", style=style.strip("*"), explode="*" in style)
    for value, expected in zip(VALUES, written, strict=True):
        if location == "path" and not expected:
            assert "must not be empty or dots alone" in refused(called, {"x": value})
            continue
        request = build_request(called.operation, called.bindings, read_arguments(called, {"x": value})[0])
        places = {
            "path": request.path.removeprefix("/things/"),
            "query": request.query,
            "header": request.headers.get("x"),
            "cookie": request.headers.get("Cookie"),
        }
        assert places[location] == expected


@pytest.mark.parametrize("style", ["label", "matrix"])
@pytest.mark.parametrize("value", [".", "../../x", ["..", "a/b"], {"../": ";"}])
def test_no_style_of_a_path_leaves_its_segment(style: str, value: Any) -> None:
    called = taking({}, "path", required=True, style=style)
    if style == "label" and value == ".":
        assert "must not be empty or dots alone" in refused(called, {"x": value})
        return
    request = build_request(called.operation, called.bindings, {"x": value})
    assert request.path.count("/") == 2
    assert request.path.rpartition("/")[2].strip(".")


@pytest.mark.parametrize("location", ["query", "header"])
def test_a_null_in_an_open_argument_is_not_written(location: str) -> None:
    called = taking({}, location, explode=False)
    for value, written in (({"a": None, "b": 1}, "b,1"), (["a", None], "a")):
        request = build_request(called.operation, called.bindings, {"x": value})
        assert (request.query.removeprefix("x=") or request.headers["x"]) == written
    exploded = taking({})
    assert build_request(exploded.operation, exploded.bindings, {"x": {"a": None, "b": 1}}).query == "b=1"


def test_reserved_characters_travel_as_they_are_where_the_document_allows_them() -> None:
    value = "https://a.example/b?c=[d]&e=ü #f+g"
    called = taking({"type": "string"}, allowReserved=True)
    assert build_request(called.operation, called.bindings, {"x": value}).query == (
        "x=https://a.example/b?c=%5Bd%5D%26e=%C3%BC%20%23f%2Bg"
    )


def form(encoding: dict[str, Any], schema: dict[str, Any]) -> Tool:
    media = {"schema": {"type": "object", "properties": {"m": schema}}, "encoding": {"m": encoding}}
    content = {"application/x-www-form-urlencoded": media}
    return strange(
        {"requestBody": {"content": content}, "x-telefonie-hints": {"destructive": False}}, method="post"
    )


@pytest.mark.parametrize(
    ("encoding", "schema", "words"),
    [
        ({"style": "matrix"}, PLAIN, "style 'matrix' is not supported"),
        ({"explode": True}, LISTS, "its style cannot hold"),
        ({"contentType": "application/xml"}, NESTED, "an object cannot be written as application/xml"),
    ],
)
def test_an_encoding_that_cannot_be_written_is_an_error_of_the_document(
    encoding: dict[str, Any], schema: dict[str, Any], words: str
) -> None:
    with pytest.raises(DocumentError, match=f"POST /things: the encoding of 'm': {words}"):
        form(encoding, schema)


@pytest.mark.parametrize(
    "encoding", [{"contentType": "application/json"}, {"contentType": "text/plain, application/hal+json"}]
)
def test_a_member_that_is_json_in_a_form_may_be_nested(encoding: dict[str, Any]) -> None:
    called = form(encoding, LISTS)
    assert called.operation.body
    assert called.operation.body.encodings["m"].json
    assert read_arguments(called, {"m": [["a"]]})[0] == {"m": [["a"]]}


def names(*originals: str) -> list[str]:
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in originals]
    return [binding.argument for binding in strange({"parameters": parameters}).bindings]


@pytest.mark.parametrize(
    ("originals", "arguments"),
    [
        (["StartTime", "StartTime<", "StartTime>"], ["StartTime", "StartTime_lt", "StartTime_gt"]),
        (["d<=", "d>=", "d!=", "d"], ["d_lte", "d_gte", "d_ne", "d"]),
        (["filter[a][b]", "page.size", "X-Id"], ["filter_a_b", "page_size", "X_Id"]),
        (["name", "-name", "+name"], ["name", "minus_name", "plus_name"]),
        (["a.b", "a-b", "a_b"], ["a_b", "a_dash_b", "query_a_b"]),
        (["ids", "ids[]"], ["ids", "ids_list"]),
        (["$top", "top"], ["top", "query_top"]),
        (["1", "2fa", "<"], ["query_1", "query_2fa", "lt"]),
    ],
)
def test_names_of_arguments_keep_their_meaning(originals: list[str], arguments: list[str]) -> None:
    assert names(*originals) == arguments
    assert json.dumps(arguments).isascii()
