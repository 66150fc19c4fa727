"""What a tool says of an operation: that it only reads, and that it should not be used any more."""

from typing import Any

import pytest

from tests.support.tools import strange

THING: dict[str, Any] = {"200": {"description": "There", "content": {"application/json": {"schema": {}}}}}


@pytest.mark.parametrize(
    ("method", "reads"),
    [("get", True), ("head", True), ("options", True), ("trace", False), ("post", False), ("delete", False)],
)
def test_a_method_that_only_reads_needs_no_confirm(method: str, reads: bool) -> None:
    tool = strange(method=method)
    assert (tool.read_only, tool.destructive, tool.idempotent) == (
        reads,
        not reads,
        reads or method == "delete",
    )
    assert ("confirm" in tool.input_schema["properties"]) is not reads


def test_the_answer_to_head_has_no_body() -> None:
    tool = strange({"responses": THING}, method="head")
    assert tool.operation.successes == {"200": None}
    assert tool.answer_schema["required"] == ["message"]


def test_what_is_deprecated_is_said() -> None:
    parameters = [
        {"name": "old", "in": "query", "deprecated": True, "description": "An age"},
        {"name": "new", "in": "query", "schema": {"type": "string"}},
    ]
    members = {"a": {"type": "string", "deprecated": True}, "b": {"type": "string", "description": "B"}}
    content = {"application/json": {"schema": {"type": "object", "properties": members}}}
    tool = strange(
        {
            "deprecated": True,
            "description": "Posts things.",
            "parameters": parameters,
            "requestBody": {"content": content},
        },
        method="post",
    )
    assert tool.description.startswith("Deprecated: use it only if nothing else does the same. Posts things.")
    assert {name: member.get("description") for name, member in tool.input_schema["properties"].items()} == {
        "old": "Deprecated. An age",
        "new": None,
        "a": "Deprecated.",
        "b": "B",
        "confirm": "true only after the user agreed to this exact call",
    }
    assert "eprecated" not in strange({"description": "Posts things."}).description
