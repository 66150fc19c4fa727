"""What callers and documents combine stays cheap: many arguments, long texts and lists, greedy patterns."""

import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError, ToolError
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.results import UnusableError, present
from telefonie_mcp.tools.validation import patterns_in, values_in
from telefonie_mcp.upstream.outcomes import Answer
from tests.support.tools import answering, strange, taking, tool, violations

GREEDY = r"^(a|a)*\1$"
GREEDY_VALUE = "a" * 50 + "b"
MEMORY = 1024 * 1024 * 1024
SECONDS = 40
"""Of a processor for all calls together; before they were bounded, some of them alone took more."""

CALLS = """
import json, sys
from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.arguments import read_arguments
from tests.support.tools import strange, taking, tool

def body(schema):
    content = {"application/json": {"schema": schema}}
    made = strange({"requestBody": {"content": content}}, method="post")
    return lambda value: (made, {"body": value, "confirm": True})

many = range(250_000)
words = [f"v{n}" for n in range(4_000)]
deep = []
for _ in range(100_000):
    deep = [deep]
search = tool("search_available_numbers")
for made, given in [
    (search, {f"a{n}": n for n in many}),
    (search, {f"a{n}" * 50: None for n in range(20_000)}),
    (search, {"a" * 10_000_000: 1}),
    (search, {"country_code": "x" * 10_000_000}),
    (search, {"country_code": deep}),
    (search, {"country_code": [None] * 1_000_000}),
    (search, {"country_code": {str(n): n for n in many}}),
    (tool("get_owned_number"), {"phone_number": "+" + "1" * 10_000_000}),
    (taking({"type": "array", "items": {"type": "integer"}}), {"x": ["x"] * 250_000}),
    (taking({"type": "array"}), {"x": ["\\u00fc" * 1_000_000] * 10}),
    (taking({}), {"x": "\\u00fc" * 10_000_000}),
    body({"type": "array", "items": {"type": "integer"}})(["x"] * 250_000),
    body({"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]}})(["x"] * 200_000),
    body({"type": "array", "items": {"enum": words}})(["x"] * 9_000),
    body({"type": "array", "items": {"type": "object", "required": words}})([{}] * 9_000),
    body({"type": "array", "items": {"type": "object", "required": words[:2_000]}})([{}] * 200_000),
    body({"type": "array", "items": {"pattern": r"^(a|a)*\\\\1$"}})(["a" * 50 + "b"] * 10_000),
    body({"allOf": [{"type": "array", "items": {"type": "integer"}, "title": f"{n}"} for n in range(300)]})(
        ["x"] * 15_000
    ),
    body({"patternProperties": {f"^a{n}$": {} for n in range(300)}, "additionalProperties": False})(
        {f"k{n}": 1 for n in range(15_000)}
    ),
]:
    try:
        read_arguments(made, given)
    except ToolError as error:
        assert error.code == "invalid_arguments", error
        assert len(json.dumps(error.as_dict())) < 50_000
    else:
        raise AssertionError(made)
print("all refused")
"""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.mark.whole
def test_no_call_takes_the_time_or_memory_of_all_others() -> None:
    run = subprocess.run(
        [sys.executable, "-c", CALLS], capture_output=True, text=True, preexec_fn=limited, check=False
    )
    assert run.stdout == "all refused\n", run.stderr[-2000:]


