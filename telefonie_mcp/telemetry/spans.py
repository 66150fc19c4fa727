"""Spans as they leave this process: only what cannot be a phone number, an argument, free text or a token.

The SDK's spans have what a client chose: the names of tools that do not exist, the ids of its requests, its
trace state, and the texts of errors, which quote arguments. An exporter gets copies without all that.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext
from opentelemetry.trace.status import Status

from telefonie_mcp.telemetry.metrics import OTHER

__all__ = ["CleanSpans"]

_KNOWN: Final = frozenset(
    {"mcp.method.name", "mcp.protocol.version", "gen_ai.tool.name", "gen_ai.prompt.name"}
)
"""Attributes whose value must be one that this server knows."""

_CODES: Final = frozenset({"error.type", "rpc.response.status_code"})
"""Attributes whose value is a code, or the name of a class."""

_CODE: Final = re.compile(r"-?\d{1,5}|[A-Za-z_][A-Za-z_.]{0,63}")
_FIXED: Final = {"gen_ai.operation.name": "execute_tool"}
_WORDS: Final = frozenset({"MCP", "send"})
"""Words of span names that are no method and no tool."""


class CleanSpans(SpanExporter):
    """Exports cleaned copies of spans through another exporter.

    Args:
        exporter: The other one.
        known: The methods, protocol versions, tools and prompts of this server.

    """

    def __init__(self, exporter: SpanExporter, known: Collection[str]) -> None:
        self._exporter = exporter
        self._known = known

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export copies."""
        return self._exporter.export([self._clean(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what the other exporter still holds."""
        return self._exporter.force_flush(timeout_millis)

    def _clean(self, span: ReadableSpan) -> ReadableSpan:
        words = (
            word if word in self._known or word in _WORDS else OTHER for word in span.name.split(" ")[:3]
        )
        attributes = {
            name: value
            for name, given in (span.attributes or {}).items()
            if (value := self._value(name, given)) is not None
        }
        return ReadableSpan(
            " ".join(words),
            context=_without_state(span.get_span_context()),
            parent=_without_state(span.parent),
            resource=span.resource,
            attributes=attributes,
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _value(self, name: str, given: Any) -> str | None:
        """Return what an attribute may say; ``None``: it may say nothing."""
        value = str(given)
        if name in _KNOWN:
            return value if value in self._known else OTHER
        if name in _CODES:
            return value if _CODE.fullmatch(value) else OTHER
        return value if _FIXED.get(name) == value else None


def _without_state(context: SpanContext | None) -> SpanContext | None:
    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
