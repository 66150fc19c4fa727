"""Resource subscriptions (MCP ``notifications/resources/updated``), in both protocol eras.

2026-07-28: a client sends one ``subscriptions/listen`` request, whose response is an event stream. Only
resources that can change are acknowledged; changes of lists never are. 2025-11-25 and earlier: a client
subscribes to each URI with ``resources/subscribe``, and is notified on its connection.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp.shared.exceptions import MCPError

__all__ = ["Subscriptions"]

_MAX_URIS: Final = 1024
"""Maximum number of resources that one stream or one legacy connection follows."""

_MAX_STREAMS: Final = 10_000
"""Maximum number of event streams; an HTTP server's limit of connections is lower."""

_SEND_SECONDS: Final = 1.0
"""How long a legacy connection may take to accept a notification before its subscriptions are dropped."""

_Context = ServerRequestContext[Any, Any]


class _Subscriber(NamedTuple):
    session: ServerSession
    uris: set[str]


class Subscriptions:
    """The subscribers of one server.

    Args:
        may_change: Whether a URI is that of a resource that a request sees, and that this server can change.
        connections: Maximum number of legacy connections with subscriptions; the oldest one is dropped beyond
            it.
        sessions: Whether a legacy client has a connection on which it can be notified.

    """

    def __init__(
        self, may_change: Callable[[_Context, str], bool], *, connections: int = 1024, sessions: bool = True
    ) -> None:
        self._may_change = may_change
        self._connections = connections
        self._sessions = sessions
        self._bus = InMemorySubscriptionBus()
        self._streams = ListenHandler(self._bus, max_subscriptions=_MAX_STREAMS)
        self._closed = False
        self._followed = Counter[str]()
        self._subscribers: OrderedDict[int, _Subscriber] = OrderedDict()

    async def listen(
        self, ctx: _Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """Serve one event stream, for the requested resources that can change.

        Raises:
            MCPError: it asks for too many resources, or the server is about to stop.

        """
        if self._closed:
            raise MCPError(types.INTERNAL_ERROR, "The server is shutting down; listen again when it is back")
        wanted = params.notifications.resource_subscriptions or ()
        if len(wanted) > _MAX_URIS:
            raise MCPError(types.INVALID_PARAMS, f"A stream can follow {_MAX_URIS} resources")
        uris = [uri for uri in wanted if self._may_change(ctx, uri)]
        honoured = types.SubscriptionFilter(resource_subscriptions=uris)
        self._followed.update(uris)
        try:
            return await self._streams(ctx, params.model_copy(update={"notifications": honoured}))
        finally:
            self._followed.subtract(uris)
            for uri in uris:
                if not self._followed[uri]:
                    del self._followed[uri]

    async def subscribe(self, ctx: _Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        """Subscribe a legacy connection to a URI.

        Raises:
            MCPError: the resource cannot change through this server, there is no connection to notify the
                client on, or it has too many subscriptions.

        """
        if not self._sessions:
            raise MCPError(
                types.INVALID_PARAMS,
                "This server keeps no sessions for clients of 2025-11-25 (TELEFONIE_LEGACY_SESSIONS is "
                "stateless), so it cannot notify them; read the resource again",
            )
        if not self._may_change(ctx, params.uri):
            raise MCPError(
                types.INVALID_PARAMS, "No resource that can change through this server has that URI"
            )
        subscriber = self._subscriber(ctx)
        if len(subscriber.uris) >= _MAX_URIS:
            raise MCPError(
                types.INVALID_PARAMS, f"A connection can follow {_MAX_URIS} resources; unsubscribe first"
            )
        subscriber.uris.add(params.uri)
        if len(self._subscribers) > self._connections:
            self._subscribers.popitem(last=False)
        return types.EmptyResult()

    async def unsubscribe(self, ctx: _Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        """Remove a subscription of a legacy connection."""
        if subscriber := self._subscribers.get(_connection(ctx)):
            subscriber.uris.discard(params.uri)
        return types.EmptyResult()

    def _subscriber(self, ctx: _Context) -> _Subscriber:
        """Return the legacy connection of a request, which is forgotten when it ends."""
        connection = _connection(ctx)
        if known := self._subscribers.get(connection):
            return known
        # The SDK means this stack for handlers, and does not hand it to those of a low-level server.
        ending: AsyncExitStack | None = getattr(getattr(ctx.session, "_connection", None), "exit_stack", None)
        if ending:
            ending.callback(self._subscribers.pop, connection, None)
        return self._subscribers.setdefault(connection, _Subscriber(ctx.session, set()))

    @property
    def followed(self) -> set[str]:
        """The URIs that have subscribers."""
        return {*self._followed}.union(*(subscriber.uris for subscriber in self._subscribers.values()))

    async def notify(self, uris: Collection[str] | None) -> None:
        """Notify the subscribers of each URI; different spellings of a URI are different subscriptions.

        Args:
            uris: What may have changed; ``None``: every resource.

        """
        uris = self.followed if uris is None else uris
        async with anyio.create_task_group() as tasks:
            for uri in uris:
                await self._bus.publish(ResourceUpdated(uri))
                for connection, subscriber in [*self._subscribers.items()]:
                    if uri in subscriber.uris:
                        tasks.start_soon(self._notify, connection, subscriber, uri)

    async def _notify(self, connection: int, subscriber: _Subscriber, uri: str) -> None:
        """Notify one legacy connection, and drop its subscriptions if it does not accept the message."""
        with anyio.move_on_after(_SEND_SECONDS) as waiting:
            await subscriber.session.send_resource_updated(uri)
        if waiting.cancelled_caught:
            self._subscribers.pop(connection, None)

    def close(self) -> None:
        """End every event stream with a regular result, so that clients do not take it for a failure.

        Further ones are refused: they would have to be ended again.
        """
        self._closed = True
        self._streams.close()


def _connection(ctx: _Context) -> int:
    """Return the identity of a legacy connection: that of its handshake, as long as its session is kept."""
    return id(ctx.session.client_params)