class Counted(Mapping[str, Any]):
    """Arguments that count how many of them are looked at."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.seen = 0

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[str]:
        for number in range(self._number):
            self.seen += 1
            yield f"a{number}"

    def __getitem__(self, name: str) -> Any:
        self.seen += 1
        return 1


def test_arguments_that_no_error_would_name_are_not_looked_at() -> None:
    given = Counted(260_000)
    with pytest.raises(ToolError) as caught:
        read_arguments(tool("search_available_numbers"), given)
    assert caught.value.code == "invalid_arguments"
    assert given.seen < 200


COUNTS: list[tuple[Any, int]] = [
    (1, 1),
    ([], 1),
    ([1, [2, 3]], 5),
    ({"a": {"b": [None]}}, 4),
    ("text", 1),
    ([[]] * 9, 10),
]


@pytest.mark.parametrize(("value", "count"), COUNTS)
def test_values_are_counted_wherever_they_are(value: Any, count: int) -> None:
    assert values_in(value, 100) == count
    assert values_in([value] * 1_000, 100) > 100


def test_many_valid_values_are_too_many() -> None:
    made = strange(
        {"requestBody": {"content": {"application/json": {"schema": {"type": "array"}}}}}, method="post"
    )
    with pytest.raises(ToolError) as caught:
        read_arguments(made, {"body": [1] * 30_000, "confirm": True})
    assert violations(caught.value.as_dict()) == {
        "body": "makes more than 20,000 values with the arguments before it"
    }
    assert read_arguments(made, {"body": [1] * 19_000, "confirm": True})[0]["body"] == [1] * 19_000


@pytest.mark.parametrize(
    ("schema", "value", "field"),
    [
        ({"type": "string", "pattern": GREEDY}, GREEDY_VALUE, "x"),
        ({"type": "array", "items": {"pattern": GREEDY}}, ["aa", GREEDY_VALUE], "x[1]"),
        ({"anyOf": [{"type": "string", "pattern": GREEDY}, {"type": "integer"}]}, GREEDY_VALUE, "x"),
    ],
)
def test_a_pattern_that_takes_too_many_steps_is_a_violation(schema: Any, value: Any, field: str) -> None:
    with pytest.raises(ToolError) as caught:
        read_arguments(taking(schema), {"x": value})
    answer = caught.value.as_dict()
    assert violations(answer) == {field: "cannot be checked: its pattern takes too many steps"}
    assert answer["message"].startswith("Nothing was done: ")


def test_a_pattern_with_a_lookaround_is_checked_where_it_can_be() -> None:
    made = taking({"type": "string", "pattern": r"^(?!000)\d{3}$"})
    assert read_arguments(made, {"x": "123"})[0] == {"x": "123"}
    with pytest.raises(ToolError, match="must match"):
        read_arguments(made, {"x": "000"})


def test_an_answer_whose_pattern_takes_too_many_steps_is_the_providers_fault() -> None:
    lenient = answering({"type": "object", "properties": {"a": {"type": "string", "pattern": GREEDY}}})
    made = replace(lenient, strict=True)
    answer = Answer(200, {"content-type": "application/json"}, b'{"a": "%s"}' % GREEDY_VALUE.encode())
    with pytest.raises(UnusableError, match="a: cannot be checked: its pattern takes too many steps"):
        present(made, answer, {})
    assert present(lenient, answer, {}) == {"a": GREEDY_VALUE}


@pytest.mark.unmeasured
def test_a_large_answer_that_is_wrong_throughout_is_refused_by_its_first_error() -> None:
    integers = {"type": "array", "items": {"type": "integer"}}
    lenient = answering({"type": "object", "properties": {"a": integers}})
    made = replace(lenient, strict=True)
    body = b'{"a": [%s"x"]}' % (b'"x",' * 250_000)
    answer = Answer(200, {"content-type": "application/json"}, body)
    with pytest.raises(UnusableError, match=r"a\.0: "):
        present(made, answer, {})
    note = present(lenient, answer, {})["note"]
    assert note == "The answer differs from the document: a.0 is not of type integer."


def test_patterns_that_take_much_memory_stop_the_start() -> None:
    def patterns(count: int) -> Any:
        members = {f"a{n}": {"type": "string", "pattern": rf"(\w{{100}}){{9}}{n}"} for n in range(count)}
        return {"type": "object", "properties": members}

    with pytest.raises(
        DocumentError, match="Things: the schema of get_things is invalid: its patterns, or the"
    ):
        answering(patterns(400))
    answering(patterns(50))


def test_a_class_without_an_end_takes_no_time_to_read() -> None:
    """It could be read in two ways at each of its escapes: 2⁶⁰ in all."""
    made = taking({"type": "string", "pattern": "[" + r"\p{L}" * 60})
    assert "pattern" not in made.input_schema["properties"]["x"]


def test_patterns_stand_in_schemas_and_not_in_literals() -> None:
    literal = {"pattern": "no"}
    schema = {
        "properties": {"default": {"pattern": "a"}, "pattern": {"items": {"pattern": "b"}}},
        "patternProperties": {"c": {"pattern": "d"}},
        "default": literal,
        "examples": [literal],
        "anyOf": [{"const": literal}, {"enum": [literal], "pattern": "e"}],
    }
    assert [*patterns_in(schema)] == ["a", "b", "c", "d", "e"]
