"""A real replica of two tenants is stopped while both call: nothing that had begun is lost or broken."""

import json
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from mcp.shared.subscriptions import ResourceUpdated

from tests.support.postgres import GROUP
from tests.support.replicas import SCOPES, Place, place, ready, until_ready
from tests.support.shop import Shop
from tests.support.tenants import write_tenants
from tests.support.wire import MODERN, initialize, request, running

pytestmark = [GROUP, pytest.mark.whole]
LOG = "telefonie://log"
ACCEPT = "application/json, text/event-stream"


@dataclass
class Caller:
    """Calls without a pause until the server takes no more calls, and keeps what it was answered."""

    http: httpx.AsyncClient
    url: str
    lines: dict[str, str]
    ids: "count[int]" = field(default_factory=count)
    statuses: set[int] = field(default_factory=set[int])
    bought: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
    unanswered: list[str] = field(default_factory=list[str])

    async def call(self, name: str, **arguments: Any) -> dict[str, Any] | None:
        """Return the answer, or `None` if the server is not there any more."""
        modern = self.lines["MCP-Protocol-Version"] == MODERN
        message = request(next(self.ids), "tools/call", modern=modern, name=name, arguments=arguments)
        headers = {**self.lines, "Mcp-Method": "tools/call", "Mcp-Name": name}
        try:
            response = await self.http.post(self.url, json=message, headers=headers)
        except httpx.TransportError:
            return None
        self.statuses.add(response.status_code)
        text = response.text.partition("data: ")[2] if "data: " in response.text else response.text
        return json.loads(text.splitlines()[0])["result"]

    async def read(self) -> None:
        while (answer := await self.call("list_owned_numbers")) and not answer["isError"]:
            pass

    async def buy(self, prefix: int) -> None:
        for last in count():
            number = f"+1415{prefix:03}{last:04}"
            answer = await self.call("purchase_number", phone_number=number, confirm=True)
            if answer is None:
                self.unanswered.append(number)
                return
            if answer["isError"]:
                self.refused.append(number)
                assert "shutting_down" in str(answer)
                return
            self.bought.append(number)


@asynccontextmanager
async def calling(made: Place, address: str, org: str, *, modern: bool) -> AsyncGenerator[Caller]:
    token = made.issuer.token(made.url, SCOPES, org_id=org)
    lines = {"Authorization": f"Bearer {token}", "Host": made.url.split("/")[2], "Accept": ACCEPT}
    lines["MCP-Protocol-Version"] = MODERN if modern else "2025-11-25"
    async with httpx.AsyncClient(timeout=None) as http:
        if not modern:
            begun = await http.post(address, json=initialize("2025-11-25"), headers=lines)
            lines["Mcp-Session-Id"] = begun.headers["mcp-session-id"]
        yield Caller(http, address, lines)


async def follow(caller: Caller, opened: anyio.Event) -> None:
    """Keep the event stream of a session of 2025 open; it must end as a response does."""
    async with caller.http.stream("GET", caller.url, headers=caller.lines) as response:
        assert response.status_code == 200
        opened.set()
        async for _ in response.aiter_lines():
            pass


async def test_sigterm_while_two_tenants_call_loses_no_write_and_breaks_no_call(
    postgresql: str, tmp_path: Path
) -> None:
    shop = Shop()
    async with place(postgresql, tmp_path, shop) as (made, _):
        made.tenants = write_tenants(tmp_path, {"acme": {}, "beta": {}})
        variables = {"TELEFONIE_MAX_CALLS_PER_MINUTE": "100000", "TELEFONIE_DRAIN_SECONDS": "5"}
        async with made.replica(**variables) as server:
            await until_ready(server)
            address = await server.address()
            async with (
                calling(made, address, "org-acme", modern=True) as one,
                calling(made, address, "org-acme", modern=False) as two,
                calling(made, address, "org-beta", modern=True) as three,
                calling(made, address, "org-beta", modern=False) as four,
                made.client(address, org_id="org-acme") as client,
                client.listen(resource_subscriptions=[LOG]) as events,
            ):
                everybody = [one, two, three, four]
                async with anyio.create_task_group() as tasks:
                    for legacy in (two, four):
                        opened = anyio.Event()
                        tasks.start_soon(follow, legacy, opened)
                        await opened.wait()
                    for prefix, caller in enumerate(everybody, start=551):
                        tasks.start_soon(caller.read)
                        tasks.start_soon(caller.buy, prefix)
                    while not all(caller.bought for caller in everybody):
                        await anyio.sleep(0.01)
                    server.process.send_signal(signal.SIGTERM)
                    while (await ready(server))[0] != 503:
                        await anyio.sleep(0.01)
                    server.process.send_signal(signal.SIGTERM)
                    server.process.send_signal(signal.SIGINT)
                    async for event in events:  # until the stream ends with a result
                        assert event == ResourceUpdated(LOG)
            assert await server.end() == 0
        for caller in everybody:
            assert caller.statuses == {200}
            assert not {*caller.refused, *caller.unanswered} & {*shop.owned}
        bought = [number for caller in everybody for number in caller.bought]
        assert {*bought} == {*shop.owned}
        assert shop.count("POST") == len(bought)
        assert await recorded(made) == {"done": len(bought)}


async def recorded(made: Place) -> dict[str, int]:
    """Return how many entries of the ledger have each state."""
    variables = {"TELEFONIE_LEDGER": made.ledger}
    async with running("log", "--json", "--limit", "100000", home=made.home, variables=variables) as log:
        states = [json.loads(line)["state"] for line in (await log.rest()).splitlines()]
    return {state: states.count(state) for state in states}
