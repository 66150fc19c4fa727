"""A provider on a socket that can be held in the middle of a purchase."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import create_server

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from telefonie_mcp.sandbox import create_sandbox

KEY = "key-of-a-test-0123456789"


@dataclass
class Upstream:
    """Counts purchases, and lets each, or everything if `hanging`, wait for `go` before the sandbox."""

    url: str = ""
    purchases: int = 0
    hanging: bool = False
    arrived: anyio.Event = field(default_factory=anyio.Event)
    go: anyio.Event = field(default_factory=anyio.Event)
    sandbox: ASGIApp = field(default_factory=lambda: create_sandbox(":memory:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        purchase = scope["method"] == "POST" and scope["path"].endswith("/owned")
        self.purchases += purchase
        if purchase or self.hanging:
            self.arrived.set()
            await self.go.wait()
        await self.sandbox(scope, receive, send)


@asynccontextmanager
async def upstream() -> AsyncGenerator[Upstream]:
    """Serve an `Upstream` on a free port of this machine."""
    provider = Upstream()
    server = uvicorn.Server(uvicorn.Config(provider, log_config=None, lifespan="off"))
    with create_server(("127.0.0.1", 0)) as listening:
        provider.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1/numbers"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listening])
            try:
                yield provider
            finally:
                provider.go.set()
                server.should_exit = True
