from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import fold, is_object, without_null
from telefonie_mcp.openapi.omissions import Omissions
from telefonie_mcp.openapi.references import Direction, References
from telefonie_mcp.openapi.schema import convert

ROOT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Name": {"type": "string", "maxLength": 9},
            "Alias": {"$ref": "#/components/schemas/Name"},
            "a/b~c d": {"type": "integer"},
            "Tree": {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}},
            "Pair": {
                "type": "object",
                "properties": {"a": {"type": "integer"}},
                "required": ["a"],
                "allOf": [{"minProperties": 1}],
            },
            "Ping": {"$ref": "#/components/schemas/Pong"},
            "Pong": {"$ref": "#/components/schemas/Ping"},
        }
    }
}


A: dict[str, Any] = {"type": "object", "properties": {"a": {}}}
B: dict[str, Any] = {"type": "object", "properties": {"b": {}}}


def converted(schema: Any, direction: Direction = "input") -> dict[str, Any]:
    return convert(schema, References(ROOT, Omissions("doc")), direction)


ARGUMENTS: list[tuple[Any, dict[str, Any]]] = [
    ({"$ref": "#/components/schemas/Alias"}, {"type": "string", "maxLength": 9}),
    ({"$ref": "#/components/schemas/Name", "maxLength": 3}, {"type": "string", "maxLength": 3}),
    ({"$ref": "#/components/schemas/a~1b~0c%20d"}, {"type": "integer"}),
    ({"type": "string", "nullable": True}, {"type": "string"}),
    ({"type": ["string", "null"]}, {"type": "string"}),
    ({"type": ["string", "array"]}, {"anyOf": [{"type": "string"}, {"type": "array", "items": {}}]}),
    (
        {"type": "number", "minimum": 1, "exclusiveMinimum": True},
        {"type": "number", "exclusiveMinimum": 1},
    ),
    ({"type": "number", "maximum": 1, "exclusiveMaximum": False}, {"type": "number", "maximum": 1}),
    ({"type": "number", "exclusiveMaximum": 4}, {"type": "number", "exclusiveMaximum": 4}),
    ({"type": "string", "example": "x"}, {"type": "string", "examples": ["x"]}),
    ({"type": "string", "example": "x", "examples": ["y"]}, {"type": "string", "examples": ["y"]}),
    ({"const": 3}, {"enum": [3]}),
    ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a"]}),
    ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}]}),
    ({"type": "array"}, {"type": "array", "items": {}}),
    ({"type": "array", "items": {"const": 1}}, {"type": "array", "items": {"enum": [1]}}),
    ({"type": "string", "not": {"const": "a"}, "if": {}, "then": {}, "else": {}}, {"type": "string"}),
    ({"type": "string", "xml": {}, "deprecated": True, "x-note": 1, "$comment": "c"}, {"type": "string"}),
    (
        {"type": "object", "additionalProperties": {"const": 1}},
        {"type": "object", "additionalProperties": {"enum": [1]}},
    ),
    (
        {"type": "object", "additionalProperties": False},
        {"type": "object", "additionalProperties": False},
    ),
    (
        {
            "$ref": "#/components/schemas/Pair",
            "properties": {"c": {"type": "string"}},
            "required": ["c", "a"],
        },
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "c": {"type": "string"}},
            "required": ["a", "c"],
            "allOf": [{"minProperties": 1}],
        },
    ),
    (
        {"$ref": "#/components/schemas/Pair", "allOf": [{"maxProperties": 3}]},
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}},
            "required": ["a"],
            "allOf": [{"minProperties": 1}, {"maxProperties": 3}],
        },
    ),
    ({"type": "array", "items": True}, {"type": "array", "items": {}}),
    (
        {"type": "array", "prefixItems": [{"const": 1}], "items": False},
        {"type": "array", "prefixItems": [{"enum": [1]}], "items": {}},
    ),
    ({"type": "string", "$defs": {"A": {"$ref": "#/nowhere"}}, "$anchor": "a"}, {"type": "string"}),
    ({"anyOf": [{"type": "null"}]}, {}),
    ({"enum": [None]}, {}),
    ({"type": ["null"]}, {}),
    ({"type": ["string", "integer"], "anyOf": [{"minLength": 1}]}, {"anyOf": [{"minLength": 1}]}),
    (
        {"type": "object", "properties": {"not": {"not": {}}, "const": {"const": 1}}},
        {"type": "object", "properties": {"not": {}, "const": {"enum": [1]}}},
    ),
    ({"type": "string", "enum": [1, True, "a"]}, {"type": "string", "enum": ["1", "true", "a"]}),
    ({"type": "integer", "enum": ["1", 2, "x", True]}, {"type": "integer", "enum": [1, 2]}),
    ({"type": "boolean", "enum": ["true"]}, {"type": "boolean", "enum": [True]}),
    ({"type": "number", "enum": ["NaN", "-Infinity", "1e999", "1"]}, {"type": "number", "enum": [1]}),
    ({"type": "integer", "enum": ["[" * 100_000, "1"]}, {"type": "integer", "enum": [1]}),
    ({"type": "array", "enum": ["a"]}, {"type": "array", "items": {"enum": ["a"]}}),
    ({"type": "object", "unevaluatedProperties": False}, {"type": "object", "additionalProperties": False}),
    ({"type": "object", "if": {}, "then": {}, "unevaluatedProperties": False}, {"type": "object"}),
    (
        {"allOf": [{**A, "additionalProperties": False}, B]},
        {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False},
    ),
    (
        {"allOf": [A], "properties": {"b": {}}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False},
    ),
    ({**A, "anyOf": [B], "additionalProperties": False}, {**A, "anyOf": [B]}),
    ({**A, "anyOf": [{**B, "additionalProperties": False}]}, {**A, "anyOf": [B]}),
    (
        {**A, "anyOf": [{"required": ["a"]}], "additionalProperties": False},
        {**A, "anyOf": [{"required": ["a"]}], "additionalProperties": False},
    ),
    (True, {}),
    ({}, {}),
]


