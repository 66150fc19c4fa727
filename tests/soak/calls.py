"""Many calls to one server: every answer is as it should be, and the server does not grow."""

import json
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from mcp import Client

from telefonie_mcp.sandbox.service import Service
from telefonie_mcp.sandbox.store import Store
from tests.soak.figures import Figures
from tests.support.wire import answer_of, initialize, request, running

NUMBER: Final = "+14155550123"
LIFE: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("search_available_numbers", {"country_code": "US", "area_code": "415", "limit": 3}, "available_numbers"),
    ("purchase_number", {"phone_number": NUMBER, "confirm": False}, "confirmation_required"),
    ("purchase_number", {"phone_number": NUMBER, "confirm": True}, "phone_number"),
    ("purchase_number", {"phone_number": NUMBER, "confirm": True}, "conflict"),
    ("update_owned_number", {"phone_number": NUMBER, "friendly_name": "Desk"}, "replaced"),
    ("list_owned_numbers", {}, "numbers"),
    ("list_owned_numbers", {"page": "x"}, "invalid_arguments"),
    ("release_number", {"phone_number": NUMBER, "confirm": True}, "message"),
)
"""The life of a number: a tool, its arguments, and a member of its answer or the code of its refusal."""

P99: Final = "ms p99"
BEFORE: Final = " at first"
AFTER: Final = " at the end"
"""Names of what is counted, and when."""

_ALL_DAY: Final = 86_400
_FORTUNE: Final = Decimal(1_000_000)
"""USD on the sandbox's account: each life costs the first month of a number."""

SETTLED: Final = 1000
"""Calls after which a server has all that it needs."""

_GROWTH: Final = 1.05
"""By which factor memory may grow after them."""

_SLOWER: Final = 1.2
"""By which factor the slowest calls of the last tenth may take longer than those of the first."""

_TELLING: Final = 10 * SETTLED
"""Calls from which on memory and time say something."""

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
Server = AbstractAsyncContextManager[tuple[int, Call]]


def _variables(home: Path) -> dict[str, str]:
    """Return the settings of a server whose sandbox has money for every life."""
    store = Store(database := home / "sandbox.sqlite3")
    Service(store, clock=lambda: datetime.now(UTC), balance=_FORTUNE).embedded()
    store.close()
    return {"TELEFONIE_MAX_CALLS_PER_MINUTE": "1000000000", "TELEFONIE_SANDBOX_DB": str(database)}


@asynccontextmanager
async def stdio(home: Path) -> AsyncGenerator[tuple[int, Call]]:
    """Start a server over stdio; yield the number of its process, and what calls a tool."""
    count = 0

    async def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        nonlocal count
        count += 1
        answer = await server.ask(request(count, "tools/call", name=tool, arguments=arguments))
        result = answer["result"]
        return result.get("structuredContent") or json.loads(result["content"][0]["text"])

    async with running(home=home, variables=_variables(home), seconds=_ALL_DAY) as server:
        await server.ask(initialize("2025-11-25"))
        yield server.process.pid, call


@asynccontextmanager
async def http(home: Path) -> AsyncGenerator[tuple[int, Call]]:
    """Start a server over HTTP; yield the number of its process, and what calls a tool."""
    async with (
        running("--http", "0", home=home, variables=_variables(home), seconds=_ALL_DAY) as server,
        Client(await server.address()) as client,
    ):

        async def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            return answer_of(await client.call_tool(tool, arguments))

        yield server.process.pid, call


async def under_calls(name: str, server: Server, calls: int) -> Figures:
    """Let a server answer so many calls, after one life of a number that fills its caches."""
    wrong = 0
    times: list[float] = []
    before: dict[str, float] = {}
    async with server as (process, call):
        for tool, arguments, _ in LIFE:
            await call(tool, arguments)
        for index in range(calls):
            if index == min(SETTLED, calls // 2):
                before = _resources(process)
            tool, arguments, expected = LIFE[index % len(LIFE)]
            begun = time.perf_counter()
            answer = await call(tool, arguments)
            times.append(time.perf_counter() - begun)
            wrong += not (expected in answer or answer.get("code") == expected)
        after = _resources(process)
    tenth = max(2, calls // 10)
    before[P99], after[P99] = (_slowest(part) for part in (times[:tenth], times[-tenth:]))
    return Figures(
        f"{calls:,} calls over {name}",
        {"calls per second": round(calls / sum(times))}
        | {f"{what}{BEFORE}": count for what, count in before.items()}
        | {f"{what}{AFTER}": count for what, count in after.items()},
        {
            "wrong answers": wrong,
            "memory grown": calls >= _TELLING and after["MiB"] > _GROWTH * before["MiB"],
            "slower": calls >= _TELLING and after[P99] > _SLOWER * before[P99],
            **{f"{what} leaked": max(0, after[what] - before[what]) for what in ("descriptors", "threads")},
        },
    )


def _slowest(times: list[float]) -> float:
    """Return the milliseconds that one call of a hundred exceeds."""
    return round(quantiles(times, n=100, method="inclusive")[-1] * 1000, 2)


def _resources(process: int) -> dict[str, float]:
    """Return the memory that a process has, its open files, and its threads."""
    place = Path(f"/proc/{process}")
    status = dict(re.findall(r"^(\w+):\s+(\d+)", (place / "status").read_text(), re.MULTILINE))
    return {
        "MiB": round(int(status["VmRSS"]) / 1024, 1),
        "descriptors": len([*(place / "fd").iterdir()]),
        "threads": int(status["Threads"]),
    }
