"""A cancelled read stops, at the API too; a cancelled write is settled, recorded, and told to others."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.subscriptions import ResourceUpdated

from tests.support.account import connected_live, read
from tests.support.faulty import NUMBER, Provider, after, faulty, reset
from tests.support.held import Held
from tests.support.ledger_file import LedgerFile
from tests.support.served import WRITES
from tests.support.transports import both_eras
from tests.support.wire import SECONDS, Mode, Transport

LONG = 20
"""Seconds a call may take: much longer than a hanging read, or a write that is cancelled, really takes."""
everywhere = pytest.mark.parametrize("transport", ["stdio", "http"])


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


async def outcome(ledger: LedgerFile) -> str:
    """Wait for the outcome of the last write, and return it."""
    with anyio.fail_after(SECONDS):
        while (last := ledger.states()[-1]) == "intent":
            await anyio.sleep(0.01)
    return last


@both_eras
@everywhere
async def test_a_cancelled_read_stops_at_the_api_too_and_a_write_is_settled_and_recorded(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    ledger, provider = LedgerFile(tmp_path / "ledger.sqlite3"), Provider()
    variables = {"TELEFONIE_TIMEOUT": str(LONG)}
    async with (
        faulty(provider),
        connected_live(provider, transport, mode, tmp_path, **variables) as client,
    ):
        await client.list_tools()
        await cancel_a_tool_that_reads(client, provider)
        await cancel_a_resource_that_is_read(client, provider)
        for name in WRITES:
            await cancel_a_write(client, provider, ledger, name, commits=True)
        await cancel_a_write(client, provider, ledger, "purchase_number", commits=False)
        assert ledger.states() == ["done", "done", "done", "not_done"]


async def cancel_a_tool_that_reads(client: Client, provider: Provider) -> None:
    held, before = Held(), provider.count("GET")
    provider.faults["GET"] = [held.until_the_client_leaves]
    async with cancelled(client, held, "list_owned_numbers", {}):
        await held.left.wait()
        assert provider.count("GET") == before + 1
        assert (await client.list_tools()).tools


async def cancel_a_resource_that_is_read(client: Client, provider: Provider) -> None:
    held, before = Held(), provider.count("GET")
    provider.faults["GET"] = [held.until_the_client_leaves]
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read, client, "telefonie://numbers")
            await held.arrived.wait()
            tasks.cancel_scope.cancel()
        await held.left.wait()
    assert provider.count("GET") == before + 1
    provider.faults.clear()


async def cancel_a_write(
    client: Client, provider: Provider, ledger: LedgerFile, name: str, *, commits: bool
) -> None:
    method, arguments = WRITES[name]
    held, before = Held(after(commits, reset)), provider.count(method)
    provider.faults[method] = [held]
    async with cancelled(client, held, name, arguments):
        assert provider.count(method) == before + 1
        held.go.set()
        assert await outcome(ledger) == ("done" if commits else "not_done"), name
    assert provider.count(method) == before + 1


@everywhere
async def test_others_hear_of_a_write_whose_caller_has_left(transport: Transport, tmp_path: Path) -> None:
    held = Held(after(True, reset))
    provider = Provider(faults={"POST": [held]})
    account = "telefonie://numbers"
    async with (
        faulty(provider),
        connected_live(provider, transport, "auto", tmp_path) as client,
        client.listen(resource_subscriptions=[account]) as subscription,
        cancelled(client, held, "purchase_number", {"phone_number": NUMBER, "confirm": True}),
    ):
        held.go.set()
        assert await anext(subscription) == ResourceUpdated(account)
