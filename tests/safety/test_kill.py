"""Killed at any moment, nothing is lost and nothing bought twice: ledger and provider agree in the end.

What is killed is a process of its own, in the middle of one call. The provider's numbers are the sandbox's;
requests reach it through a socket of the test that holds them at the chosen point.
"""

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2 as httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.support import connect
from tests.support.faulty import NUMBER, Exchange, Fault, Provider, faulty
from tests.support.held import Held
from tests.support.ledger_file import LedgerFile
from tests.support.served import KEY, WRITES, called, live_variables, served
from tests.support.wire import running

TIMEOUT = 60
"""Seconds a call may take: generous, so that nothing here depends on how fast the machine is."""


@dataclass
class Forwarding(Provider):
    """A provider whose numbers are the sandbox's, which runs in a thread of its own."""

    portal: BlockingPortal = field(default_factory=BlockingPortal)
    sandbox: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        async def ask() -> httpx.Response:
            headers = {"Content-Type": "application/json"} if body else {}
            url = f"http://sandbox.invalid{target}"
            return await self.sandbox.request(method, url, content=body, headers=headers)

        answer = self.portal.call(ask)
        return answer.status_code, answer.json() if answer.content else None

    def has(self) -> bool:
        return self.handle("GET", "/v1/numbers/owned/%2B14155550100", b"")[0] == 200


@contextmanager
def forwarding() -> Generator[Forwarding]:
    with start_blocking_portal() as portal:
        sandbox = connect(create_sandbox(":memory:"), KEY)
        yield Forwarding(portal=portal, sandbox=sandbox)
        portal.call(sandbox.aclose)


async def half_of_the_response(exchange: Exchange) -> None:
    status, _ = exchange.commit()
    exchange.writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 500\r\n\r\n".encode())
    await exchange.writer.drain()


async def never(_: Exchange) -> None:
    raise AssertionError("this request was to be held until the process is dead")


class Point(NamedTuple):
    """A moment to kill a process: while its write is in flight, or before; does the write happen?"""

    writing: bool
    happens: bool


POINTS = {
    "before the intent": Point(writing=False, happens=False),
    "after the intent, in flight and not processed": Point(writing=True, happens=False),
    "in flight, processed after the kill": Point(writing=True, happens=True),
    "after half of the response": Point(writing=True, happens=True),
    "before the outcome": Point(writing=True, happens=True),
}


async def kill(provider: Forwarding, ledger: LedgerFile, point: str, tool: str, home: Path) -> None:
    """Begin a call in a process and kill it at the point; return when nothing more will happen."""
    locks, over = list[sqlite3.Connection](), anyio.Event()

    async def at_the_point(exchange: Exchange) -> None:
        if point == "after half of the response":
            await half_of_the_response(exchange)
        elif point == "before the outcome":  # which waits for the ledger, although the response is complete
            locks.append(ledger.lock())
            await exchange.honest()
        await held(exchange)

    async def after_the_kill(exchange: Exchange) -> None:
        if point == "in flight, processed after the kill":
            exchange.commit()
        over.set()

    held = Held(after_the_kill)
    faults: list[Fault] = [at_the_point, never]
    provider.faults[WRITES[tool][0] if POINTS[point].writing else "GET"] = faults
    arguments = ("call", tool, f"phone_number={NUMBER}", "confirm=true")
    variables = live_variables(provider, home, TELEFONIE_TIMEOUT=str(TIMEOUT))
    async with running(*arguments, home=home, variables=variables) as process:
        await held.arrived.wait()
        process.process.kill()
        await process.process.wait()
    for lock in locks:
        lock.close()
    held.go.set()
    await over.wait()
    provider.faults.clear()


@pytest.mark.parametrize("tool", ["purchase_number", "release_number"])
@pytest.mark.parametrize("point", POINTS)
async def test_ledger_and_provider_agree_after_a_kill(point: str, tool: str, tmp_path: Path) -> None:
    writing, happens = POINTS[point]
    ledger, buys = LedgerFile(tmp_path / "ledger.sqlite3"), tool == "purchase_number"
    with forwarding() as provider:
        async with faulty(provider):
            if not buys:
                provider.handle("POST", "/v1/numbers/owned", json.dumps({"phone_number": NUMBER}).encode())
            await kill(provider, ledger, point, tool, tmp_path)
            assert provider.has() is (buys is happens)
            assert ledger.states(tool) == (["intent"] if writing else [])

            async with served(provider, TIMEOUT, ledger=ledger.url) as later:
                answer = await called(later, tool)
                if writing and not happens:
                    assert answer["code"] == "in_progress"
                    assert ledger.states(tool) == ["intent"]
                    ledger.grow_older()
                    answer = await called(later, tool)

            assert provider.has() is buys
            assert provider.count(WRITES[tool][0]) == (2 if writing and not happens else 1)
            if happens:
                assert answer["code"] == ("conflict" if buys else "not_found")
                assert ledger.states(tool) == ["done"]
            else:
                assert answer["phone_number"] == NUMBER
                assert ledger.states(tool) == (["not_done", "done"] if writing else ["done"])
