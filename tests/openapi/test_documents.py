import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.documents import load_documents, parse_document
from telefonie_mcp.openapi.operation import Body
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.tools import document, parse, strange

SEED = Path(__file__).parents[2] / "telefonie_mcp/openapi/data/telefonie-numbers-openapi.yml"


def minimal(**operation: Any) -> dict[str, Any]:
    return document(operation)


def test_the_packaged_document_is_the_published_one_and_yields_six_operations() -> None:
    (packaged,) = load_documents()
    assert packaged.source == SEED.read_bytes()
    assert packaged.id == "telefonie-numbers"
    assert [operation.id for operation in packaged.operations] == [
        "searchAvailableNumbers",
        "listOwnedNumbers",
        "purchaseNumber",
        "getOwnedNumber",
        "updateOwnedNumber",
        "releaseNumber",
    ]


def test_a_minimal_document_is_read() -> None:
    parsed = parse(minimal())
    (operation,) = parsed.operations
    assert (operation.id, operation.server, operation.security) == (
        "get_things",
        "https://api.example.com",
        (),
    )
    assert (parsed.id, parsed.version, parsed.media_type) == ("things", "1", "application/json")


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    source = json.dumps(minimal()).encode("utf-8-sig")
    parsed = parse_document(source, name="things.json")
    assert (parsed.source, parsed.text) == (source, source.decode("utf-8-sig"))
    assert parsed.media_type == "application/json"


YAML = """
openapi: 3.0.3
info: {title: Scalars, version: 2024-01-15}
servers: [{url: "https://api.example.com"}]
paths:
  /things:
    get:
      parameters:
        - name: x
          in: query
          schema: &defaults {minimum: 1, maximum: 1e3, examples: [%s]}
        - {name: y, in: query, schema: {<<: *defaults, maximum: 2.5}}
      responses: {200: {description: Things}}
"""


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("2024-01-15", "2024-01-15"),
        ("12:30", "12:30"),
        ("0777", "0777"),
        ("+1415", "+1415"),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        ("-12", -12),
        ("-0.5e1", -5.0),
        ("1.0.0", "1.0.0"),
    ],
)
def test_scalars_of_yaml_are_those_of_json(scalar: str, value: Any) -> None:
    parsed = parse_document((YAML % scalar).encode(), name="scalars.yml")
    x, y = (parameter.schema for parameter in parsed.operations[0].parameters)
    assert x == {"minimum": 1, "maximum": 1000, "examples": [value]}
    assert type(x["examples"][0]) is type(value)
    assert y["maximum"] == 2.5
    assert (parsed.version, parsed.media_type) == ("2024-01-15", "application/yaml")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "its root is not an object"),
        (b"[]", "its root is not an object"),
        (b"{", "neither YAML nor JSON"),
        (b"a: [", "neither YAML nor JSON"),
        (b"\xff\xfe\x00", "neither YAML nor JSON"),
        ("openapi: 3.1.0".encode("utf-16"), "the document has no paths"),
        ("openapi: 3.1.0 \ud800".encode("utf-16", "surrogatepass"), "neither YAML nor JSON"),
        (b'{"a":' * 100_000, "neither YAML nor JSON"),
        (b'{"openapi": "3.1.0", "info": {"title": "\\ud800"}}', "holds what JSON cannot carry"),
        (b'{"openapi": "3.1.0", "x": NaN}', "holds what JSON cannot carry"),
        (b"openapi: 3.1.0\npaths: &a {b: *a}", "holds what JSON cannot carry"),
        (b"openapi: 3.1.0\n? [1, 2]\n: 3", "neither YAML nor JSON|holds what JSON cannot carry"),
        (b"openapi: 2.0.0", "only OpenAPI 3.0, 3.1 and 3.2"),
        (b"swagger: '2.0'", "only OpenAPI 3.0, 3.1 and 3.2"),
        (b"openapi: 3.1.0", "no paths"),
        (b"openapi: 3.1.0\npaths: {}", "no paths"),
        (
            b"openapi: 3.1.0\npaths: {/a: {get: {responses: [], servers: [{url: 'http://a'}]}}}",
            "declares no success response",
        ),
        (
            b"openapi: 3.1.0\npaths: {/a: {get: {parameters: [{name: b}]}}}",
            "GET /a: the parameter 'b' has no 'in'",
        ),
        (b"a" * (16 * 1024 * 1024 + 1), "larger than 16 MiB"),
    ],
)
def test_what_is_no_document_is_refused(source: bytes, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        parse_document(source, name="bad.yml")
    assert str(caught.value).startswith("bad.yml: ")


UNSUPPORTED: list[tuple[dict[str, Any], str]] = [
    ({"responses": {"404": {"description": "No"}}}, "declares no success response"),
    (
        {"requestBody": {"content": {"multipart/form-data": {}}}},
        "must be JSON or a form.*multipart/form-data",
    ),
    (
        {"parameters": [{"name": "a", "in": "query", "style": "matrix"}]},
        "'a': style 'matrix' is not supported",
    ),
    ({"parameters": [{"name": "a", "in": "header", "style": "form"}]}, "style 'form' is not supported"),
    (
        {"parameters": [{"name": "a", "in": "query", "content": {"text/csv": {}}}]},
        "only application/json",
    ),
    ({"parameters": [{"name": "a", "in": "path", "required": True}]}, "differ in a"),
    (
        {"parameters": [{"name": "a", "in": "formData"}]},
        "stand in path, query, header, cookie, not 'a' in 'formData'",
    ),
    (
        {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "array"}}}}},
        "a form with members",
    ),
    ({"responses": {"200": {"description": "", "content": {"image/png": {}}}}}, "must be JSON or text"),
    (
        {"requestBody": {"content": {"application/xml": {"schema": {"type": "object"}}}}},
        "must be JSON or a form with members or one text, the document offers application/xml",
    ),
    (
        {"requestBody": {"content": {"image/png": {"schema": {"type": "string"}}}}},
        "the document offers image/png",
    ),
    ({"requestBody": {}}, "offers nothing"),
    ({"servers": [{"url": "ftp://a.example"}]}, "absolute http"),
    ({"servers": [{"url": "https://user:password@a.example"}]}, "without credentials"),
    ({"servers": [{"url": "https://a.example?x=1"}]}, "without credentials or query"),
    ({"servers": [{"url": "https://a.example:port"}]}, "absolute http"),
    ({"security": [{"Unknown": []}]}, "none of its security requirements"),
    ({"security": [{"A": [], "B": []}]}, "none of its security requirements"),
    ({"x-telefonie-hints": {"destructiv": True}}, "destructiv is unknown; did you mean destructive\\?"),
    ({"x-telefonie-hints": {"settle": {"operation": "x", "done": "present"}}}, "need a subject"),
    ({"x-telefonie-hints": {"replaced": "old"}}, "replaced needs a settle"),
    ({"parameters": [{"$ref": "#/components/parameters/None"}]}, "has no target"),
]


