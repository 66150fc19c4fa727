"""Metrics of this server (OpenTelemetry), whose attributes take a small set of values.

No phone number, argument or other text of a caller is among them: a tool or method that this server does not
have is ``other``, and a tenant is named only where an operator lists the tenants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

from opentelemetry.metrics import Counter, Histogram, Meter

from telefonie_mcp.telemetry.measures import Measure

__all__ = ["OTHER", "Metrics"]

OTHER: Final = "other"
"""What stands for every value that is not one of the known ones."""

_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Bounds of a histogram's buckets (semantic conventions for MCP, ``mcp.server.operation.duration``)."""

_MAX_TENANTS: Final = 1000
"""Tenants that are told apart; more would be as many series of everything."""

_WRITES: Final = {"acquire": "purchases", "dispose": "releases"}


class _Instruments:
    """The instruments of a meter; each exists once."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def _histogram(self, name: str, description: str) -> Histogram:
        return self._meter.create_histogram(
            name, "s", description, explicit_bucket_boundaries_advisory=_SECONDS
        )

    @cached_property
    def operations(self) -> Histogram:
        return self._histogram("mcp.server.operation.duration", "Time that a message of a client took.")

    @cached_property
    def upstream(self) -> Histogram:
        return self._histogram("telefonie.upstream.duration", "Time that a request to the API took.")

    @cached_property
    def ledger(self) -> Histogram:
        return self._histogram("telefonie.ledger.wait", "Time that a call waited for the ledger.")

    @cached_property
    def approvals(self) -> Counter:
        return self._meter.create_counter(
            "telefonie.approvals", "{approval}", "Questions to people, by outcome."
        )

    @cached_property
    def refusals(self) -> Counter:
        return self._meter.create_counter(
            "telefonie.refusals", "{call}", "Calls that were refused or failed."
        )

    @cached_property
    def writes(self) -> dict[str, Counter]:
        return {
            effect: self._meter.create_counter(
                f"telefonie.{name}", "{number}", f"Attempted {name}, by outcome."
            )
            for effect, name in _WRITES.items()
        }


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics, of one tenant or of all.

    Attributes:
        instruments: Where they are recorded.
        names: The tools and prompts of this process, which spans may name.
        tenant: The tenant, if it is one of a list.

    """

    instruments: _Instruments
    names: set[str]
    tenant: str = ""

    @classmethod
    def on(cls, meter: Meter, names: set[str]) -> Self:
        """Return metrics on the instruments of ``meter``."""
        return cls(_Instruments(meter), names)

    def of(self, tenant: str, *, among: int = 1) -> Self:
        """Return the metrics of one tenant, which is named if it is ``among`` few that the operator lists."""
        return replace(self, tenant=tenant) if among <= _MAX_TENANTS else self

    def operation(self, seconds: float, **attributes: str) -> None:
        """Record how long a message took."""
        self.instruments.operations.record(seconds, self._attributes(attributes))

    def refused(self, code: str, tool: str) -> None:
        """Count a call that was refused or failed."""
        self.instruments.refusals.add(1, self._attributes({"error.code": code, "gen_ai.tool.name": tool}))

    def written(self, effect: str, outcome: str) -> None:
        """Count a purchase or a release."""
        if counter := self.instruments.writes.get(effect):
            counter.add(1, self._attributes({"outcome": outcome}))

    def observe(self, what: Measure, seconds: float, attributes: Mapping[str, str]) -> None:
        """Record what was measured deep in a call."""
        match what:
            case "upstream":
                self.instruments.upstream.record(seconds, self._attributes(attributes))
            case "ledger":
                self.instruments.ledger.record(seconds, self._attributes(attributes))
            case "approval":
                self.instruments.approvals.add(1, self._attributes(attributes))

    def _attributes(self, attributes: Mapping[str, str]) -> dict[str, Any]:
        return {**attributes, **({"telefonie.tenant": self.tenant} if self.tenant else {})}
