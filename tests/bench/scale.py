"""What grows with an account: the sandbox with 100 and with 100,000 numbers, in this process."""

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
from typing import Final

import httpx2 as httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.sandbox.store import Order, Store
from tests.bench.rounds import Measure, Sample

__all__ = ["measures"]

FEW: Final = 100
MANY: Final = 100_000

_KEY: Final = "key-of-a-benchmark"
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


def _page(owned: int) -> Callable[[int], str]:
    return lambda number: f"/owned?page_size=100&page={number % (owned // 100) + 1}"


@contextmanager
def _sandbox(owned: int, target: Callable[[int], str], *, calls: int) -> Generator[Sample]:
    with TemporaryDirectory() as directory, start_blocking_portal() as portal:
        database = Path(directory) / "sandbox.sqlite3"
        _fill(database, owned)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_sandbox(database)),
            base_url="http://sandbox.invalid/v1/numbers",
            headers={"X-API-Key": _KEY},
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


def _fill(database: Path, owned: int) -> None:
    """Buy so many numbers that a search would offer."""
    store = Store(database)
    store.connection.execute("PRAGMA synchronous = OFF")
    account = store.account(_KEY, Decimal(10_000_000))
    for number in range(_FIRST, _FIRST + owned):
        order = Order(f"+1415{number}", "US", "local", Decimal("1.15"))
        store.purchase(account, order, datetime.now(UTC))
    store.close()
