"""A change through the server reaches those who follow it, and nobody else, in both protocol eras."""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client, MCPError
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import Subscription
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.server.subscriptions import Subscriptions
from telefonie_mcp.settings.fields import Settings
from tests.support.account import connected_live, owning
from tests.support.faulty import NUMBER, after, close, faulty, replying
from tests.support.transports import both_eras, everywhere
from tests.support.wire import SECONDS, Mode, Transport, connected, initialize, request, running

ACCOUNT, LOG = "telefonie://numbers", "telefonie://log"
ENCODED, BARE = "telefonie://numbers/%2B14155550100", "telefonie://numbers/+14155550100"
OTHER = "telefonie://numbers/+14155550199"
ANOTHER = "+14155550188"
WAY_BACK = f"telefonie://numbers/{ANOTHER}"
"""What is followed until something is heard of it."""

MANY_CALLS = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_MAX_CALLS_PER_MINUTE": "100000"}
PURCHASE = ("purchase_number", {"phone_number": NUMBER, "confirm": True})
UPDATE = ("update_owned_number", {"phone_number": NUMBER, "friendly_name": "Desk"})
RELEASE = ("release_number", {"phone_number": NUMBER, "confirm": True})
NOT_OWNED = ("release_number", {"phone_number": "+14155550199", "confirm": True})
PREVIEW = ("release_number", {"phone_number": NUMBER, "confirm": False})

News = MemoryObjectReceiveStream[str]


async def subscribe(client: Client, uri: str) -> None:
    request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def unsubscribe(client: Client, uri: str) -> None:
    request = UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri))
    await client.session.send_request(request, EmptyResult)


async def hear_something(client: Client, heard: anyio.Event) -> None:
    """Wait for the way back from a server over HTTP, which opens in its own time."""
    await subscribe(client, WAY_BACK)
    while not heard.is_set():
        for tool in ("purchase_number", "release_number"):
            await client.call_tool(tool, {"phone_number": ANOTHER, "confirm": True})
    await unsubscribe(client, WAY_BACK)


