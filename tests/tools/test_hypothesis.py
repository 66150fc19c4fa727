"""Whatever arguments arrive: a readable refusal, or a request in which nothing leaves its place."""

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from telefonie_mcp.errors import ToolError
from telefonie_mcp.openapi.operation import Binding, Operation, Parameter
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.upstream.requests import build_request
from tests.support.tools import catalog

NAMES = [
    "phone_number",
    "country_code",
    "type",
    "limit",
    "page",
    "contains",
    "voice_url",
    "friendly_name",
    "confirm",
]
text = st.text() | st.text(st.characters(categories=["Cs", "Cc", "Cf"]))
likely = st.sampled_from(
    ["+14155550100", "US", "local", "https://example.com", "../..", "+1/../x", "%2e%2e", "415"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text | likely,
    lambda children: st.lists(children) | st.dictionaries(text, children),
    max_leaves=8,
)
arguments = st.dictionaries(st.sampled_from(NAMES) | text, values, max_size=6)


def read_or_refused(tool: Tool, given_arguments: dict[str, Any]) -> dict[str, Any] | ToolError:
    try:
        return read_arguments(tool, given_arguments)[0]
    except ToolError as error:
        return error


@given(name=st.sampled_from(sorted(catalog().tools)), given_arguments=arguments)
def test_arguments_are_refused_readably_or_sent_in_their_place(
    name: str, given_arguments: dict[str, Any]
) -> None:
    tool = catalog()[name]
    outcome = read_or_refused(tool, given_arguments)
    if isinstance(outcome, ToolError):
        answer = json.dumps(outcome.as_dict(), ensure_ascii=False)
        assert outcome.message.startswith("Nothing was done: ")
        assert "\n" not in outcome.message
        assert len(answer.encode()) < 20_000
    else:
        request = build_request(tool.operation, tool.bindings, outcome)
        assert request.path.count("/") == tool.operation.path.count("/")
        assert request.path.startswith(("/owned", "/available"))
        assert request.target.isascii()


@given(
    segment=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    values=st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_paths_and_queries_round_trip(segment: str, values: list[str]) -> None:
    place = Parameter("id", "path", required=True, schema={})
    many = Parameter("v", "query", required=False, schema={}, separator=None)
    bindings = [Binding("id", True, {}, place, "id"), Binding("v", False, {}, many, "v")]
    operation = Operation(
        id="x",
        method="GET",
        path="/a/{id}/b",
        server="https://api.example.com",
        summary="",
        description="",
        parameters=(place, many),
        body=None,
        credential=None,
        successes={"200": None},
        success_texts={},
    )
    request = build_request(operation, bindings, {"id": segment, "v": values})
    parts = urlsplit(f"https://api.example.com{request.target}")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "a", segment, "b"]
    assert [value for _, value in parse_qsl(parts.query, keep_blank_values=True)] == values
