"""Any ASGI application on a socket, served by this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from socket import create_server, socket
from typing import Any, Literal

import anyio
import uvicorn


@asynccontextmanager
async def serving_on(
    listening: socket, application: Any, lifespan: Literal["auto", "on", "off"] = "auto"
) -> AsyncGenerator[None]:
    """Serve `application` on a socket that listens."""
    config = uvicorn.Config(
        application, lifespan=lifespan, log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        # Also after a failure it closes its sockets, or the event loop would take later ones for them.
        with anyio.CancelScope(shield=True):
            await server.serve([listening])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        try:
            yield
        finally:
            server.should_exit = True


@asynccontextmanager
async def serving(application: Any, lifespan: Literal["auto", "on", "off"] = "auto") -> AsyncGenerator[str]:
    """Serve `application` on a free port of this machine and give its origin, `http://HOST:PORT`."""
    with create_server(("127.0.0.1", 0)) as listening:
        async with serving_on(listening, application, lifespan):
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
