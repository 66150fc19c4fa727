"""One unusable operation, or a malformed part, does not cost the document: it is left out, and said."""

import json
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.app import App
from telefonie_mcp.errors import DocumentError, SettingsError, UnknownToolError
from telefonie_mcp.openapi.documents import Document, load_documents, parse_document
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Catalog
from telefonie_mcp.tools.derivation import build_catalog
from telefonie_mcp.tools.schema_checks import check_schemas
from telefonie_mcp.upstream.serialization import build_request
from tests.support.commands import command
from tests.support.ports import closed_port
from tests.support.tools import document, parse, strange
from tests.support.wire import running

CASES = Path(__file__).parent / "documents/cases"
BAD = CASES / "one-bad-operation.yml"
MEDIA = "one-bad-operation.yml: GET /recordings/{id}/media is no tool: its 200 answer must be JSON or text"
LIVE = {"TELEFONIE_API_KEY": "key-of-a-test-0123456789", "TELEFONIE_LEDGER": ":memory:"}
OK = {"responses": {"200": {"description": "x"}}}


def catalog_of(*names: str) -> Catalog:
    return check_schemas(build_catalog(load_documents([CASES / name for name in names], toolsets=[])))


def app(*paths: Path, **variables: str) -> App:
    named = {f"TELEFONIE_{name}": value for name, value in variables.items()}
    return App.from_settings(read_settings({**LIVE, **named}, {"spec": tuple(map(str, paths))}))


def reading(bad: Any, good: Any = OK, **root: Any) -> Document:
    """Return a document with two operations."""
    return parse({**document(**root), "paths": {"/bad": {"post": bad}, "/good": {"get": good}}})


def test_one_bad_operation_is_left_out_with_its_place_and_reason() -> None:
    catalog = catalog_of("one-bad-operation.yml")
    assert [*catalog.tools] == ["list_numbers"]
    (left_out,) = catalog.left_out.values()
    assert left_out.operation == "getMedia"
    assert str(left_out).startswith("one-bad-operation.yml: GET /recordings/{id}/media: its 200 answer must")
    with pytest.raises(UnknownToolError, match="get_media is no tool: one-bad-operation"):
        _ = catalog["get_media"]


def test_only_a_choice_of_it_stops_the_start() -> None:
    assert "list_numbers" in app(BAD).catalog.tools
    assert "list_numbers" in app(BAD, EXCLUDE_TOOLS="get_media").catalog.tools
    assert [*app(BAD, TOOLS="list_numbers").catalog.tools] == ["list_numbers"]
    with pytest.raises(SettingsError, match="TELEFONIE_TOOLS: get_media is no tool: one-bad"):
        app(BAD, TOOLS="list_numbers,get_media")


def test_a_document_of_which_nothing_is_left_stops_the_start() -> None:
    failing: dict[str, Any] = {"get": {"responses": {"404": {}}}}
    with pytest.raises(DocumentError) as caught:
        parse({**document(), "paths": {"/a": failing, "/b": failing}})
    assert str(caught.value) == (
        "things.json: GET /a: declares no success response (2xx); "
        "1 more operations cannot become tools either"
    )


def test_the_operator_reads_it_in_the_list_of_tools(tmp_path: Path) -> None:
    status, output, _ = command(tmp_path, "--spec", str(BAD), "tools", **LIVE)
    assert status == 0
    assert MEDIA in output.partition("\nleft out:\n")[2]
    status, output, errors = command(tmp_path, "--spec", str(BAD), "tools", "--json", **LIVE)
    assert "list_numbers" in {tool["name"] for tool in json.loads(output)["tools"]}
    assert errors.startswith(MEDIA)


def test_the_operator_hears_it_from_the_doctor(tmp_path: Path) -> None:
    with closed_port() as port:
        here = tmp_path / "one-bad-operation.yml"
        here.write_text(BAD.read_text().replace("9911", str(port)))
        variables = {**LIVE, "TELEFONIE_BASE_URL": f"http://127.0.0.1:{port}"}
        _, output, _ = command(tmp_path, "--spec", str(here), "doctor", "--json", **variables)
    checks = [each for each in json.loads(output)["checks"] if each["check"] == "documents"]
    assert [each["status"] for each in checks] == ["ok", "warning"]
    assert checks[1]["text"].startswith(MEDIA)
    assert "the other tools work" in checks[1]["remedy"]


@pytest.mark.measured
async def test_the_operator_reads_it_at_the_start(tmp_path: Path) -> None:
    async with running("--spec", str(BAD), home=tmp_path, variables=LIVE) as process:
        await process.hang_up()
        await process.end()
        log = process.log
    assert f"WARNING telefonie_mcp.server.run: {MEDIA}" in log


