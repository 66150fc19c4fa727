"""Starts what operators ask for: spans and metrics by the ``OTEL_…`` variables, and metrics for Prometheus.

Without such a request nothing of this is imported. The variables are those of the OpenTelemetry specification
("Environment Variable Specification"); its SDK reads most of them itself.
"""

import logging
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from telefonie_mcp.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader

    from telefonie_mcp.telemetry.metrics import Metrics

__all__ = ["asked_for", "collecting"]

_SHUTDOWN_SECONDS: Final = 3.0
"""How long the end of the process waits for what was not exported yet."""

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_{}_ENDPOINT")
_INSTALL: Final = "install it with pip install 'telefonie-mcp[telemetry]'"
_EXTRA: Final = (
    "opentelemetry.sdk.trace",
    "opentelemetry.exporter.prometheus",
    "opentelemetry.exporter.otlp",
)
_GRPC: Final = "opentelemetry-exporter-otlp-proto-grpc"

_log: Final = logging.getLogger(__name__)


def asked_for(environment: Mapping[str, str], *, prometheus: bool) -> bool:
    """Return whether the operator asks for anything."""
    if prometheus:
        return True
    return any(_exporter(environment, signal) != "none" for signal in ("TRACES", "METRICS"))


@contextmanager
def collecting(
    environment: Mapping[str, str], prometheus: tuple[str, int] | None, version: str
) -> Generator["Metrics | None"]:
    """Collect spans and metrics while the block runs.

    Args:
        environment: The variables of this process.
        prometheus: Host and port on which Prometheus finds the metrics.
        version: The version of this server.

    Raises:
        SettingsError: the extra is not installed although ``TELEFONIE_METRICS`` needs it, or nothing can
            listen there.

    """
    try:
        for name in _EXTRA:
            import_module(name)
    except ImportError as error:
        if prometheus:
            raise SettingsError(f"TELEFONIE_METRICS needs the extra telemetry; {_INSTALL}") from error
        _log.warning(
            "OTEL_… variables ask for spans or metrics, which need the extra telemetry; %s", _INSTALL
        )
        yield None
        return
    from opentelemetry import metrics, trace  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter  # noqa: PLC0415

    from telefonie_mcp.telemetry.metrics import Metrics  # noqa: PLC0415
    from telefonie_mcp.telemetry.spans import CleanSpans  # noqa: PLC0415

    resource = Resource.create(_own_attributes(environment, version))
    readers: list[MetricReader] = []
    close: Callable[[], None] | None = None
    if prometheus:
        reader, close = _prometheus(*prometheus)
        readers.append(reader)
    if reader := _metric_reader(environment):
        readers.append(reader)
    meters = MeterProvider(readers, resource, shutdown_on_exit=False)
    metrics.set_meter_provider(meters)
    names = set[str]()
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter: SpanExporter | None = _span_exporter(environment)
    if exporter:
        tracers.add_span_processor(BatchSpanProcessor(CleanSpans(exporter, names)))
        trace.set_tracer_provider(tracers)
    try:
        yield Metrics.on(meters.get_meter("telefonie-mcp", version), names)
    finally:
        if close:
            close()
        _shut_down(tracers.shutdown, meters.shutdown)


def _own_attributes(environment: Mapping[str, str], version: str) -> dict[str, str]:
    """Return what the process says of itself, unless its variables do."""
    named = environment.get("OTEL_SERVICE_NAME"), environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    name = {} if named[0] is not None or "service.name" in named[1] else {"service.name": "telefonie-mcp"}
    return {"service.version": version, **name}


def _exporter(environment: Mapping[str, str], signal: str) -> str:
    """Return the exporter that the variables choose for ``signal``; without a choice, none."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "none"
    if chosen := environment.get(f"OTEL_{signal}_EXPORTER", "").strip().lower():
        return chosen
    return "otlp" if any(environment.get(each.format(signal)) for each in _ENDPOINTS) else "none"


def _otlp(environment: Mapping[str, str], signal: str) -> Any:
    """Return the module of the exporter for the protocol that is chosen."""
    chosen = environment.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or environment.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    folder = {"TRACES": "trace_exporter", "METRICS": "metric_exporter"}[signal]
    if chosen == "grpc":
        try:
            return import_module(f"opentelemetry.exporter.otlp.proto.grpc.{folder}")
        except ImportError as error:
            raise SettingsError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL=grpc needs {_GRPC}; install it, or choose http/protobuf"
            ) from error
    return import_module(f"opentelemetry.exporter.otlp.proto.http.{folder}")


def _span_exporter(environment: Mapping[str, str]) -> Any:
    match _exporter(environment, "TRACES"):
        case "none":
            return None
        case "otlp":
            return _otlp(environment, "TRACES").OTLPSpanExporter()
        case "console":
            from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

            return ConsoleSpanExporter(out=sys.stderr)  # stdout carries the protocol over stdio
        case other:
            raise SettingsError(f"OTEL_TRACES_EXPORTER: {other!r} is none of otlp, console, none")


def _metric_reader(environment: Mapping[str, str]) -> Any:
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415
        ConsoleMetricExporter,
        PeriodicExportingMetricReader,
    )

    match _exporter(environment, "METRICS"):
        case "none":
            return None
        case "otlp":
            return PeriodicExportingMetricReader(_otlp(environment, "METRICS").OTLPMetricExporter())
        case "console":
            return PeriodicExportingMetricReader(ConsoleMetricExporter(out=sys.stderr))
        case other:
            raise SettingsError(
                f"OTEL_METRICS_EXPORTER: {other!r} is none of otlp, console, none; Prometheus finds metrics "
                "at TELEFONIE_METRICS"
            )


def _prometheus(host: str, port: int) -> "tuple[MetricReader, Callable[[], None]]":
    """Serve the metrics of this process in a thread of its own."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415

    registry = CollectorRegistry()
    reader = PrometheusMetricReader(registry=registry)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
        raise SettingsError(f"TELEFONIE_METRICS: cannot listen on {host}:{port} ({reason})") from error
    _log.warning("serving metrics on http://%s:%d/metrics", host, server.server_port)

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join(_SHUTDOWN_SECONDS)

    return reader, close


def _shut_down(*providers: Callable[[], None]) -> None:
    """Export what is left, but wait for no collector that does not answer."""

    def run() -> None:
        for shut_down in providers:
            shut_down()

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(_SHUTDOWN_SECONDS)
