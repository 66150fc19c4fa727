"""What replicas and tenants cost: reads, purchases, starts, and memory for many tenants."""

import json
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from anyio.from_thread import start_blocking_portal

from tests.bench.contestants import Contestant
from tests.bench.load import answers, calls_per_second
from tests.bench.replicas import Database, Hosted, ready, replicas, settled
from tests.bench.rounds import Measure, Sample
from tests.bench.sessions import free_port, message_of, started
from tests.bench.targets import (
    BUDGET,
    FEWEST,
    MOST,
    ONE_TENANT,
    PLAIN,
    REPLICA,
    REPLICAS,
    SIGNED_IN,
    TENANTS,
)
from tests.support.issuer import issuing
from tests.support.tenants import write_tenants

__all__ = ["measures", "tenant_measures"]

_CLIENTS: Final = 8
_TENANTS: Final = 8
_MORE: Final = 3
"""Purchases that each tenant tries beyond its budget."""

_ROUNDS: Final = 3
_SECONDS: Final = 3600
_READ: Final[dict[str, Any]] = {"name": "search_available_numbers", "arguments": {"country_code": "US"}}


def measures(ours: Contestant, database: Database, *, calls: int) -> list[Measure]:
    """Return what can be measured of hosted servers on a PostgreSQL."""
    opened = {REPLICA: 1, REPLICAS: 2}
    shop = _Shop(calls)
    return [
        Measure(
            "hosted-read",
            "processor time of a read call, HTTP, hosted",
            "ms",
            REPLICA,
            {name: partial(_reads, ours, database, number, 10 * calls) for name, number in opened.items()},
        ),
        Measure(
            "hosted-purchase",
            f"processor time of a purchase, {_TENANTS} tenants at once, PostgreSQL",
            "ms",
            REPLICA,
            {name: partial(shop.opened, ours, database, number) for name, number in opened.items()},
            most_rounds=_ROUNDS,
        ),
        Measure(
            "hosted-budget",
            f"purchases that each of {_TENANTS} tenants got through two replicas",
            "purchases",
            BUDGET,
            {
                BUDGET: partial(nullcontext, lambda: shop.budget),
                MOST: partial(nullcontext, lambda: max(shop.bought(ours, database))),
                FEWEST: partial(nullcontext, lambda: min(shop.bought(ours, database))),
            },
            most_rounds=1,
        ),
        Measure(
            "hosted-start",
            "process start → /readyz answers 200, HTTP",
            "ms",
            PLAIN,
            {
                PLAIN: partial(nullcontext, partial(_start, ours)),
                SIGNED_IN: partial(_hosted_start, ours, database),
            },
        ),
    ]


@contextmanager
def _reads(ours: Contestant, database: Database, number: int, calls: int) -> Generator[Sample]:
    with replicas(ours, database.url, number) as hosted:

        def sample() -> float:
            people = [hosted.session(sub=f"person-{each}") for each in range(_CLIENTS)]
            messages = [each.prepared("tools/call", **_READ) for each in people]
            before = hosted.processor_seconds()
            calls_per_second(hosted.port, messages, calls // _CLIENTS)
            return (hosted.processor_seconds() - before) * 1000 / (calls // _CLIENTS * _CLIENTS)

        yield sample


class _Shop:
    """Purchases of tenants, each of whom tries to buy more than its budget."""

    def __init__(self, budget: int) -> None:
        self.budget: Final = budget
        self._bought: list[int] = []

    @contextmanager
    def opened(self, ours: Contestant, database: Database, number: int) -> Generator[Sample]:
        """Run servers; a sample is the processor time of a purchase, with new tenants each time."""
        names = [f"t{each}" for each in range(_TENANTS * (_ROUNDS + 1))]
        with TemporaryDirectory() as home:
            tenants = write_tenants(
                Path(home), {name: {"max_purchases_per_day": self.budget} for name in names}
            )
            variables = {
                "TELEFONIE_API_KEY": "",
                "TELEFONIE_TENANTS": str(tenants),
                "TELEFONIE_TENANT_CLAIM": "org_id",
            }
            with replicas(ours, database.url, number, variables) as hosted:
                waiting = iter(names)

                def sample() -> float:
                    fresh = [next(waiting) for _ in range(_TENANTS)]
                    before = hosted.processor_seconds()
                    self._buy(hosted, fresh)
                    seconds = hosted.processor_seconds() - before
                    return seconds * 1000 / (_TENANTS * (self.budget + _MORE))

                yield sample

    def _buy(self, hosted: Hosted, tenants: list[str]) -> None:
        numbers = (f"+1415{number:07}" for number in count(2_000_000))

        def purchases(tenant: str) -> Iterator[bytes]:
            session = hosted.session(org_id=f"org-{tenant}")
            for _ in range(self.budget + _MORE):
                arguments = {"phone_number": next(numbers), "confirm": True}
                yield session.prepared("tools/call", name="purchase_number", arguments=arguments)

        found = answers(hosted.port, [purchases(tenant) for tenant in tenants])
        self._bought = [sum(not message_of(each)["result"]["isError"] for each in of_one) for of_one in found]

    def bought(self, ours: Contestant, database: Database) -> list[int]:
        """Return what each tenant got through two replicas."""
        if not self._bought:
            with self.opened(ours, database, 2) as sample:
                sample()
        return self._bought


def _start(server: Contestant) -> float:
    port = free_port()
    began = time.perf_counter()
    with started(server.on(port), server.variables) as process:
        ready(port, process)
        return (time.perf_counter() - began) * 1000


@contextmanager
def _hosted_start(ours: Contestant, database: Database) -> Generator[Sample]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(issuing()) as issuer:
        yield partial(_start, settled(ours, database.url, free_port(), issuer))


def tenant_measures() -> list[Measure]:
    """Return what can be measured of the memory of a server with many tenants."""
    return [
        Measure(
            "tenants",
            "memory of a server after a call of each tenant, HTTP",
            "MB",
            ONE_TENANT,
            {name: partial(nullcontext, partial(_memory, number)) for name, number in TENANTS.items()},
            most_rounds=1,
        )
    ]


@cache
def _memory(number: int) -> float:
    """Return the megabytes of a server after a call of each of so many tenants."""
    command = [sys.executable, "-m", "tests.bench.tenants", str(number)]
    run = subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
    return json.loads(run.stdout)["bytes"] / 1024**2
