"""What replicas cost: ``python -m tests.bench.hosted`` runs them on a PostgreSQL of its own, and says it.

Processor time is that of the servers alone. Each figure stands beside the same without replicas, of one run.
"""

import json
import resource
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anyio
from anyio.abc import SocketStream

from tests.bench.sessions import processor_seconds, resident_megabytes
from tests.support.postgres import postgres
from tests.support.replicas import Place, behind, place, until_ready
from tests.support.shop import Shop
from tests.support.tenants import write_tenants
from tests.support.wire import MODERN, Running, answer_of, request, running

READS: Final = 1500
CLIENTS: Final = 4
TENANTS: Final = 8
BUDGET: Final = 12
SUBSCRIPTIONS: Final = 2000
STARTS: Final = 5
UNLIMITED: Final = {"TELEFONIE_MAX_CALLS_PER_MINUTE": "1000000"}


async def _read(made: Place, address: str, calls: int) -> None:
    async def read(number: int) -> None:
        async with made.client(address, sub=f"person-{number}") as client:
            for _ in range(calls // CLIENTS):
                await client.call_tool("list_owned_numbers", {})

    async with anyio.create_task_group() as tasks:
        for number in range(CLIENTS):
            tasks.start_soon(read, number)


async def _cost(servers: list[Running], made: Place, address: str, calls: int) -> float:
    """Return the processor milliseconds of the servers per read."""
    await _read(made, address, calls // 5)
    before = sum(processor_seconds(server.process.pid) for server in servers)
    await _read(made, address, calls)
    after = sum(processor_seconds(server.process.pid) for server in servers)
    return 1000 * (after - before) / calls


async def reads(url: str, home: Path, calls: int = READS) -> dict[str, float]:
    """Measure a read through one replica without a proxy, and through two behind HAProxy."""
    async with place(url, home) as (made, _), made.replica(**UNLIMITED) as one:
        await until_ready(one)
        alone = await _cost([one], made, await one.address(), calls)
    async with place(url, home) as (made, listener), behind(made, listener, **UNLIMITED) as two:
        both = await _cost(two, made, "", calls)
    return {"one replica, ms": alone, "two behind HAProxy, ms": both, "ratio": both / alone}


@asynccontextmanager
async def _offices(
    url: str, home: Path, count: int, budget: int
) -> AsyncGenerator[tuple[Place, list[Running]]]:
    names = [f"tenant{number}" for number in range(TENANTS)]
    tenants = write_tenants(home, {name: {"max_purchases_per_day": budget} for name in names})
    variables = {
        **UNLIMITED,
        "TELEFONIE_API_KEY": "",
        "TELEFONIE_TENANTS": str(tenants),
        "TELEFONIE_TENANT_CLAIM": "org_id",
    }
    async with place(url, home, Shop()) as (made, listener), AsyncExitStack() as stack:
        if count > 1:
            yield made, await stack.enter_async_context(behind(made, listener, **variables))
        else:
            one = await stack.enter_async_context(made.replica(**variables))
            await until_ready(one)
            yield made, [one]


async def _buy(made: Place, servers: list[Running], attempts: int) -> tuple[dict[str, int], float]:
    """Let every tenant buy more than it may; return how many each got, and processor ms per attempt."""
    address = "" if len(servers) > 1 else await servers[0].address()
    bought: dict[str, int] = {}

    async def buy(tenant: int) -> None:
        async with made.client(address, sub=f"person-{tenant}", org_id=f"org-tenant{tenant}") as client:
            for attempt in range(attempts):
                number = f"+1415{2_000_000 + tenant * 1000 + attempt}"
                asked = {"phone_number": number, "confirm": True}
                answer = answer_of(await client.call_tool("purchase_number", asked))
                bought[f"tenant{tenant}"] = bought.get(f"tenant{tenant}", 0) + ("phone_number" in answer)

    before = sum(processor_seconds(server.process.pid) for server in servers)
    async with anyio.create_task_group() as tasks:
        for tenant in range(TENANTS):
            tasks.start_soon(buy, tenant)
    after = sum(processor_seconds(server.process.pid) for server in servers)
    return bought, 1000 * (after - before) / (TENANTS * attempts)


async def purchases(url: str, home: Path, budget: int = BUDGET) -> dict[str, Any]:
    """Measure purchases of eight tenants through one replica and through two; each has exactly its budget."""
    found: dict[str, Any] = {}
    for count, name in ((1, "one replica, ms"), (2, "two behind HAProxy, ms")):
        async with _offices(url, home, count, budget) as (made, servers):
            bought, found[name] = await _buy(made, servers, budget + 3)
        assert set(bought.values()) == {budget}, bought
    found["each bought"] = budget
    found["ratio"] = found["two behind HAProxy, ms"] / found["one replica, ms"]
    return found


async def _listen(address: str, made: Place, number: int) -> SocketStream:
    host, port = address.split("/")[2].split(":")
    stream = await anyio.connect_tcp(host, int(port))
    uris = {"resourceSubscriptions": ["telefonie://log", f"telefonie://numbers/+1415{2_000_000 + number}"]}
    body = json.dumps(request(number, "subscriptions/listen", modern=True, notifications=uris))
    token = made.issuer.token(made.url, sub=f"person-{number % 8}")
    head = [
        "POST /mcp HTTP/1.1",
        f"Host: {made.url.split('/')[2]}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {MODERN}",
        "Mcp-Method: subscriptions/listen",
        f"Content-Length: {len(body)}",
    ]
    await stream.send("\r\n".join([*head, "", body]).encode())
    said = b""
    while b"acknowledged" not in said:
        said += await stream.receive()
    return stream


async def subscriptions(url: str, home: Path, count: int = SUBSCRIPTIONS) -> dict[str, float]:
    """Measure the memory of open subscriptions on one replica, and that none is left when they close."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * count), hard))
    async with place(url, home) as (made, _), made.replica(**UNLIMITED) as server:
        await until_ready(server)
        address, pid = await server.address(), server.process.pid
        await (await _listen(address, made, 0)).aclose()

        def descriptors() -> int:
            return len([*Path(f"/proc/{pid}/fd").iterdir()])

        async def open_and_close() -> tuple[float, float]:
            streams = [await _listen(address, made, number) for number in range(count)]
            assert descriptors() >= count
            full = resident_megabytes(pid)
            for stream in streams:
                await stream.aclose()
            while descriptors() > idle + 2:
                await anyio.sleep(0.1)
            return full, resident_megabytes(pid)

        idle, memory = descriptors(), resident_megabytes(pid)
        full, first = await open_and_close()
        _, second = await open_and_close()
        return {"KB each": 1024 * (full - memory) / count, "MB that a second time adds": second - first}


async def starts(url: str, home: Path, count: int = STARTS) -> dict[str, float]:
    """Measure the time to ``/readyz`` with PostgreSQL and the issuer, and of a plain HTTP start."""
    plain, ready = list[float](), list[float]()
    variables = {"TELEFONIE_SANDBOX_DB": ":memory:"}
    async with place(url, home) as (made, _):
        for _ in range(count):
            begun = time.perf_counter()
            async with running("--http", "127.0.0.1:0", home=home, variables=variables) as server:
                await until_ready(server)
                plain.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            async with made.replica() as server:
                await until_ready(server)
                ready.append(time.perf_counter() - begun)
    least = min(plain), min(ready)
    return {"plain, s": least[0], "hosted, s": least[1], "ratio": least[1] / least[0]}


async def _everything() -> None:
    with postgres() as url:
        for measure in (reads, purchases, subscriptions, starts):
            with TemporaryDirectory() as home:
                found = await measure(url, Path(home))
                print(measure.__name__, json.dumps({name: round(value, 3) for name, value in found.items()}))  # noqa: T201


if __name__ == "__main__":
    anyio.run(_everything)