@asynccontextmanager
async def following(
    transport: Transport, mode: Mode, home: Path, *uris: str
) -> AsyncGenerator[tuple[Client, News]]:
    """Connect a client that follows `uris`, each as its era does."""
    send, news = anyio.create_memory_object_stream[str](1000)

    way_back = anyio.Event()

    async def handle(message: IncomingMessage) -> None:
        if mode == "legacy" and isinstance(message, ResourceUpdatedNotification):
            if message.params.uri == WAY_BACK:
                way_back.set()
            else:
                send.send_nowait(message.params.uri)

    async def forward(subscription: Subscription) -> None:
        async for event in subscription:
            assert isinstance(event, ResourceUpdated)
            send.send_nowait(event.uri)

    async with (
        send,
        news,
        connected(transport, mode, home, handle, **MANY_CALLS) as client,
    ):
        if mode == "legacy":
            if transport == "http":
                await hear_something(client, way_back)
            for uri in uris:
                await subscribe(client, uri)
            yield client, news
        else:
            async with (
                client.listen(resource_subscriptions=uris) as subscription,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(forward, subscription)
                yield client, news
                tasks.cancel_scope.cancel()


async def heard(news: News, count: int) -> set[str]:
    with anyio.fail_after(SECONDS):
        return {await news.receive() for _ in range(count)}


@both_eras
@everywhere
async def test_subscribers_hear_when_a_number_is_bought_changed_and_released(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    async with following(transport, mode, tmp_path, ACCOUNT, BARE, OTHER, LOG) as (client, news):
        for write in (PURCHASE, UPDATE, RELEASE):
            for nothing in (NOT_OWNED, ("get_owned_number", {"phone_number": NUMBER}), PREVIEW):
                await client.call_tool(*nothing)
            assert not (await client.call_tool(*write)).is_error
            assert await heard(news, 3) == {ACCOUNT, BARE, LOG}


@both_eras
async def test_each_hears_the_spelling_it_follows(mode: Mode, tmp_path: Path) -> None:
    async with following("memory", mode, tmp_path, ENCODED) as (client, news):
        await client.call_tool(*PURCHASE)
        assert await heard(news, 1) == {ENCODED}


@both_eras
async def test_what_cannot_change_cannot_be_followed(mode: Mode, tmp_path: Path) -> None:
    fixed = ["telefonie://openapi/telefonie-numbers", "telefonie://countries/US", "telefonie://nowhere"]
    async with connected("memory", mode, tmp_path, TELEFONIE_SANDBOX_DB=":memory:") as client:
        if mode == "legacy":
            for uri in fixed:
                with pytest.raises(MCPError, match="No resource that can change") as refused:
                    await subscribe(client, uri)
                assert refused.value.error.code == INVALID_PARAMS
            return
        async with client.listen(
            tools_list_changed=True, prompts_list_changed=True, resource_subscriptions=[*fixed, ACCOUNT]
        ) as subscription:
            assert subscription.honored.model_dump(exclude_none=True) == {"resource_subscriptions": [ACCOUNT]}


@both_eras
async def test_a_server_that_only_reads_has_nothing_to_follow(mode: Mode) -> None:
    settings = Settings(sandbox_db=":memory:", read_only=True)
    async with Client(create_server(settings), mode=mode) as client:
        assert client.server_capabilities
        assert client.server_capabilities.resources
        assert client.server_capabilities.resources.subscribe is False
        if mode == "legacy":
            with pytest.raises(MCPError, match="Method not found"):
                await subscribe(client, ACCOUNT)
        else:
            with pytest.raises(MCPError, match="Method not found"):
                async with client.listen(resource_subscriptions=[ACCOUNT]):
                    pass


async def test_who_unsubscribes_hears_no_more(tmp_path: Path) -> None:
    async with following("memory", "legacy", tmp_path, ACCOUNT, LOG) as (client, news):
        await unsubscribe(client, ACCOUNT)
        await unsubscribe(client, "telefonie://nowhere")
        await client.call_tool(*PURCHASE)
        await client.call_tool(*RELEASE)
        assert [await news.receive(), await news.receive()] == [LOG, LOG]
        assert news.statistics().current_buffer_used == 0


async def test_unsubscribing_without_a_subscription_is_no_error(tmp_path: Path) -> None:
    async with connected("memory", "legacy", tmp_path, TELEFONIE_SANDBOX_DB=":memory:") as client:
        await unsubscribe(client, ACCOUNT)


async def test_connections_are_told_apart() -> None:
    server = create_server(Settings(sandbox_db=":memory:"))
    told: list[str] = []

    async def handle(message: IncomingMessage) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            told.append(message.params.uri)

    async with (
        Client(server, mode="legacy", message_handler=handle) as first,
        Client(server, mode="legacy") as second,
    ):
        await subscribe(first, LOG)
        await subscribe(second, ACCOUNT)
        await second.call_tool(*PURCHASE)
        await first.list_tools()
        assert told == [LOG]


@dataclass
class Connected:
    """A connection of a client, as far as it matters here; what it is told goes to `told`."""

    told: list["Connected"]
    deaf: bool = False
    client_params: object = field(default_factory=object)

    @property
    def session(self) -> Any:
        return self

    async def send_resource_updated(self, _: str) -> None:
        self.told.append(self)
        if self.deaf:
            await anyio.sleep_forever()


async def test_of_too_many_connections_the_oldest_is_forgotten() -> None:
    told: list[Connected] = []
    connections = [Connected(told) for _ in range(3)]
    subscriptions = Subscriptions(lambda _ctx, _uri: True, connections=2)
    for each in connections:
        await subscriptions.subscribe(cast("Any", each), SubscribeRequestParams(uri=LOG))
    await subscriptions.notify([LOG])
    assert told == connections[1:]


async def test_who_does_not_listen_holds_nobody_up_and_is_forgotten() -> None:
    told: list[Connected] = []
    deaf, good = Connected(told, deaf=True), Connected(told)
    subscriptions = Subscriptions(lambda _ctx, _uri: True)
    for each in (deaf, good):
        await subscriptions.subscribe(cast("Any", each), SubscribeRequestParams(uri=LOG))
    with anyio.fail_after(SECONDS):
        await subscriptions.notify([LOG])
        await subscriptions.notify([LOG])
    assert [each is good for each in told] == [False, True, True]


async def test_one_connection_cannot_follow_endlessly(tmp_path: Path) -> None:
    async with connected("memory", "legacy", tmp_path, TELEFONIE_SANDBOX_DB=":memory:") as client:
        for number in range(1024):
            await subscribe(client, f"telefonie://numbers/{number}")
        with pytest.raises(MCPError, match="can follow 1024 resources"):
            await subscribe(client, ACCOUNT)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (after(True, close), {LOG, ACCOUNT, BARE}),
        (replying(409), {LOG}),
    ],
)
async def test_what_may_have_changed_is_told_and_what_has_not_is_not(
    fault: Any, told: set[str], tmp_path: Path
) -> None:
    provider = owning(0)
    provider.own(NUMBER)
    provider.faults["DELETE"] = [fault]
    async with (
        faulty(provider),
        connected_live(provider, "memory", "auto", tmp_path) as client,
        client.listen(resource_subscriptions=[LOG, ACCOUNT, BARE]) as subscription,
    ):
        await client.call_tool(*RELEASE)
        with anyio.fail_after(SECONDS):
            events = {await anext(subscription) for _ in told}
    assert events == {ResourceUpdated(uri) for uri in told}


