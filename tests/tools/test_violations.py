"""What an error says about a value with alternatives: the place that is wrong, not only the union."""

from typing import Any

import pytest

from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.arguments import read_arguments
from tests.support.tools import strange

PORT = {"type": "integer", "maximum": 65535, "description": "The port"}
HOST: dict[str, Any] = {
    "type": "object",
    "required": ["port"],
    "properties": {"host": {"type": "string"}, "port": PORT},
    "additionalProperties": False,
}
NUMBER: dict[str, Any] = {
    "type": "object",
    "required": ["number"],
    "properties": {"number": {"type": "string", "pattern": r"^\+"}, "port": PORT},
}


def kind(value: str, **properties: Any) -> dict[str, Any]:
    members = {"kind": {"enum": [value]}, **properties}
    return {"type": "object", "required": ["kind"], "properties": members}


def problems(target: Any, *alternatives: Any, keyword: str = "oneOf") -> list[tuple[str, str]]:
    schema = {"type": "object", "properties": {"target": {keyword: list(alternatives)}, "other": {}}}
    content = {"application/json": {"schema": schema}}
    tool = strange({"requestBody": {"content": content}}, method="post")
    with pytest.raises(ToolError) as caught:
        read_arguments(tool, {"target": target, "confirm": True})
    answer = caught.value.as_dict()
    alone = answer["message"].removeprefix(f"Nothing was done: {answer['field']} ")
    several = answer.get("errors", [{"field": answer["field"], "problem": alone}])
    return [(each["field"], each["problem"]) for each in several]


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_the_nested_place_is_named(keyword: str) -> None:
    found = problems({"port": "x"}, HOST, {"type": "string"}, keyword=keyword)
    assert found == [("target.port", 'must be of type integer (The port) (got "x")')]


@pytest.mark.parametrize(
    ("target", "alternatives", "expected"),
    [
        ({"port": 70_000}, (HOST, NUMBER), ("target.port", "must be at most 65535 (got 70000)")),
        ({}, (HOST, {"type": "string"}), ("target.port", "is required (The port)")),
        (
            {"port": 1, "hots": "a"},
            (HOST, {"type": "string"}),
            ("target.hots", "is not a member of target; did you mean host?"),
        ),
        ({"number": "1"}, (HOST, NUMBER), ("target.number", r'must match ^\+ (got "1")')),
        (
            {"kind": "b", "size": "x"},
            (kind("a", text={}), kind("b", size={"type": "integer"})),
            ("target.size", 'must be of type integer (got "x")'),
        ),
        (
            [{"port": "x"}],
            ({"type": "array", "items": HOST}, HOST),
            ("target[0].port", 'must be of type integer (The port) (got "x")'),
        ),
        (
            {"to": {"port": "x"}},
            (
                {"type": "object", "properties": {"to": {"oneOf": [HOST, {"type": "string"}]}}},
                {"type": "null"},
            ),
            ("target.to.port", 'must be of type integer (The port) (got "x")'),
        ),
        (
            {"port": "x"},
            (kind("a", port=PORT), kind("b", port=PORT)),
            ("target.kind", "is required"),
        ),
        (5, (HOST, {"type": "string"}), ("target", "must be of type object or string (got 5)")),
        ({}, (HOST, NUMBER), ("target", "must match one of its alternatives (got {})")),
        ("x", ({"type": "string", "pattern": "^a"}, HOST), ("target", 'must match ^a (got "x")')),
        ("x", ({"type": "string", "enum": ["a"]}, HOST), ("target", 'must be one of a (got "x")')),
        (
            "x",
            ({"type": "string", "enum": ["a"]}, {"type": "string", "pattern": "^a"}),
            ("target", 'must match ^a (got "x")'),
        ),
        (
            {"Cold": 1},
            ({"type": "object", "propertyNames": {"pattern": "^[a-z]+$", "description": "Lower"}}, PORT),
            ("target.Cold", "is a name that must match ^[a-z]+$ (Lower)"),
        ),
    ],
)
def test_the_closest_alternative_is_meant(
    target: Any, alternatives: tuple[Any, ...], expected: tuple[str, str]
) -> None:
    assert expected in problems(target, *alternatives)
