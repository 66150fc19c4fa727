"""A cancelled read stops, at the API too; a cancelled write is settled, recorded, and told to others."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest
from mcp import Client
from mcp.shared.subscriptions import ResourceUpdated

from tests.support.account import connected_live, read
from tests.support.faulty import NUMBER, Exchange, Provider, faulty
from tests.support.served import WRITES
from tests.support.wire import SECONDS, Mode, Transport

both_eras = pytest.mark.parametrize("mode", get_args(Mode))
everywhere = pytest.mark.parametrize("transport", ["stdio", "http"])


@dataclass
class Held:
    """A fault that lets a request `arrive`, and either waits until the client has `left` or for `go`."""

    commits: bool = True
    arrived: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)
    go: anyio.Event = field(default_factory=anyio.Event)

    async def unanswered(self, exchange: Exchange) -> None:
        self.arrived.set()
        await exchange.gone()
        self.left.set()

    async def lost(self, exchange: Exchange) -> None:
        self.arrived.set()
        await self.go.wait()
        if self.commits:
            exchange.commit()
        exchange.reset()


@asynccontextmanager
async def cancelled(client: Client, held: Held, name: str, arguments: dict[str, Any]) -> AsyncGenerator[None]:
    """Make a call, and cancel it when it has reached the API."""

    async def call(scope: anyio.CancelScope) -> None:
        with scope:
            await client.call_tool(name, arguments)
            raise AssertionError("it was answered")

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()
            tasks.start_soon(call, scope)
            await held.arrived.wait()
            scope.cancel()
        yield


async def state(client: Client) -> str:
    """Wait for the outcome of the last write, and return it."""
    while True:
        last = json.loads(await read(client, "telefonie://log"))["entries"][0]
        if last["state"] != "intent":
            return last["state"]
        await anyio.sleep(0.01)


@both_eras
@everywhere
async def test_a_cancelled_read_stops_at_the_api_too(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    held = Held()
    provider = Provider(faults={"GET": [held.unanswered]})
    async with (
        faulty(provider),
        connected_live(provider, transport, mode, tmp_path, TELEFONIE_TIMEOUT="600") as client,
    ):
        await client.list_tools()
        async with cancelled(client, held, "list_owned_numbers", {}):
            await held.left.wait()
            assert provider.count("GET") == 1
            assert (await client.list_tools()).tools


@both_eras
@everywhere
async def test_a_resource_that_nobody_waits_for_is_read_no_further(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    held = Held()
    provider = Provider(faults={"GET": [held.unanswered]})
    async with (
        faulty(provider),
        connected_live(provider, transport, mode, tmp_path, TELEFONIE_TIMEOUT="600") as client,
    ):
        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read, client, "telefonie://numbers")
                await held.arrived.wait()
                tasks.cancel_scope.cancel()
            await held.left.wait()
        assert provider.count("GET") == 1


@both_eras
@everywhere
@pytest.mark.parametrize(
    ("name", "commits"), [*((name, True) for name in WRITES), ("purchase_number", False)]
)
async def test_a_cancelled_write_is_settled_and_recorded(
    name: str, commits: bool, transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    method, arguments = WRITES[name]
    held = Held(commits=commits)
    provider = Provider(faults={method: [held.lost]})
    if name != "purchase_number":
        provider.own(voice_url="https://example.com/old")
    async with (
        faulty(provider),
        connected_live(provider, transport, mode, tmp_path, TELEFONIE_TIMEOUT="6") as client,
    ):
        await client.list_tools()
        async with cancelled(client, held, name, arguments):
            assert provider.count(method) == 1
            held.go.set()
            assert await state(client) == ("done" if commits else "not_done")
        assert provider.count(method) == 1


@everywhere
async def test_others_hear_of_a_write_whose_caller_has_left(transport: Transport, tmp_path: Path) -> None:
    held = Held()
    provider = Provider(faults={"POST": [held.lost]})
    account = "telefonie://numbers"
    async with (
        faulty(provider),
        connected_live(provider, transport, "auto", tmp_path) as client,
        client.listen(resource_subscriptions=[account]) as subscription,
        cancelled(client, held, "purchase_number", {"phone_number": NUMBER, "confirm": True}),
    ):
        held.go.set()
        assert await anext(subscription) == ResourceUpdated(account)