@pytest.mark.parametrize(("operation", "words"), UNSUPPORTED)
def test_what_cannot_become_a_tool_is_refused_with_its_place(operation: dict[str, Any], words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        parse(minimal(**operation))
    assert "things.json" in str(caught.value)


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ({"arguments": {"b": {}}}, "b is no argument of get_things"),
        ({"subject": "b"}, "b is no argument"),
        ({"arguments": {"a": {"format": "phone"}}}, "unknown format phone"),
        ({"subject": "a", "preview": {"operation": "other"}}, "other is no GET operation"),
        (
            {"subject": "a", "preview": {"operation": "get_things", "arguments": {"a": "z"}}},
            "cannot derive 'z'",
        ),
        (
            {"subject": "a", "preview": {"operation": "get_things", "arguments": {"a": "a|z"}}},
            "cannot derive 'a|z'",
        ),
        (
            {"subject": "a", "preview": {"operation": "get_things", "arguments": {"z": "a"}}},
            "z is no argument of get_things",
        ),
        ({"ceiling": "a"}, "get_things has an argument a of its own"),
    ],
)
def test_hints_that_would_fail_later_stop_the_start(hints: dict[str, Any], words: str) -> None:
    parameters = [{"name": "a", "in": "query"}]
    parsed = parse(minimal(parameters=parameters, **{"x-telefonie-hints": hints}))
    with pytest.raises(DocumentError) as caught:
        build_catalog([parsed])
    assert words in str(caught.value)


def test_a_newer_document_of_the_same_title_replaces_the_packaged_one_and_keeps_its_hints(
    tmp_path: Path,
) -> None:
    newer = yaml.safe_load(SEED.read_text())
    newer["info"]["version"] = "v2"
    del newer["paths"]["/owned/{phone_number}"]["post"]
    newer["paths"]["/owned/{phone_number}"]["delete"]["x-telefonie-hints"] = {"confirm": "let it go"}
    path = tmp_path / "newer.json"
    path.write_text(json.dumps(newer, default=str))
    (replaced,) = load_documents([path])
    catalog = build_catalog([replaced])
    assert (replaced.id, replaced.version, replaced.packaged) == ("telefonie-numbers", "v2", True)
    assert replaced.instructions
    assert "update_owned_number" not in catalog.tools
    assert catalog["purchase_number"].hints.confirm.startswith("buy")
    assert catalog["release_number"].hints.confirm == "let it go"


