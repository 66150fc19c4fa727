"""Servers on one PostgreSQL are one to their clients: what is written through one is news at the others."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client
from mcp.client.session import IncomingMessage
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import EmptyResult, ResourceUpdatedNotification, SubscribeRequest, SubscribeRequestParams
from pydantic import SecretStr

from telefonie_mcp.ledger.replicas import Replicas
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.server.handlers import mcp_server
from tests.support.faulty import NUMBER, Provider, faulty
from tests.support.postgres import GROUP, new_schema
from tests.support.served import WRITES, live_app
from tests.support.transports import both_eras
from tests.support.wire import SECONDS, Mode, answer_of

pytestmark = GROUP
LOG, NUMBERS, ONE = "telefonie://log", "telefonie://numbers", f"telefonie://numbers/{NUMBER}"
OTHER = "+14155550199"
ANOTHER = f"telefonie://numbers/{OTHER}"

News = MemoryObjectReceiveStream[str]


@pytest.fixture
def ledger(postgresql: str) -> str:
    url = new_schema(postgresql)
    Ledger.open(url).close()
    return url


@asynccontextmanager
async def replica(
    provider: Provider, ledger: str, mode: Mode = "auto", account: str = "acme", rate: int = 60
) -> AsyncGenerator[tuple[Client, News]]:
    """Connect a client to a replica of its own, and give what a client of 2025 is told."""
    send, news = anyio.create_memory_object_stream[str](1000)

    async def handle(message: IncomingMessage) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            send.send_nowait(message.params.uri)

    chosen: dict[str, Any] = {"ledger": SecretStr(ledger), "account": account, "max_calls_per_minute": rate}
    with anyio.fail_after(SECONDS):
        async with (
            send,
            news,
            live_app(provider, 60, **chosen) as app,
            Replicas.connected(ledger, seconds=SECONDS) as replicas,
            Client(mcp_server(replace(app, replicas=replicas)), mode=mode, message_handler=handle) as client,
        ):
            await replicas.notifications.listening.wait()
            yield client, news


async def write(client: Client, tool: str) -> None:
    answer_of(await client.call_tool(tool, WRITES[tool][1]))


@both_eras
async def test_a_write_through_one_replica_is_news_at_the_other(mode: Mode, ledger: str) -> None:
    uris = [LOG, NUMBERS, ONE]
    async with (
        faulty() as provider,
        replica(provider, ledger) as (writer, _),
        replica(provider, ledger, mode) as (reader, news),
    ):
        if mode == "legacy":
            for uri in uris:
                request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
                await reader.session.send_request(request, EmptyResult)
            await write(writer, "purchase_number")
            assert {await news.receive() for _ in uris} == {*uris}
        else:
            async with reader.listen(resource_subscriptions=uris) as events:
                await write(writer, "purchase_number")
                assert {await anext(events) for _ in uris} == {ResourceUpdated(uri) for uri in uris}


async def test_no_news_of_one_tenant_reach_another(ledger: str) -> None:
    """News arrive in the order in which they are sent, so the first would be that of the other tenant."""
    async with (
        faulty() as provider,
        replica(provider, ledger, account="acme") as (acme, _),
        replica(provider, ledger, account="globex") as (globex, _),
        replica(provider, ledger, account="globex") as (reader, _),
        reader.listen(resource_subscriptions=[ONE, ANOTHER]) as events,
    ):
        await write(acme, "purchase_number")
        await write(acme, "release_number")
        provider.own(OTHER)
        answer_of(await globex.call_tool("release_number", {"phone_number": OTHER, "confirm": True}))
        assert await anext(events) == ResourceUpdated(ANOTHER)


async def test_replicas_share_the_rate_limit_of_a_tenant(ledger: str) -> None:
    """One call a minute to each caller."""
    async with (
        faulty() as provider,
        replica(provider, ledger, rate=1) as (one, _),
        replica(provider, ledger, rate=1) as (other, _),
        replica(provider, ledger, rate=1, account="globex") as (stranger, _),
    ):
        assert not (await one.call_tool("list_owned_numbers", {})).is_error
        refused = answer_of(await other.call_tool("list_owned_numbers", {}))
        assert (refused["code"], refused["retryable"]) == ("rate_limited", True)
        assert not (await stranger.call_tool("list_owned_numbers", {})).is_error