@pytest.mark.parametrize("how", [signal.SIGTERM, None], ids=["SIGTERM", "EOF"])
async def test_an_open_stream_does_not_keep_the_process(how: signal.Signals | None, tmp_path: Path) -> None:
    variables = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_TIMEOUT": "600"}
    async with running(home=tmp_path, variables=variables) as server:
        wanted = {"resourceSubscriptions": [ACCOUNT]}
        await server.send(request(1, "subscriptions/listen", modern=True, notifications=wanted))
        assert (await server.receive())["method"] == "notifications/subscriptions/acknowledged"
        if how:
            server.process.send_signal(how)
        else:
            await server.hang_up()
        ended = await server.receive()
        assert ended["id"] == 1
        assert ended["result"]["resultType"] == "complete"
        assert await server.end() == 0


@both_eras
async def test_an_open_stream_does_not_keep_an_http_server(mode: Mode, tmp_path: Path) -> None:
    async with (
        running("--http", "0", "--sandbox-db", ":memory:", home=tmp_path) as server,
        Client(await server.address(), mode=mode) as client,
    ):
        if mode == "legacy":
            await subscribe(client, ACCOUNT)
            server.process.send_signal(signal.SIGTERM)
        else:
            async with client.listen(resource_subscriptions=[ACCOUNT]) as subscription:
                server.process.send_signal(signal.SIGTERM)
                assert [event async for event in subscription] == []
        assert await server.end() == 0


async def test_a_server_that_ends_opens_no_stream_any_more() -> None:
    """It would have to wait for it."""
    server = create_server(Settings(sandbox_db=":memory:"))
    async with Client(server) as client:
        async with client.listen(resource_subscriptions=[ACCOUNT]) as subscription:
            server.subscriptions.close()
            assert [event async for event in subscription] == []
        with pytest.raises(MCPError, match="shutting down"):
            async with client.listen(resource_subscriptions=[ACCOUNT]):
                pass


async def test_the_eras_do_not_mix(tmp_path: Path) -> None:
    async with running("--sandbox-db", ":memory:", home=tmp_path) as server:
        await server.ask(initialize("2025-11-25"))
        answer = await server.ask(request(1, "subscriptions/listen", notifications={}))
        assert answer["error"]["code"] == -32601