MALFORMED: list[tuple[Any, str]] = [
    ({"parameters": [{"name": "x"}]}, "the parameter 'x' has no 'in'"),
    ({"parameters": [{"in": "query"}]}, "a parameter has no 'name'"),
    ({"parameters": [{"in": "query", "name": ["x"]}]}, "a parameter has [\"x\"] as its 'name'"),
    ({"parameters": [{"in": ["query"], "name": "x"}]}, "the parameter 'x' has [\"query\"] as its 'in'"),
    ({"parameters": {"x": {"in": "query"}}}, 'its parameters must be a list, not {"x": {"in": "query"}}'),
    ({"parameters": ["x"]}, 'a parameter must be an object, not "x"'),
    ({"responses": "none"}, 'its responses must be an object, not "none"'),
    ({"responses": {"200": {"content": ["application/json"]}}}, ""),
    ({"requestBody": ["application/json"]}, ""),
    ({"security": "key"}, ""),
    ({"security": ["key"]}, ""),
    ({"servers": "https://api.example.com"}, ""),
    ({"servers": ["https://api.example.com"]}, ""),
    ({"servers": [{"url": "https://{a}", "variables": ["a"]}]}, ""),
    ({"parameters": [{"name": "x", "in": "query", "schema": {"$ref": "#/nowhere"}}]}, "has no target"),
    ({"parameters": [{"name": "x", "in": "query", "style": ["form"]}]}, "is not supported"),
    ("nothing", 'an operation must be an object, not "nothing"'),
    (["nothing"], 'an operation must be an object, not ["nothing"]'),
]


@pytest.mark.parametrize(("bad", "words"), MALFORMED)
def test_what_is_malformed_is_a_sentence_with_file_method_and_path(bad: Any, words: str) -> None:
    parsed = reading({**OK, **bad} if isinstance(bad, dict) else bad)
    assert [each.path for each in parsed.operations][-1] == "/good"
    for left_out in parsed.left_out:  # what can be read in one way only is read
        assert str(left_out).startswith("things.json: POST /bad: ")
        assert words in left_out.reason
        assert "Error" not in left_out.reason
    assert parsed.left_out or not words


def test_a_path_item_that_is_none_is_named() -> None:
    parsed = parse({**document(), "paths": {"/bad": ["get"], "/lost": {"$ref": "#/x"}, "/good": {"get": OK}}})
    assert [str(each) for each in parsed.left_out] == [
        'things.json: /bad: what is under a path must be an object, not ["get"]',
        "things.json: /lost: the reference '#/x' has no target",
    ]


def test_an_extreme_depth_costs_one_operation() -> None:
    deep = json.loads('{"properties":{"a":' * 400 + "{}" + "}}" * 400)
    content = {"application/json": {"schema": deep}}
    parsed = reading({**OK, "requestBody": {"content": content}})
    assert [str(each) for each in parsed.left_out] == [
        "things.json: POST /bad: a schema is nested too deeply"
    ]
    assert len(parsed.operations) == 1


def test_a_write_goes_with_the_read_that_its_hints_need() -> None:
    item: dict[str, Any] = {
        "get": {"operationId": "getThing", "responses": {"200": {"content": {"image/png": {}}}}},
        "delete": {
            "operationId": "dropThing",
            **OK,
            "x-telefonie-hints": {"subject": "id", "preview": {"operation": "getThing"}},
        },
        "parameters": [{"name": "id", "in": "path"}],
    }
    catalog = build_catalog([parse({**document(), "paths": {"/t/{id}": item, "/good": {"get": OK}}})])
    assert [*catalog.tools] == ["get_good"]
    assert [each.reason for each in catalog.left_out.values()][-1] == (
        "its hints need getThing, which is left out"
    )


def test_the_required_of_draft_4_is_dropped_with_a_note() -> None:
    catalog = catalog_of("loose-schemas.yml")
    assert catalog["loose_required"].input_schema["properties"].keys() == {"to", "when", "confirm"}
    assert catalog.notes == (
        "loose-schemas.yml: POST /a: to: required: true in a schema is dropped, it must be a list of names",
    )
    assert not catalog.left_out


