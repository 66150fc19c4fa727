"""A request that is held in the middle, until a test lets it go on."""

from dataclasses import dataclass, field

import anyio

from tests.support.faulty import Exchange, Fault


@dataclass
class Held:
    """A fault that holds each request until `go` is set, and then does what `then` does.

    `arrived` is set when the first request is there. The method `until_the_client_leaves` is a fault too: it
    never answers, and sets `left` when the client has closed the connection.
    """

    then: Fault = Exchange.honest
    arrived: anyio.Event = field(default_factory=anyio.Event)
    go: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, exchange: Exchange) -> None:
        self.arrived.set()
        await self.go.wait()
        await self.then(exchange)

    async def until_the_client_leaves(self, exchange: Exchange) -> None:
        self.arrived.set()
        await exchange.gone()
        self.left.set()
