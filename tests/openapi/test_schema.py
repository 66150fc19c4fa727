from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.schema import Direction, References, convert

ROOT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Name": {"type": "string", "maxLength": 9},
            "Alias": {"$ref": "#/components/schemas/Name"},
            "a/b~c d": {"type": "integer"},
            "Tree": {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}},
            "Ping": {"$ref": "#/components/schemas/Pong"},
            "Pong": {"$ref": "#/components/schemas/Ping"},
        }
    }
}


def converted(schema: Any, direction: Direction = "input") -> dict[str, Any]:
    return convert(schema, References(ROOT, document="doc"), direction)


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
    (True, {}),
    ({}, {}),
]


@pytest.mark.parametrize(("schema", "expected"), ARGUMENTS)
def test_conversion_for_arguments(schema: Any, expected: dict[str, Any]) -> None:
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
    ],
)
def test_null_is_a_value_of_results(schema: Any, expected: dict[str, Any]) -> None:
    assert converted(schema, "output") == expected


@pytest.mark.parametrize(("direction", "kept"), [("input", "pin"), ("output", "id")])
def test_read_only_and_write_only_properties(direction: Direction, kept: str) -> None:
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
        ("#/components/schemas/Tree", "leads back to itself"),
    ],
)
def test_references_that_cannot_be_inlined_are_named(reference: str, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        converted({"$ref": reference})
    assert str(caught.value).startswith("doc: ")
    assert words in str(caught.value)