LOOSE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"type": "file"}, {}, 'type: "file" in a schema is dropped, a type is one of array, boolean'),
    ({"type": ["string", "strin"]}, {}, "type: "),
    ({"type": 7}, {}, "type: 7 "),
    ({"type": "string", "minLength": "3"}, {"type": "string"}, 'minLength: "3" '),
    ({"type": "string", "maxLength": -1}, {"type": "string"}, "maxLength: -1 "),
    ({"type": "number", "minimum": "0"}, {"type": "number"}, 'minimum: "0" '),
    ({"type": "number", "multipleOf": 0}, {"type": "number"}, "multipleOf: 0 "),
    ({"type": "string", "enum": "a"}, {"type": "string"}, 'enum: "a" '),
    ({"type": "string", "pattern": 5}, {"type": "string"}, "pattern: 5 "),
    ({"type": "string", "required": "yes"}, {"type": "string"}, 'required: "yes" '),
    ({"type": "string", "required": False}, {"type": "string"}, ""),
    ({"type": "string", "anyOf": []}, {"type": "string"}, ""),
    ({"type": "string", "description": 5}, {"type": "string"}, ""),
    ({"type": "array", "items": [{}]}, {"type": "array", "items": {}}, "items: [{}] "),
    ({"type": "object", "properties": ["a"]}, {"type": "object"}, 'properties: ["a"] '),
    (
        {"type": "object", "additionalProperties": "false"},
        {"type": "object"},
        'additionalProperties: "false" ',
    ),
    ({"type": "object", "dependentRequired": {"a": "b"}}, {"type": "object"}, "dependentRequired: "),
    ({"type": "string", "$ref": 5}, {"type": "string"}, "$ref: 5 "),
    ({"$dynamicRef": "#node", "minContains": -1}, {}, "minContains: -1 "),
    ({"properties": {"a": None, "b": {}}}, {"properties": {"a": {}, "b": {}}}, ""),
    ({"properties": {"a": "b"}}, {"properties": {"a": {}}}, 'a: "b" is no schema, and allows anything'),
    ({"type": "string", "enum": [{}]}, {"type": "string"}, "enum: [{}] "),
    ({"type": "object", "required": ["a", "a"]}, {"type": "object", "required": ["a"]}, ""),
    (
        {"type": "object", "required": [1], "properties": {"1": {}}},
        {"type": "object", "required": ["1"], "properties": {"1": {}}},
        "",
    ),
]


@pytest.mark.parametrize(("schema", "expected", "words"), LOOSE)
def test_keywords_that_json_schema_does_not_know_are_dropped(
    schema: dict[str, Any], expected: dict[str, Any], words: str
) -> None:
    parsed = parse(document({"parameters": [{"name": "x", "in": "query", "schema": schema}]}))
    catalog = check_schemas(build_catalog([parsed]))
    assert catalog["get_things"].input_schema["properties"]["x"] == expected
    assert [note.startswith(f"things.json: GET /things: {words}") for note in catalog.notes] == (
        [True] if words else []
    )


def test_patterns_of_other_dialects_are_translated_or_dropped() -> None:
    catalog = catalog_of("patterns.yml")
    tool = catalog["patterns"]
    patterns = {name: schema.get("pattern") for name, schema in tool.input_schema["properties"].items()}
    assert patterns == {
        "a": r"^\+[1-9]\d{1,14}$",
        "b": None,
        "c": None,
        "d": r"^(?!000)\d{3}$",
        "e": r"^\d+$",
        "f": None,
        "g": None,
        "h": None,
    }
    assert catalog.notes == (
        r'patterns.yml: GET /a: the pattern "(?i)^[a-z]+$" cannot be read and is dropped',
        r'patterns.yml: GET /a: the pattern "^\\p{Alnum}+$" cannot be read and is dropped',
    )
    assert read_arguments(tool, {"b": "ABC", "c": "é", "f": "x", "g": "y"})[0]["b"] == "ABC"


@pytest.mark.parametrize(
    ("pattern", "published"),
    [
        (r"\\A\[", r"\\A\["),
        (r"[\]A-Z]+", r"[\]A-Z]+"),
        (r"^(?P<year>\d{4})$", r"^(?<year>\d{4})$"),
        (r"^[[:alpha:]]+$", None),
        (r"^(?>a+)b", None),
        (r"^\d++$", None),
        (r"^\h$", None),
        (r"^[\h]$", None),
        (r"^[[:alpha:]_]+$", None),
        (r"^[\p{Punct}]$", None),
        (r"^\pL$", None),
        (r"^\p{L}+$", r"^\p{L}+$"),
        (r"^[0-9*+#]+$", r"^[0-9*+#]+$"),
        (r"^[\w-.]+$", r"^[\w\-.]+$"),
        (r"^[\w-]+$", r"^[\w-]+$"),
        (r"(?<=a)b(?!c)", r"(?<=a)b(?!c)"),
        (r"^\u{1F600}+\/$", r"^\u{1F600}+\/$"),
        (r"/^\+[1-9]\d{1,14}$/", r"^\+[1-9]\d{1,14}$"),
        (r"/^[a-z]+$/i", None),
        (r"/v1/", r"/v1/"),
        ("(", None),
    ],
)
def test_what_clients_would_read_differently_is_not_published(pattern: str, published: str | None) -> None:
    tool = strange({"parameters": [{"name": "x", "in": "query", "schema": {"pattern": pattern}}]})
    assert tool.input_schema["properties"]["x"].get("pattern") == published


