"""What leaves of a span: nothing that a client, a provider or a person could have written into it."""

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from telefonie_mcp.telemetry.spans import CleanSpans

MARK = "+14155550123"
KNOWN = {"tools/call", "purchase_number", "2026-07-28", "elicitation/create"}


def exported(name: str, attributes: dict[str, Any], *, marked: bool = True) -> ReadableSpan:
    """Return how a span is exported that says `MARK` wherever it can."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CleanSpans(memory, KNOWN)))
    state = TraceState([("vendor", MARK[1:])])
    parent = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    with provider.get_tracer("mcp-python-sdk").start_as_current_span(
        name,
        context=set_span_in_context(NonRecordingSpan(parent)),
        kind=SpanKind.SERVER,
        attributes=attributes,
        links=[Link(parent, {"a": MARK})],
    ) as span:
        if marked:
            span.add_event(MARK, {MARK: MARK})
            span.record_exception(ValueError(MARK))
        span.set_status(StatusCode.ERROR, MARK)
    (found,) = memory.get_finished_spans()
    assert MARK[1:] not in found.to_json()
    assert found.parent
    assert found.parent.trace_state == TraceState()
    return found


def test_a_span_of_a_call_says_what_was_called_and_how_it_ended() -> None:
    attributes = {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "purchase_number",
        "error.type": "-32602",
        "rpc.response.status_code": "-32602",
    }
    span = exported("tools/call purchase_number", {**attributes, "jsonrpc.request.id": MARK, "more": MARK})
    assert span.name == "tools/call purchase_number"
    assert dict(span.attributes or {}) == attributes
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.kind is SpanKind.SERVER
    assert span.parent
    assert (span.parent.trace_id, span.parent.span_id) == (1, 2)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        (f"tools/call {MARK}", "tools/call other"),
        (f"{MARK} {MARK}", "other other"),
        (f"MCP send elicitation/create {MARK} {MARK}", "MCP send elicitation/create"),
        (f"tools/call call {MARK} now", "tools/call other other"),
        ("", "other"),
    ],
)
def test_a_name_has_only_known_words(name: str, clean: str) -> None:
    assert exported(name, {}).name == clean


@pytest.mark.parametrize(
    "name",
    ["mcp.method.name", "mcp.protocol.version", "gen_ai.tool.name", "gen_ai.prompt.name", "error.type"],
)
def test_what_is_not_known_is_other(name: str) -> None:
    assert dict(exported("tools/call", {name: MARK}).attributes or {}) == {name: "other"}


@pytest.mark.parametrize("value", [14155550123, "14155550123", "call me", MARK, ""])
def test_a_code_is_none_that_could_say_something(value: Any) -> None:
    span = exported("tools/call", {"rpc.response.status_code": value, "gen_ai.operation.name": MARK})
    assert dict(span.attributes or {}) == {"rpc.response.status_code": "other"}
