"""Many calls to one server: every answer is as it should be, and the server does not grow."""

import json
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
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

_ALL_DAY: Final = 86_400
_FORTUNE: Final = Decimal(1_000_000)
"""USD on the sandbox's account: each life costs the first month of a number."""

_GROWTH: Final = 1.5
"""By which factor memory may grow: the ledger's and the sandbox's caches fill."""

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
    async with server as (process, call):
        for tool, arguments, _ in LIFE:
            await call(tool, arguments)
        start, before = time.monotonic(), _resources(process)
        for index in range(calls):
            tool, arguments, expected = LIFE[index % len(LIFE)]
            answer = await call(tool, arguments)
            wrong += not (expected in answer or answer.get("code") == expected)
        seconds, after = time.monotonic() - start, _resources(process)
    return Figures(
        f"{calls:,} calls over {name}",
        {"calls per second": round(calls / seconds)}
        | {f"{what} at the start": count for what, count in before.items()}
        | {f"{what} at the end": count for what, count in after.items()},
        {
            "wrong answers": wrong,
            "memory grown": after["MiB"] > _GROWTH * before["MiB"],
            "descriptors leaked": max(0, after["descriptors"] - before["descriptors"]),
        },
    )


def _resources(process: int) -> dict[str, int]:
    """Return the memory that a process has, and its open files."""
    place = Path(f"/proc/{process}")
    (pages,) = re.findall(r"^VmRSS:\s+(\d+) kB$", (place / "status").read_text(), re.MULTILINE)
    return {"MiB": int(pages) // 1024, "descriptors": len([*(place / "fd").iterdir()])}
