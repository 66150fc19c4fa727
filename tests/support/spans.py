"""What spans are told in this process, which is all that can leave through OpenTelemetry; without its SDK."""

import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, Span, Tracer, TracerProvider


@cache
def recorded() -> list[str]:
    """Return a list that grows from now on; a process can have one tracer provider."""
    told: list[str] = []
    trace.set_tracer_provider(_Provider(told))
    return told


class _Span(NonRecordingSpan):
    def __init__(self, told: list[str]) -> None:
        super().__init__(INVALID_SPAN_CONTEXT)
        self._told = told

    def is_recording(self) -> bool:
        return True

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._told.append(repr(attributes))

    def set_attribute(self, key: str, value: Any) -> None:
        self._told.append(f"{key} {value!r}")

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:  # noqa: ARG002
        self._told.append(f"{name} {attributes!r}")

    def set_status(self, status: Any, description: str | None = None) -> None:
        self._told.append(f"{status} {description}")

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,  # noqa: ARG002
        escaped: bool = False,  # noqa: ARG002
    ) -> None:
        self._told += [*traceback.format_exception(exception), repr(attributes)]


class _Tracer(Tracer):
    def __init__(self, told: list[str]) -> None:
        self._told = told

    def start_span(self, name: str, *_: Any, attributes: Any = None, **__: Any) -> Span:
        self._told.append(f"{name} {attributes!r}")
        return _Span(self._told)

    @contextmanager
    def start_as_current_span(  # pyright: ignore[reportIncompatibleMethodOverride] - no decorator is needed
        self, name: str, *_: Any, attributes: Any = None, **__: Any
    ) -> Generator[Span]:
        yield self.start_span(name, attributes=attributes)


class _Provider(TracerProvider):
    def __init__(self, told: list[str]) -> None:
        self._tracer = _Tracer(told)

    def get_tracer(self, *_: Any, **__: Any) -> Tracer:
        return self._tracer
