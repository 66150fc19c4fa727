"""Killed at any moment, nothing is lost and nothing bought twice: ledger and provider agree in the end.

The provider is the real sandbox in a process of its own; requests reach it through a socket of the test that
stops them at the chosen point.
"""

import json
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest

from tests.support.faulty import NUMBER, Exchange, Fault, Provider, faulty
from tests.support.wire import running

KEY = "key-of-a-kill-test"
METHODS = {"purchase_number": "POST", "release_number": "DELETE"}


@dataclass
class Forwarding(Provider):
    """A provider whose numbers are the sandbox's."""

    sandbox: httpx.Client = field(default_factory=httpx.Client)

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"} if body else {}
        answer = self.sandbox.request(method, target, content=body, headers=headers)
        return answer.status_code, answer.json() if answer.content else None

    def has(self) -> bool:
        return self.handle("GET", "/v1/numbers/owned/%2B14155550100", b"")[0] == 200


@asynccontextmanager
async def world(home: Path) -> AsyncGenerator[Forwarding]:
    async with running(
        "sandbox", "--port", "0", "--sandbox-db", ":memory:", home=home, seconds=120
    ) as sandbox:
        origin = (await sandbox.address()).removesuffix("/v1/numbers")
        with httpx.Client(base_url=origin, headers={"X-API-Key": KEY}) as client:
            async with faulty(Forwarding(sandbox=client)) as provider:
                assert isinstance(provider, Forwarding)
                yield provider


@asynccontextmanager
async def calling(provider: Provider, home: Path, tool: str) -> AsyncGenerator[Any]:
    arguments = ("call", tool, f"phone_number={NUMBER}", "confirm=true")
    variables = {
        "TELEFONIE_API_KEY": KEY,
        "TELEFONIE_BASE_URL": provider.url,
        "TELEFONIE_LEDGER": str(home / "ledger.sqlite3"),
        "TELEFONIE_TIMEOUT": "6",
    }
    async with running(*arguments, home=home, variables=variables) as process:
        yield process


async def call(provider: Provider, home: Path, tool: str) -> dict[str, Any]:
    async with calling(provider, home, tool) as process:
        return json.loads(await process.rest())


def states(home: Path, tool: str) -> list[str]:
    if not (home / "ledger.sqlite3").exists():
        return []
    with closing(sqlite3.connect(home / "ledger.sqlite3")) as ledger:
        rows = ledger.execute("SELECT state FROM ledger_entries WHERE tool = ? ORDER BY id", [tool])
        return [state for (state,) in rows]


@dataclass
class Point:
    """Stops a request at one point, and tells when it is there."""

    home: Path
    reached: anyio.Event = field(default_factory=anyio.Event)
    killed: anyio.Event = field(default_factory=anyio.Event)
    locked: sqlite3.Connection | None = None

    async def stay(self) -> None:
        self.reached.set()
        await anyio.sleep_forever()

    async def unread(self, _: Exchange) -> None:
        await self.stay()

    async def before_the_commit(self, _: Exchange) -> None:
        await self.stay()

    async def commit_after_the_kill(self, exchange: Exchange) -> None:
        self.reached.set()
        await self.killed.wait()
        exchange.commit()

    async def half_of_the_response(self, exchange: Exchange) -> None:
        status, _ = exchange.commit()
        exchange.writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 500\r\n\r\n".encode())
        await exchange.writer.drain()
        await self.stay()

    async def before_the_outcome(self, exchange: Exchange) -> None:
        """Lock the ledger, so that the outcome waits although the response is complete."""
        self.locked = sqlite3.connect(self.home / "ledger.sqlite3", isolation_level=None)
        self.locked.execute("BEGIN IMMEDIATE")
        await exchange.honest()
        await self.stay()

    def leave(self) -> None:
        """The process is dead."""
        self.killed.set()
        if self.locked:
            self.locked.close()


POINTS = {
    "before the intent": ("GET", Point.unread, False),
    "after the intent": ("write", Point.unread, False),
    "in flight, not processed": ("write", Point.before_the_commit, False),
    "in flight, processed after the kill": ("write", Point.commit_after_the_kill, True),
    "after the response": ("write", Point.half_of_the_response, True),
    "before the outcome": ("write", Point.before_the_outcome, True),
}


@pytest.mark.parametrize("tool", METHODS)
@pytest.mark.parametrize("name", POINTS)
async def test_ledger_and_provider_agree_after_a_kill(name: str, tool: str, tmp_path: Path) -> None:
    kind, hold, happens = POINTS[name]
    point = Point(tmp_path)
    method = METHODS[tool] if kind == "write" else kind

    async def fault(exchange: Exchange) -> None:
        await hold(point, exchange)

    with anyio.fail_after(120):
        async with world(tmp_path) as provider:
            if tool == "release_number":
                assert (await call(provider, tmp_path, "purchase_number"))["phone_number"] == NUMBER
            wanted = tool == "purchase_number"
            faults: list[Fault] = [fault, Exchange.honest]
            provider.faults[method] = faults
            async with calling(provider, tmp_path, tool) as process:
                await point.reached.wait()
                process.process.kill()
                await process.process.wait()
            point.leave()
            provider.faults.clear()
            while provider.has() is not wanted and happens:
                await anyio.sleep(0.01)
            assert provider.has() is (wanted if happens else not wanted)

            answer = await call(provider, tmp_path, tool)
            while answer.get("code") == "in_progress":
                answer = await call(provider, tmp_path, tool)

            assert provider.has() is wanted
            assert provider.count(METHODS[tool]) == (1 if happens or name == "before the intent" else 2)
            if happens:
                assert answer["code"] == ("conflict" if wanted else "not_found")
                assert states(tmp_path, tool) == ["done"]
            else:
                assert answer["phone_number"] == NUMBER
                earlier = [] if name == "before the intent" else ["not_done"]
                assert states(tmp_path, tool) == [*earlier, "done"]
