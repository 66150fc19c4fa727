"""What grows with an account: the sandbox with 100 and with 100,000 numbers, and reading a whole account."""

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx2 as httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.sandbox.service import Service
from telefonie_mcp.sandbox.store import Order, Store
from tests.bench.contestants import KEY, Contestant
from tests.bench.rounds import Measure, Sample
from tests.bench.sessions import Stdio, peak_megabytes, processor_seconds, started

__all__ = ["account_measures", "measures"]

FEW: Final = 100
MANY: Final = 100_000

_FIRST: Final = 2_000_000
_SEARCH: Final = "/available?country_code=US&area_code=415"
_GET: Final = f"/owned/%2B1415{_FIRST + 50}"


def measures(*, calls: int, many: int = MANY) -> list[Measure]:
    """Return what can be measured of the sandbox."""

    def of(name: str, what: str, targets: dict[int, Callable[[int], str]]) -> Measure:
        return Measure(
            f"sandbox-{name}",
            f"sandbox: {what}",
            "ms",
            f"{FEW:,} numbers",
            {
                f"{owned:,} numbers": partial(_sandbox, owned, target, calls=calls)
                for owned, target in targets.items()
            },
        )

    return [
        of("search", "a search", dict.fromkeys((FEW, many), lambda _: _SEARCH)),
        of("list", "a page of a walk through the account", {FEW: _page(FEW), many: _page(many)}),
        of("get", "one number", dict.fromkeys((FEW, many), lambda _: _GET)),
    ]


def account_measures(ours: Contestant, *, few: int = 10_000, many: int = MANY) -> list[Measure]:
    """Return what can be measured of ``telefonie://numbers``, the whole account in one answer."""

    def of(name: str, title: str, unit: str, sample: Callable[[Stdio], float]) -> Measure:
        return Measure(
            name,
            f"telefonie://numbers: {title}",
            unit,
            f"{few:,} numbers",
            {f"{owned:,} numbers": partial(_account, ours, owned, sample) for owned in (few, many)},
            most_rounds=1,
        )

    return [
        of("account-time", "processor time for 1,000 numbers", "ms", _time_of_account),
        of("account-memory", "memory for a byte of the answer", "bytes", _memory_of_account),
    ]


@contextmanager
def _account(ours: Contestant, owned: int, sample: Callable[[Stdio], float]) -> Generator[Sample]:
    with TemporaryDirectory() as directory:
        database = Path(directory) / "sandbox.sqlite3"
        _fill(database, owned, embedded=True)
        variables = {"TELEFONIE_SANDBOX_DB": str(database), "TELEFONIE_TIMEOUT": "600"}

        def fresh() -> float:
            with started(ours.command, variables) as process:
                session = Stdio(process, "modern")
                session.open()
                session.ask("tools/call", name="list_owned_numbers", arguments={"page_size": 100})
                return sample(session)

        yield fresh


def _time_of_account(session: Stdio) -> float:
    before = processor_seconds(session.process.pid)
    owned = len(_numbers(session)["numbers"])
    return (processor_seconds(session.process.pid) - before) * 1e6 / owned


def _memory_of_account(session: Stdio) -> float:
    before = peak_megabytes(session.process.pid)
    text = json.dumps(_numbers(session))
    return (peak_megabytes(session.process.pid) - before) * 1024**2 / len(text)


def _numbers(session: Stdio) -> dict[str, Any]:
    (part,) = session.ask("resources/read", uri="telefonie://numbers")["contents"]
    return json.loads(part["text"])


def _page(owned: int) -> Callable[[int], str]:
    return lambda number: f"/owned?page_size=100&page={number % (owned // 100) + 1}"


@contextmanager
def _sandbox(owned: int, target: Callable[[int], str], *, calls: int) -> Generator[Sample]:
    with TemporaryDirectory() as directory, start_blocking_portal() as portal:
        database = Path(directory) / "sandbox.sqlite3"
        _fill(database, owned, embedded=False)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_sandbox(database)),
            base_url="http://sandbox.invalid/v1/numbers",
            headers={"X-API-Key": KEY},
        )
        yield partial(_median, portal, client, map(target, count()), calls)
        portal.call(client.aclose)


def _median(portal: BlockingPortal, client: httpx.AsyncClient, targets: Iterator[str], calls: int) -> float:
    async def run() -> float:
        times: list[float] = []
        for target in islice(targets, calls):
            began = time.perf_counter()
            (await client.get(target)).raise_for_status()
            times.append(time.perf_counter() - began)
        return median(times) * 1000

    return portal.call(run)


def _fill(database: Path, owned: int, *, embedded: bool) -> None:
    """Buy so many numbers that a search would offer."""
    store = Store(database)
    store.connection.execute("PRAGMA synchronous = OFF")
    service = Service(store, clock=lambda: datetime.now(UTC), balance=Decimal(10_000_000))
    account = (service.embedded() if embedded else service.account(KEY)).id
    for number in range(_FIRST, _FIRST + owned):
        order = Order(f"+1415{number}", "US", "local", Decimal("1.15"))
        store.purchase(account, order, datetime.now(UTC))
    store.close()