def test_a_file_that_cannot_be_read_is_named_without_its_directory(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        load_documents([tmp_path / "missing.yml"])
    assert str(caught.value) == "missing.yml: cannot be read (No such file or directory)"


def test_a_parameter_that_carries_the_key_is_no_argument() -> None:
    schemes = {"Key": {"type": "apiKey", "in": "header", "name": "X-Key"}}
    parameters = [{"name": "x-key", "in": "header", "required": True}, {"name": "x-key", "in": "query"}]
    tool = strange(
        {"parameters": parameters, "security": [{"Key": []}]}, components={"securitySchemes": schemes}
    )
    assert [parameter.location for parameter in tool.operation.parameters] == ["query"]


@pytest.mark.parametrize(
    ("root", "item", "operation", "expected"),
    [
        ("https://root.example/", None, None, "https://root.example"),
        ("https://root.example", "https://item.example/v2/", None, "https://item.example/v2"),
        (
            "https://root.example",
            "https://item.example",
            "http://localhost:1/a//",
            "http://localhost:1/a",
        ),
        ("https://root.example", None, "/relative", ""),
        ("v1", None, None, ""),
        ("https://root.example", "https://{host}", None, ""),
        ("https://root.example/{account}/v1", None, None, ""),
        ("{scheme}://root.example", None, None, ""),
    ],
)
def test_the_closest_server_wins(root: str, item: str | None, operation: str | None, expected: str) -> None:
    tree = document({"servers": [{"url": operation}]} if operation else {}, servers=[{"url": root}])
    if item:
        tree["paths"]["/things"]["servers"] = [{"url": item}]
    assert parse(tree).operations[0].server == expected


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (["/v1", "https://a.example/v1"], "https://a.example/v1"),
        (["http://a.example", "https://a.example"], "https://a.example"),
        (["http://127.0.0.1:8080/", "https://a.example"], "http://127.0.0.1:8080"),
        (["http://a.example", "https://test.example", "http://localhost"], "http://a.example"),
        (["https://a.example?x=1", "https://b.example"], "https://b.example"),
        (["https://{tenant}.a.example", "/"], ""),
    ],
)
def test_of_several_servers_the_first_is_used_and_encrypted_where_it_can_be(
    urls: list[str], expected: str
) -> None:
    servers = [{"url": url} for url in urls]
    assert parse(document(servers=servers)).operations[0].server == expected


THING = {"$ref": "#/components/schemas/Thing"}


def test_references_are_followed_wherever_they_stand() -> None:
    components: dict[str, Any] = {
        "pathItems": {
            "Things": {
                "parameters": [{"$ref": "#/components/parameters/Page"}],
                "post": {
                    "operationId": "addThing",
                    "requestBody": {"$ref": "#/components/requestBodies/Thing"},
                    "responses": {"201": {"$ref": "#/components/responses/Thing"}},
                },
            }
        },
        "parameters": {
            "Page": {"$ref": "#/components/parameters/Number"},
            "Number": {"name": "page", "in": "query", "schema": {"$ref": "#/components/schemas/Number"}},
        },
        "requestBodies": {"Thing": {"required": True, "content": {"application/json": {"schema": THING}}}},
        "responses": {"Thing": {"description": "Added", "content": {"application/json": {"schema": THING}}}},
        "schemas": {
            "Number": {"type": "integer"},
            "Thing": {
                "type": "object",
                "required": ["size"],
                "properties": {"size": {"$ref": "#/components/schemas/Number"}},
            },
        },
    }
    tree = document(paths={"/things": {"$ref": "#/components/pathItems/Things"}}, components=components)
    (operation,) = parse(tree).operations
    thing = {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}}
    assert operation.id == "addThing"
    assert [(p.name, p.schema) for p in operation.parameters] == [("page", {"type": "integer"})]
    assert operation.body == Body(required=True, schema=thing)
    assert operation.successes == {"201": thing}
    assert operation.success_texts == {"201": "Added"}


