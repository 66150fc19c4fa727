"""What the numbers must be, as ratios of one run; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.contestants import FASTMCP, JSON, OURS

__all__ = [
    "AT_FIRST",
    "AT_THE_END",
    "BUDGET",
    "FEWEST",
    "MOST",
    "ONE_TENANT",
    "PLAIN",
    "PREVIEWED",
    "REPLICA",
    "REPLICAS",
    "SIGNED_IN",
    "TARGETS",
    "TENANTS",
    "TRANSPORTS",
    "Target",
    "misses",
    "unmeasured",
]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on the ratio of a contestant to its floor, or on its value.

    Attributes:
        at_least: The bound is from below.
        value: It is about the value, not the ratio.

    """

    measure: str
    contestant: str
    bound: float
    at_least: bool = False
    value: bool = False

    def met(self, number: float) -> bool:
        """Whether ``number`` keeps the bound."""
        return number >= self.bound if self.at_least else number <= self.bound

    def number(self, results: Mapping[str, Any]) -> float | None:
        """Return what was measured; ``None`` if it was not."""
        contestants = results.get(self.measure, {}).get("contestants", {})
        outcome = contestants.get(self.contestant)
        return outcome and outcome["value" if self.value else "ratio"]

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:,g}{'' if self.value else 'x'}"


TRANSPORTS: Final = ("stdio", "http")
AT_FIRST: Final = "at first"
AT_THE_END: Final = "at the end"
"""When a soak looks at the server."""

PREVIEWED: Final = "a purchase through its preview"
"""A preview, and the call that it hands out."""

SIGNED_IN: Final = f"{OURS}, signed in"
"""A hosted server, whose every request has a token."""

REPLICA: Final = "one replica, no proxy"
REPLICAS: Final = f"{OURS}, two replicas behind HAProxy"
PLAIN: Final = "a server without sign-in"

BUDGET: Final = "the budget of each"
MOST: Final = f"{OURS}, the most of one tenant"
FEWEST: Final = f"{OURS}, the fewest of one tenant"
"""Whose purchases are compared with the budget that each tenant has, and tries to exceed."""

ONE_TENANT: Final = "one tenant"
TENANTS: Final = {
    ONE_TENANT: 1,
    f"{OURS}, 1,000 tenants": 1000,
    f"{OURS}, 10,000 tenants": 10_000,
}
"""Servers whose memory is compared, and how many tenants each has."""

TARGETS: Final = (
    *(Target(f"cold-list-{era}", OURS, 1.05) for era in ("legacy", "modern")),
    *(Target(f"cold-call-{era}", OURS, 1.05) for era in ("legacy", "modern")),
    *(Target(f"read-stdio-{era}", OURS, 1.05) for era in ("legacy", "modern")),
    *(Target(f"read-http-{era}", OURS, 1.03) for era in ("legacy", "modern")),
    *(Target(f"throughput-http-{era}", OURS, 0.98, at_least=True) for era in ("legacy", "modern")),
    *(Target(f"throughput-http-{era}", JSON, 1.30, at_least=True) for era in ("legacy", "modern")),
    Target("purchase", "purchase", 2.0),
    Target("requests", PREVIEWED, 3, value=True),
    *(Target(f"signed-in-{era}", SIGNED_IN, 1.10) for era in ("legacy", "modern")),
    Target("hosted-read", REPLICAS, 1.15),
    Target("hosted-purchase", REPLICAS, 1.15),
    Target("hosted-budget", MOST, 1.0),
    Target("hosted-budget", FEWEST, 1.0, at_least=True),
    Target("hosted-start", SIGNED_IN, 1.5),
    *(Target("tenants", name, bound) for name, bound in zip([*TENANTS][1:], (1.5, 2.0), strict=True)),
    Target("subscriptions-open", AT_THE_END, 1.0),
    Target("subscriptions-tasks", AT_THE_END, 1.0),
    Target("subscriptions-memory", AT_THE_END, 1.05),
    Target("memory", OURS, 1.06),
    Target("memory", f"{OURS}, sandbox used", 1.25),
    Target("cold-uncached", OURS, 1.05),
    *(Target(f"soak-latency-{each}", AT_THE_END, 1.2) for each in TRANSPORTS),
    *(Target(f"soak-memory-{each}", AT_THE_END, 1.05) for each in TRANSPORTS),
    *(Target(f"soak-open-{each}", AT_THE_END, 1.0) for each in TRANSPORTS),
    *(Target(f"soak-threads-{each}", AT_THE_END, 1.0) for each in TRANSPORTS),
    *(Target(f"soak-tasks-{each}", AT_THE_END, 1.0) for each in TRANSPORTS),
    Target("sessions-left", AT_THE_END, 1.0),
    Target("tokens", OURS, 2000, value=True),
    Target("sandbox-search", "100,000 numbers", 1.5),
    Target("sandbox-list", "100,000 numbers", 1.5),
    Target("sandbox-get", "100,000 numbers", 1.5),
    Target("account-time", "100,000 numbers", 1.5),
    Target("account-memory", "100,000 numbers", 1.5),
)

_HIGHER_IS_BETTER: Final = "throughput-http-"
_NOT_ALIKE: Final = "tokens"  # FastMCP lists the six without annotations and without confirm


def unmeasured(results: Mapping[str, Any]) -> list[str]:
    """Return the measures that have a target and are not among ``results``."""
    return [target.measure for target in TARGETS if target.number(results) is None]


def misses(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for every target that was measured and is missed, and wherever FastMCP is ahead."""
    for target in TARGETS:
        number = target.number(results)
        if number is not None and not target.met(number):
            yield f"{target.measure}: {target.contestant} is at {number:,g}, the target is {target}"
    compared = {target.measure for target in TARGETS} - {_NOT_ALIKE}
    for name, result in results.items():
        ours, theirs = (result["contestants"].get(who) for who in (OURS, FASTMCP))
        if ours and theirs and name in compared:
            ahead = ours["value"] - theirs["value"]
            if (ahead < 0) if name.startswith(_HIGHER_IS_BETTER) else (ahead > 0):
                yield f"{name}: FastMCP is ahead, {theirs['value']:,g} against {ours['value']:,g}"
