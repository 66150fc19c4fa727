"""Whatever arguments arrive: a readable refusal, or a request in which nothing leaves its place."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from anyio import fail_after
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_types import CallToolResult, TextContent
from starlette.types import Receive, Scope, Send

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from telefonie_mcp.openapi.operation import Binding, Operation, Parameter
from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.server.handlers import error_result, success_result
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.upstream.client import asgi_transport
from telefonie_mcp.upstream.serialization import build_request
from tests.support.tools import catalog
from tests.support.wire import SECONDS

pytestmark = pytest.mark.unmeasured  # the tests of each kind of argument run the same lines

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
        security=(),
        successes={"200": None},
        success_texts={},
    )
    request = build_request(operation, bindings, {"id": segment, "v": values})
    parts = urlsplit(f"https://api.example.com{request.target}")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "a", segment, "b"]
    assert [value for _, value in parse_qsl(parts.query, keep_blank_values=True)] == values


SENT = re.compile(
    r"GET /v1/numbers/(available|owned|capabilities)|POST /v1/numbers/owned"
    r"|(GET|POST|DELETE) /v1/numbers/owned/%2B[1-9][0-9]{6,14}"
)
FIRST_WORDS = ("Nothing was done", "It is unknown whether", "Only part of this was done")

GOOD: dict[str, st.SearchStrategy[Any]] = {
    "phone_number": st.sampled_from(["+14155550100", "+1 (415) 555-0101", "+14155550102"]),
    "country_code": st.sampled_from(["US", "gb"]),
    "type": st.sampled_from(["local", "mobile"]),
    "area_code": st.just("415"),
    "contains": st.sampled_from(["415", "0100"]),
    "sms_enabled": st.booleans(),
    "voice_enabled": st.booleans(),
    "limit": st.integers(1, 20),
    "page": st.integers(1, 3),
    "page_size": st.integers(1, 100),
    "voice_url": st.just("https://example.com/voice"),
    "sms_url": st.just("https://example.com/sms"),
    "friendly_name": st.sampled_from(["Desk", "\N{SNOWMAN} & co"]),
    "max_monthly_rate": st.sampled_from([0, 1.15, 100]),
    "confirm": st.booleans(),
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a call that is as wild as can be, or one that could well succeed."""
    tool = draw(st.sampled_from(list(catalog())))
    wild = draw(st.booleans())
    required = tool.input_schema.get("required", ())
    given_arguments: dict[str, Any] = draw(arguments) if wild else {}
    for name in tool.input_schema["properties"]:
        if draw(st.booleans()) or (name in required and not wild):
            given_arguments[name] = draw(GOOD[name] | values if wild else GOOD[name])
    return tool.name, given_arguments


@dataclass(frozen=True)
class Running:
    """The whole pipeline in front of a sandbox, and what reached the sandbox."""

    app: App
    portal: BlockingPortal
    requests: list[str]

    def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        async def run() -> CallToolResult:
            try:
                with fail_after(SECONDS):
                    result = await self.app.pipeline.call(name, arguments, CommandLine())
                    return CallToolResult.model_validate(success_result(result))
            except ToolError as error:
                return error_result(error, mode="sandbox")

        return self.portal.call(run)

    def prove(self, name: str, given_arguments: dict[str, Any]) -> None:
        """Make one call, and check all that is promised of every one."""
        before = len(self.requests)
        result = self.call(name, given_arguments)
        (part,) = result.content
        assert isinstance(part, TextContent)
        answer = json.loads(part.text)
        sent = self.requests[before:]
        assert all(SENT.fullmatch(request) for request in sent)
        if result.is_error:
            assert answer["message"].startswith(FIRST_WORDS)
            assert answer["message"].isprintable()
            assert answer["code"] != "internal_error"
            assert answer["hint"]
            assert len(part.text.encode()) < 20_000
        else:
            assert result.structured_content == answer
            assert catalog()[name].result_validator.is_valid(answer)
        if given_arguments.get("confirm") is not True and catalog()[name].destructive:
            assert not any(request.startswith(("POST", "DELETE")) for request in sent)
        if result.is_error and answer["code"] == "invalid_arguments":
            assert sent == []


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Running]:
    sandbox = create_sandbox(":memory:", embedded=True)
    requests: list[str] = []

    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        requests.append(f"{scope['method']} {scope['raw_path'].decode()}")
        await sandbox(scope, receive, send)

    operator = Settings(sandbox_db=":memory:", max_calls_per_minute=1_000_000)
    app = App.from_settings(operator, transport=asgi_transport(recorded))
    with start_blocking_portal() as portal:
        yield Running(app, portal, requests)
        portal.call(app.aclose)


@settings(max_examples=80)
@given(called=calls())
def test_every_call_ends_in_a_result_or_a_readable_error(
    pipeline: Running, called: tuple[str, dict[str, Any]]
) -> None:
    pipeline.prove(*called)


@pytest.mark.whole
@settings(max_examples=2000)
@given(called=calls())
def test_every_one_of_many_calls_ends_in_a_result_or_a_readable_error(
    pipeline: Running, called: tuple[str, dict[str, Any]]
) -> None:
    pipeline.prove(*called)
