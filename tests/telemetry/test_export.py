"""What leaves a real server through OTLP, Prometheus and its log: nothing of the content of calls."""

import gzip
import json
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from mcp import Client, MCPError
from mcp_types import CLIENT_INFO_META_KEY
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.faulty import NUMBER, faulty, replying
from tests.support.served import KEY, live_variables
from tests.support.serving import serving
from tests.support.wire import MODERN, SECONDS, environment, request, running

pytestmark = pytest.mark.whole
FREE_TEXT = "distinctive words 0451"
OTHER = "+14155550177"
MARKED = (FREE_TEXT, "distinctive", "0451", NUMBER[1:], OTHER[1:], KEY, "4155550100", "4155550177")


@dataclass
class Collector:
    """Keeps what is exported to it."""

    url: str = ""
    traces: list[Any] = field(default_factory=list[Any])
    metrics: list[Any] = field(default_factory=list[Any])

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        traces = request.url.path.endswith("traces")
        message = ExportTraceServiceRequest() if traces else ExportMetricsServiceRequest()
        message.ParseFromString(body)
        (self.traces if traces else self.metrics).append(message)
        return Response(b"", media_type="application/x-protobuf")

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for message in self.traces
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    collector = Collector()
    routes = [Route(f"/v1/{signal}", collector.take, methods=["POST"]) for signal in ("traces", "metrics")]
    async with serving(Starlette(routes=routes)) as origin:
        collector.url = origin
        yield collector


async def marked_messages(url: str) -> None:
    """Send what has marks wherever a client can put them."""
    sent: list[tuple[str, dict[str, Any]]] = [
        ("tools/call", {"name": FREE_TEXT, "arguments": {}}),
        (
            "tools/call",
            {"name": "purchase_number", "arguments": {"phone_number": OTHER, FREE_TEXT: FREE_TEXT}},
        ),
        ("prompts/get", {"name": FREE_TEXT}),
        ("resources/read", {"uri": f"telefonie://numbers/{OTHER}"}),
        (FREE_TEXT, {}),
    ]
    async with httpx.AsyncClient() as client:
        for number, (method, params) in enumerate(sent):
            meta = {
                "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
                "tracestate": f"vendor={OTHER[1:]}",
                "baggage": f"who={OTHER[1:]}",
            }
            message = request(number, method, modern=True, meta=meta, **params)
            message["id"] = OTHER
            message["params"]["_meta"][CLIENT_INFO_META_KEY] = {"name": FREE_TEXT, "version": OTHER}
            headers = {
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": MODERN,
                "Mcp-Method": method,
                "Mcp-Name": params.get("name", params.get("uri", "")),
            }
            await client.post(url, json=message, headers=headers)


async def test_everything_that_leaves_is_free_of_content(tmp_path: Path) -> None:
    async with faulty() as provider, collecting() as collector:
        provider.faults["DELETE"] = [replying(422, json.dumps({"detail": f"{FREE_TEXT} {OTHER}"}).encode())]
        variables = {
            **live_variables(provider, tmp_path),
            "TELEFONIE_METRICS": "127.0.0.1:0",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "TELEFONIE_LOG_LEVEL": "debug",
        }
        async with running("--http", "127.0.0.1:0", home=tmp_path, variables=variables) as server:
            url = await server.address()
            async with Client(url) as client:
                bought = {"phone_number": NUMBER, "confirm": True}
                await client.call_tool("purchase_number", bought)
                await client.call_tool("purchase_number", bought)
                await client.call_tool(
                    "update_owned_number", {"phone_number": NUMBER, "friendly_name": FREE_TEXT}
                )
                await client.call_tool("release_number", bought)
                with pytest.raises(MCPError):
                    await client.read_resource(f"telefonie://{FREE_TEXT}")
            await marked_messages(url)
            where = re.search(r"serving metrics on (http://\S+)", server.log)
            assert where
            async with httpx.AsyncClient() as client:
                prometheus = (await client.get(where[1])).text
            server.process.terminate()
            assert await server.end() == 0
            log = server.log
    exported = f"{collector.traces} {collector.metrics}"
    for text in (exported, prometheus, log):
        assert not [mark for mark in MARKED if mark in text]
    names = {span.name for span in collector.spans}
    assert {
        "tools/call purchase_number",
        "tools/call other other",
        "prompts/get other other",
        "other other other",
    } <= names
    for name in (
        "mcp_server_operation_duration_seconds_count{",
        "telefonie_upstream_duration_seconds_count{",
        "telefonie_ledger_wait_seconds_count",
        "telefonie_purchases_total{",
        "telefonie_refusals_total{",
    ):
        assert name in prometheus
    assert "mcp.server.operation.duration" in exported
    assert 'gen_ai_tool_name="other"' in prometheus


NOT_INSTALLED = """
import sys
sys.modules["opentelemetry.sdk.trace"] = None
from telefonie_mcp.__main__ import main
sys.argv = ["telefonie-mcp"]
main()
"""


@pytest.mark.parametrize(
    ("variable", "value", "status", "said"),
    [
        (
            "TELEFONIE_METRICS",
            "127.0.0.1:0",
            2,
            "TELEFONIE_METRICS needs the extra telemetry; install it with pip",
        ),
        ("OTEL_TRACES_EXPORTER", "otlp", 0, "ask for spans or metrics, which need the extra telemetry"),
        ("OTEL_TRACES_EXPORTER", "none", 0, ""),
    ],
)
async def test_without_the_extra_a_start_says_what_to_install(
    variable: str, value: str, status: int, said: str, tmp_path: Path
) -> None:
    variables = environment(tmp_path, TELEFONIE_SANDBOX_DB=":memory:", **{variable: value})
    with anyio.fail_after(SECONDS):
        run = await anyio.run_process(
            [sys.executable, "-c", NOT_INSTALLED], input=b"", env=variables, stderr=PIPE, check=False
        )
    assert run.returncode == status
    assert said in run.stderr.decode()
    assert "Traceback" not in run.stderr.decode()
