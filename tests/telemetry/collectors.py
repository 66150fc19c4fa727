"""OpenTelemetry collectors on real sockets, over HTTP and over gRPC, that keep what is exported to them."""

import gzip
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as of_metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as serving_metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as of_traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as serving_traces
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.serving import serving

Protocol = Literal["http/protobuf", "grpc"]


@dataclass
class Collector:
    """Keeps what is exported to it."""

    variables: dict[str, str] = field(default_factory=dict[str, str])
    traces: list[Any] = field(default_factory=list[Any])
    metrics: list[Any] = field(default_factory=list[Any])

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if request.url.path.endswith("traces"):
            self.traces.append(of_traces.ExportTraceServiceRequest.FromString(body))
        else:
            self.metrics.append(of_metrics.ExportMetricsServiceRequest.FromString(body))
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


class _Traces(serving_traces.TraceServiceServicer):
    def __init__(self, kept: list[Any]) -> None:
        self._kept = kept

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - so the stub calls it
        self._kept.append(request)
        return of_traces.ExportTraceServiceResponse()


class _Metrics(serving_metrics.MetricsServiceServicer):
    def __init__(self, kept: list[Any]) -> None:
        self._kept = kept

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._kept.append(request)
        return of_metrics.ExportMetricsServiceResponse()


@asynccontextmanager
async def collecting(protocol: Protocol = "http/protobuf") -> AsyncGenerator[Collector]:
    """Run a collector; its `variables` let a server export to it."""
    collector = Collector({"OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    if protocol == "grpc":
        server = grpc.aio.server()
        serving_traces.add_TraceServiceServicer_to_server(  # pyright: ignore[reportUnknownMemberType]
            _Traces(collector.traces), server
        )
        serving_metrics.add_MetricsServiceServicer_to_server(  # pyright: ignore[reportUnknownMemberType]
            _Metrics(collector.metrics), server
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        collector.variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
        try:
            yield collector
        finally:
            await server.stop(None)
        return
    routes = [Route(f"/v1/{signal}", collector.take, methods=["POST"]) for signal in ("traces", "metrics")]
    async with serving(Starlette(routes=routes)) as origin:
        collector.variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = origin
        yield collector