@pytest.mark.parametrize(
    "place",
    [
        {"parameters": [{"$ref": "#/a"}]},
        {"requestBody": {"$ref": "#/a"}},
        {"responses": {"200": {"$ref": "#/a"}}},
        {"parameters": [{"name": "x", "in": "query", "schema": {"$ref": "#/a"}}]},
        {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/a"}}}}}},
    ],
)
def test_a_missing_target_and_a_cycle_are_named_wherever_they_stand(place: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match="the reference '#/a' has no target"):
        parse(document(place))
    with pytest.raises(DocumentError, match="the reference #/a → #/b → #/a leads back to itself"):
        parse({**document(place), "a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}})


def test_an_operations_own_parameter_replaces_that_of_its_path() -> None:
    own = {"name": "page", "in": "query", "schema": {"type": "integer"}, "description": "Own"}
    tree = document({"parameters": [own, {"name": "Content-Type", "in": "header"}]})
    tree["paths"]["/things"]["parameters"] = [
        {"name": "page", "in": "query", "schema": {"type": "string"}},
        {"name": "page", "in": "header", "schema": {"type": "string"}},
    ]
    parameters = parse(tree).operations[0].parameters
    assert [(p.location, p.schema) for p in parameters] == [
        ("query", {"type": "integer", "description": "Own"}),
        ("header", {"type": "string"}),
    ]


def test_a_path_parameter_is_required_whatever_the_document_says() -> None:
    tool = strange({"parameters": [{"name": "id", "in": "path"}]}, path="/things/{id}")
    assert tool.input_schema["required"] == ["id"]


@pytest.mark.parametrize(
    ("parameter", "separator", "assign"),
    [
        ({"in": "query"}, None, ","),
        ({"in": "query", "explode": False}, ",", ","),
        ({"in": "query", "style": "spaceDelimited"}, " ", ","),
        ({"in": "query", "style": "pipeDelimited", "explode": True}, None, ","),
        ({"in": "query", "explode": "no"}, ",", ","),
        ({"in": "header"}, ",", ","),
        ({"in": "header", "explode": True}, ",", "="),
        ({"in": "cookie"}, ",", ","),
    ],
)
def test_styles_of_parameters_are_read(parameter: dict[str, Any], separator: str | None, assign: str) -> None:
    (read,) = parse(document({"parameters": [{"name": "x", **parameter}]})).operations[0].parameters
    assert (read.separator, read.assign) == (separator, assign)


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ({"200": {}, "404": {}, "default": {}}, {"200": None}),
        ({"2xx": {"content": {"text/plain": {}}}}, {"2XX": {"type": "string"}}),
        ({"404": {}, "default": {"content": {"*/*": {"schema": {}}}}}, {"2XX": {}}),
        ({"201": {"content": {"application/xml": {}, "application/problem+json": {}}}}, {"201": {}}),
        ({200: {}, 204: {}}, {"200": None, "204": None}),
    ],
)
def test_responses_of_success_are_found(responses: dict[Any, Any], expected: dict[str, Any]) -> None:
    assert parse(document({"responses": responses})).operations[0].successes == expected


@pytest.mark.parametrize(
    ("offered", "sent"),
    [
        (["application/json; charset=utf-8", "text/csv"], "application/json; charset=utf-8"),
        (["application/xml", "application/vnd.api+json"], "application/vnd.api+json"),
        (["*/*"], "application/json"),
        (["application/x-www-form-urlencoded"], "application/x-www-form-urlencoded"),
    ],
)
def test_the_media_type_of_a_body_is_chosen(offered: list[str], sent: str) -> None:
    content: dict[str, Any] = {
        kind: {"schema": {"type": "object", "properties": {"a": {}}}} for kind in offered
    }
    body = parse(document({"requestBody": {"content": content}}, method="post")).operations[0].body
    assert body is not None
    assert (body.media_type, body.required) == (sent, False)


def test_no_name_is_lost_however_often_it_occurs() -> None:
    names = [("id", "path"), ("id", "query"), ("query_id", "query"), ("id", "header"), ("id", "cookie")]
    parameters = [{"name": name, "in": place, "required": place == "path"} for name, place in names]
    long_names = [{"name": "n" * 60 + end, "in": "query"} for end in "ab"]
    body: dict[str, Any] = {
        "content": {"application/json": {"schema": {"properties": {"id": {}, "$id": {}, "ü": {}}}}}
    }
    tool = strange({"parameters": [*parameters, *long_names], "requestBody": body}, path="/things/{id}")
    assert [binding.argument for binding in tool.bindings] == [
        "id",
        "query_id",
        "query_query_id",
        "n" * 48,
        "query_" + "n" * 48,
        "header_id",
        "cookie_id",
        "body_id",
        "dollar_id",
        "body",
    ]
    assert len({binding.name for binding in tool.bindings}) == 6


def test_alike_answers_of_several_statuses_are_one_schema() -> None:
    responses: dict[str, Any] = {"200": {"description": "Done"}, "202": {"description": "Later"}}
    tool = strange({"responses": responses})
    assert tool.answer_schema == {
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    }


def test_a_path_parameter_may_be_called_message() -> None:
    parameters = [{"name": "message", "in": "path", "required": True}]
    tool = strange({"parameters": parameters}, path="/things/{message}")
    assert tool.answer_schema["required"] == ["message"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("{x}/Message/", "must begin with a slash"),
        ("things", "must begin with a slash"),
        (".evil.example/{x}", "must begin with a slash"),
        ("@evil.example/{x}", "must begin with a slash"),
        (":81/{x}", "must begin with a slash"),
        ("\\\\evil.example", "must begin with a slash"),
        ("/\\evil.example", r"must not contain '\\'"),
        ("/things?kind={x}", "must not contain '?'"),
        ("/things#{x}", "must not contain '#'"),
        ("/things\n/{x}", r"must not contain '\n'"),
        ("/things {x}", "must not contain ' '"),
    ],
)
def test_a_path_that_could_move_the_request_elsewhere_stops_the_start(path: str, words: str) -> None:
    parameters = [{"name": "x", "in": "path"}] if "{" in path else []
    with pytest.raises(DocumentError) as caught:
        parse(document({"parameters": parameters}, path=path))
    assert str(caught.value).startswith(f"things.json: GET {path}: the path {words}")