def test_words_in_place_of_schemas_are_no_patterns() -> None:
    schema = {"type": "object", "properties": {"pattern": {"enum": [{"pattern": "("}]}}}
    tool = strange({"parameters": [{"name": "x", "in": "query", "schema": schema}]})
    assert tool.input_schema["properties"]["x"] == schema


def test_a_name_that_is_a_number_is_a_string() -> None:
    catalog = catalog_of("numeric-names.yml")
    tool = catalog["numeric_names"]
    number, to = (binding.argument for binding in tool.bindings)
    assert (tool.bindings[0].name, number, to) == ("1", "body_1", "to")
    sent = build_request(tool.operation, tool.bindings, {number: "a", "to": "b"})
    assert json.loads(sent.content or b"") == {"1": "a", "to": "b"}
    named = [{"name": 7, "in": "query"}, {"name": True, "in": "query"}]
    assert [p.name for p in parse(document({"parameters": named})).operations[0].parameters] == ["7", "true"]


def test_keys_of_yaml_are_strings_as_they_are_written() -> None:
    text = (
        "openapi: 3.1.0\ninfo: {title: T}\nservers: [{url: 'https://a.example'}]\npaths: {/a: {post: "
        "{requestBody: {content: {application/json: {schema: {properties: "
        "{1: {}, 1.10: {}, true: {}, no: {}, ~: {}, 0x1F: {}, '<<': {}}}}}}, responses: {200: {}}}}}"
    )
    (operation,) = parse_document(text.encode(), name="keys.yml").operations
    assert operation.body is not None
    assert [*operation.body.schema["properties"]] == ["1", "1.10", "true", "no", "~", "0x1F", "<<"]
    assert operation.successes == {"200": None}


def test_a_recursive_schema_is_cut_at_the_second_turn() -> None:
    components: dict[str, Any] = {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "next": {"$ref": "#/components/schemas/Node"},
                "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
                "pair": {"$ref": "#/components/schemas/Pair"},
            },
        },
        "Pair": {"properties": {"left": {"$ref": "#/components/schemas/Node"}}},
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}
    operation = {"requestBody": {"content": content}, "responses": {"200": {"content": content}}}
    tool = strange(operation, method="post", components={"schemas": components})
    members = {
        "name": {"type": "string"},
        "next": {"type": "object"},
        "children": {"type": "array", "items": {"type": "object"}},
        "pair": {"properties": {"left": {"type": "object"}}},
    }
    assert tool.answer_schema["properties"] == members
    assert {**tool.input_schema["properties"], "confirm": None} == {**members, "confirm": None}


def test_schemas_that_refer_to_each_other_everywhere_are_bounded() -> None:
    names = [f"S{number}" for number in range(20)]
    refer = {name: {"$ref": f"#/components/schemas/{name}"} for name in names}
    schemas = {name: {"type": "object", "properties": refer} for name in names}
    content = {"application/json": {"schema": refer["S0"]}}
    tool = strange({"requestBody": {"content": content}}, method="post", components={"schemas": schemas})
    assert len(json.dumps(tool.input_schema)) <= 64 * 1024


def test_a_name_in_the_path_that_no_parameter_declares_is_text() -> None:
    given = parse(document({"parameters": [{"name": "b", "in": "path"}]}, path="/a/{a}/b/{b}"))
    (operation,) = given.operations
    assert [(each.name, each.required, each.schema) for each in operation.parameters] == [
        ("a", True, {"type": "string"}),
        ("b", True, {}),
    ]
    assert given.notes == ("things.json: GET /a/{a}/b/{b}: its path names a, taken as text",)


@pytest.mark.parametrize("name", ["a:[0-9]+", "*a", "a b", "", "a}}/{b"])
def test_what_is_no_name_in_a_path_leaves_the_operation_out(name: str) -> None:
    with pytest.raises(DocumentError, match=r"differ in|must not contain|in the path names no parameter"):
        parse(document({}, path=f"/a/{{{name}}}"))