@pytest.mark.parametrize(("schema", "expected"), ARGUMENTS)
def test_schemas_of_arguments_are_converted(schema: Any, expected: dict[str, Any]) -> None:
    assert converted(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": ["integer", "null"]}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"anyOf": [{"type": "string"}]}, {"type": "null"}]},
        ),
        ({"nullable": True}, {}),
        ({"anyOf": [{"type": "null"}]}, {}),
        ({"enum": ["a", None]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a"]}),
    ],
)
def test_null_is_a_value_of_results(schema: Any, expected: dict[str, Any]) -> None:
    assert converted(schema, "output") == expected


@pytest.mark.parametrize(("direction", "kept"), [("input", "pin"), ("output", "id")])
def test_read_only_properties_are_no_arguments_and_write_only_ones_no_results(
    direction: Direction, kept: str
) -> None:
    schema = {
        "type": "object",
        "required": ["id", "pin"],
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "pin": {"type": "string", "writeOnly": True},
        },
    }
    result = converted(schema, direction)
    assert result == {"type": "object", "required": [kept], "properties": {kept: {"type": "string"}}}


def test_an_emptied_required_disappears() -> None:
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"readOnly": True}}}
    assert converted(schema) == {"type": "object", "properties": {}}


READ_ONLY = {"type": "string", "readOnly": True}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"properties": {"id": READ_ONLY}}, {"required": ["id", "n"]}]},
        {"allOf": [{"required": ["id", "n"]}], "properties": {"id": READ_ONLY}},
        {"required": ["id", "n"], "allOf": [{"allOf": [{"properties": {"id": {"allOf": [READ_ONLY]}}}]}]},
    ],
)
def test_what_is_read_only_in_one_part_is_demanded_by_none(schema: dict[str, Any]) -> None:
    assert fold({"properties": {}, **converted(schema)})["required"] == ["n"]
    assert "id" in fold({"properties": {}, **converted(schema, "output")})["required"]


NULLABLE: list[dict[str, Any]] = [
    {"type": ["string", "null"]},
    {"type": "string", "nullable": True},
    {"anyOf": [{"type": "string"}, {"type": "null"}]},
    {"oneOf": [{"type": "null"}, {"type": "string"}]},
]


@pytest.mark.parametrize("member", NULLABLE)
def test_null_stays_inside_a_body(member: dict[str, Any]) -> None:
    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    inside: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"properties": {"a": member}}, {"properties": {"a": either}}),
        ({"additionalProperties": member}, {"additionalProperties": either}),
        ({"items": member}, {"items": either}),
        ({"prefixItems": [member]}, {"prefixItems": [either]}),
    ]
    for schema, expected in inside:
        assert converted(schema, "body") == expected
    described = converted({"items": {**member, "description": "D"}}, "body")["items"]
    assert described == {"description": "D", **either}
    assert without_null({**described, "title": "T"}) == {"type": "string", "description": "D", "title": "T"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("#/components/schemas/Missing", "'#/components/schemas/Missing' has no target"),
        ("#/components/schemas/Name/type", "has no target"),
        ("other.yml#/Name", "leaves the document"),
        (
            "#/components/schemas/Ping",
            "#/components/schemas/Ping → #/components/schemas/Pong → #/components/schemas/Ping",
        ),
    ],
)
def test_references_that_cannot_be_inlined_are_named(reference: str, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        converted({"$ref": reference})
    assert str(caught.value).startswith("doc: ")
    assert words in str(caught.value)


FOLDED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "object", "maxProperties": 2}, {"type": "object", "maxProperties": 2}),
    (
        {
            "allOf": [
                {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
                {"allOf": [{"properties": {"b": {}}, "required": ["b"]}]},
            ],
            "required": ["a", "c"],
            "properties": {"c": {}},
        },
        {
            "type": "object",
            "required": ["a", "b", "c"],
            "properties": {"a": {"type": "string"}, "b": {}, "c": {}},
        },
    ),
    ({"allOf": [{"type": "string"}]}, {"allOf": [{"type": "string"}]}),
    ({"allOf": [{"anyOf": [{}]}, {}]}, {"allOf": [{"anyOf": [{}]}, {}]}),
]


@pytest.mark.parametrize(("schema", "expected"), FOLDED)
def test_folding_shows_the_members_of_all_parts(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert fold(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object"}, True),
        ({"properties": {}}, True),
        ({}, False),
        ({"type": "array"}, False),
        ({"type": "array", "properties": {}}, False),
        ({"anyOf": [{"type": "object"}, {"type": "null"}]}, False),
    ],
)
def test_objects_are_recognised_however_they_are_written(schema: dict[str, Any], expected: bool) -> None:
    assert is_object(schema) is expected
