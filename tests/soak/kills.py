"""Many processes killed at random moments of a purchase, on one ledger and within one budget."""

import json
import os
import random
import re
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2 as httpx
from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telefonie_mcp.ledger.records import Entry
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.sandbox import create_sandbox
from tests.soak.figures import Figures
from tests.support.serving import serving
from tests.support.wire import SECONDS, running

KEY: Final = "key-of-a-soak-test"
RATE: Final = Decimal("1.15")
LANES: Final = 3
"""How many processes work at a time."""

_DIGITS: Final = re.compile(rb"1415555\d{4}")
_MANY: Final = 1_000_000
_ALL_DAY: Final = 86_400
_SECONDS_OF_A_CALL: Final = 10


@dataclass
class Provider:
    """The sandbox; counts the requests about each number, and the statuses that purchases got."""

    requests: Counter[bytes] = field(default_factory=Counter[bytes])
    purchases: Counter[int] = field(default_factory=Counter[int])
    sandbox: ASGIApp = field(default_factory=lambda: create_sandbox(":memory:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                self.purchases[message["status"]] += 1
            await send(message)

        async def read() -> Message:
            message = await receive()
            self.requests.update(_DIGITS.findall(message.get("body", b"")))
            return message

        self.requests.update(_DIGITS.findall(scope["raw_path"] + scope["query_string"]))
        await self.sandbox(scope, read, noted)


async def under_kills(name: str, ledger: str, home: Path, kills: int, seed: int) -> Figures:
    """Begin so many purchases and kill each, then try it again until it is known what came of it.

    The budget is for three quarters of them.
    """
    moments = random.Random(seed)
    provider, affordable = Provider(), max(1, kills * 3 // 4)
    numbers = [f"+1415555{index:04}" for index in range(kills)]
    waiting, found = numbers[::-1], Counter[str]()
    async with serving(provider, lifespan="off") as origin:
        variables = {
            "TELEFONIE_API_KEY": KEY,
            "TELEFONIE_BASE_URL": f"{origin}/v1/numbers",
            "TELEFONIE_LEDGER": ledger,
            "TELEFONIE_TIMEOUT": str(_SECONDS_OF_A_CALL),
            "TELEFONIE_MAX_MONTHLY_SPEND": str(affordable * RATE),
        }

        async def lane() -> None:
            while waiting:
                number = waiting.pop()
                await _killed(provider, number, home, variables, moments)
                found[await _ended(number, home, variables)] += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(LANES):
                tasks.start_soon(lane)
        async with httpx.AsyncClient(base_url=origin, headers={"X-API-Key": KEY}, timeout=SECONDS) as client:
            owned = {number for number in numbers if await _owned(client, number)}
    entries = await to_thread.run_sync(_entries, ledger)
    return Figures(
        f"{kills:,} kills on {name}",
        {"bought": len(owned), "affordable": affordable, **dict(sorted(found.items()))},
        {
            "doubles": provider.purchases[409] + provider.purchases[201] - len(owned),
            "budget overshoot": max(0, len(owned) - affordable),
            "ledger and provider differ on": len(
                owned ^ {entry.subject for entry in entries if entry.state == "done"}
            ),
            "left open": sum(entry.state in {"intent", "unknown"} for entry in entries),
        },
    )


async def _killed(
    provider: Provider, number: str, home: Path, variables: dict[str, str], moments: random.Random
) -> None:
    """Begin a purchase in a process, and kill it a little after one of its requests, or before them."""
    requests, pause = moments.choice([0, 1, 1, 2, 2, 2]), moments.uniform(0, 0.02)
    arguments = ("call", "purchase_number", f"phone_number={number}", "confirm=true")
    digits = number.removeprefix("+").encode()
    async with running(*arguments, home=home, variables=variables, seconds=_ALL_DAY) as process:
        while provider.requests[digits] < requests and process.process.returncode is None:
            await anyio.sleep(0.002)
        await anyio.sleep(pause)
        with suppress(ProcessLookupError):  # it was faster
            os.kill(process.process.pid, signal.SIGKILL)
        await process.process.wait()


async def _ended(number: str, home: Path, variables: dict[str, str]) -> str:
    """Purchase until it is known what came of it, and return how that is said.

    What is in progress, or took longer than a call may on a busy machine, has an end all the same.
    """
    arguments = ("call", "purchase_number", f"phone_number={number}", "confirm=true")
    while True:
        async with running(*arguments, home=home, variables=variables, seconds=_ALL_DAY) as process:
            answer: dict[str, Any] = json.loads(await process.rest())
            await process.end()
        code: str = answer.get("code", "then bought")
        if not answer.get("retryable") and code != "outcome_unknown":
            return {"conflict": "already bought", "limit_reached": "beyond the budget"}.get(code, code)
        await anyio.sleep(0.2)


async def _owned(client: httpx.AsyncClient, number: str) -> bool:
    path = f"/v1/numbers/owned/{number.replace('+', '%2B')}"
    return (await client.get(path)).is_success


def _entries(url: str) -> list[Entry]:
    ledger = Ledger.open(url)
    try:
        return ledger.recent(limit=_MANY)
    finally:
        ledger.close()