def test_the_document_of_issue_11_is_refused() -> None:
    source = (Path(__file__).parent / "documents/cases/no-slash.yml").read_bytes()
    with pytest.raises(DocumentError) as caught:
        parse_document(source, name="no-slash.yml")
    assert str(caught.value).startswith(
        "no-slash.yml: GET {auth_id}/Message/: the path must begin with a slash (OpenAPI 3.1.1 §4.8.8)"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example\\@evil.example",
        "https://a.example\\.evil.example",
        "https://@a.example",
        "https://:@a.example",
        "https://key@a.example",
        "https://a.example#b",
        "https://a.example?",
        "https://a.example/\\evil.example",
        "https://a.example /",
        "https://a.exam\nple",
        "https://a%2eexample",
        "https:a.example",
        "https:///a.example",
        "//a.example",
        "https://a.example:0",
        "https://a.example:99999",
    ],
)
def test_a_server_that_parsers_read_differently_stops_the_start(url: str) -> None:
    with pytest.raises(DocumentError, match="needs a server with an absolute http"):
        parse(document(servers=[{"url": url}]))


@pytest.mark.parametrize("value", ["evil.example/", "key@evil.example", "evil.example\\", "a?", "a#"])
def test_a_server_variable_cannot_move_the_host(value: str) -> None:
    server = {"url": "https://{region}.a.example/v1", "variables": {"region": {"default": value}}}
    with pytest.raises(DocumentError, match="the server variable 'region' is part of the host, not "):
        parse(document(servers=[server]))


def test_server_variables_are_filled_with_their_defaults() -> None:
    variables = {
        "scheme": {"default": "https"},
        "region": {"default": "eu-1"},
        "port": {"default": "8443"},
        "base": {"default": "v1/api"},
    }
    server = {"url": "{scheme}://{region}.a.example:{port}/{base}", "variables": variables}
    assert parse(document(servers=[server])).operations[0].server == "https://eu-1.a.example:8443/v1/api"


def test_headers_that_find_or_frame_a_request_are_no_arguments() -> None:
    names = ["Host", "content-length", "Transfer-Encoding", "Connection", "X-Area"]
    tool = strange({"parameters": [{"name": name, "in": "header"} for name in names]})
    assert [parameter.name for parameter in tool.operation.parameters] == ["X-Area"]
    overrides = ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override"]
    read = strange({"parameters": [{"name": name, "in": "header"} for name in overrides]})
    assert read.operation.parameters == (), "a read stays one"
    for place in ("header", "cookie"):
        with pytest.raises(DocumentError, match=f"is no name of a {place}"):
            strange({"parameters": [{"name": "a\r\nHost: evil.example", "in": place}]})


def test_extensions_among_the_paths_are_no_paths() -> None:
    tree = document()
    tree["paths"]["x-things"] = {"get": {}}
    assert len(parse(tree).operations) == 1
