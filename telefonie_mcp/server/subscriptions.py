"""Tells clients that a resource has changed, in both protocol eras.

2026-07-28: a client listens with one ``subscriptions/listen`` request, whose response is the stream; what is
acknowledged is what can happen here, and nothing listed ever changes. 2025-11-25 and earlier: it subscribes
to URIs one by one, and is told on its connection.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.shared.exceptions import MCPError

__all__ = ["Subscriptions"]

_URIS: Final = 1024
_PATIENCE: Final = 1.0  # seconds for a client that does not take what it is told

_Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class _Subscriber:
    session: ServerSession
    uris: set[str] = field(default_factory=set[str])


class Subscriptions:
    """Everybody who follows resources of one server.

    Args:
        may_change: Whether a URI is one of a resource that can change through this server.
        connections: How many legacy connections can follow something; whether one has gone, nobody tells.

    """

    def __init__(self, may_change: Callable[[str], bool], *, connections: int = 1024) -> None:
        self._may_change = may_change
        self._connections = connections
        self._bus = InMemorySubscriptionBus()
        self._streams = ListenHandler(self._bus)
        self._subscribers: OrderedDict[int, _Subscriber] = OrderedDict()

    async def listen(
        self, ctx: _Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """Serve one stream, of those among the wanted resources that can change."""
        uris = [uri for uri in params.notifications.resource_subscriptions or () if self._may_change(uri)]
        honoured = types.SubscriptionFilter(resource_subscriptions=uris)
        return await self._streams(ctx, params.model_copy(update={"notifications": honoured}))

    async def subscribe(self, ctx: _Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        """Remember that a connection follows a URI; of too many connections, the oldest is forgotten.

        Raises:
            MCPError: it cannot change through this server, or the connection follows too many.

        """
        if not self._may_change(params.uri):
            raise MCPError(
                types.INVALID_PARAMS, "No resource that can change through this server has that URI"
            )
        subscriber = self._subscribers.setdefault(_connection(ctx), _Subscriber(ctx.session))
        if len(subscriber.uris) >= _URIS:
            raise MCPError(
                types.INVALID_PARAMS, f"A connection can follow {_URIS} resources; unsubscribe first"
            )
        subscriber.uris.add(params.uri)
        if len(self._subscribers) > self._connections:
            self._subscribers.popitem(last=False)
        return types.EmptyResult()

    async def unsubscribe(self, ctx: _Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        """Forget that a connection follows a URI."""
        if subscriber := self._subscribers.get(_connection(ctx)):
            subscriber.uris.discard(params.uri)
        return types.EmptyResult()

    async def tell(self, uris: Iterable[str]) -> None:
        """Say that resources have changed, each to those who follow this spelling of its URI."""
        async with anyio.create_task_group() as tasks:
            for uri in uris:
                await self._bus.publish(ResourceUpdated(uri))
                for connection, subscriber in self._subscribers.items():
                    if uri in subscriber.uris:
                        tasks.start_soon(self._tell, connection, subscriber, uri)

    async def _tell(self, connection: int, subscriber: _Subscriber, uri: str) -> None:
        """Say it to one connection, and forget it if it does not listen."""
        with anyio.move_on_after(_PATIENCE) as waiting:
            await subscriber.session.send_resource_updated(uri)
        if waiting.cancelled_caught:
            self._subscribers.pop(connection, None)

    def close(self) -> None:
        """End every stream with its result, which says that this was meant."""
        self._streams.close()


def _connection(ctx: _Context) -> int:
    """Return what tells a legacy connection from others, as long as its session is kept: its handshake."""
    return id(ctx.session.client_params)
