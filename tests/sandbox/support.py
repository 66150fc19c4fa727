"""Helpers of the sandbox's tests: a client for an application, and a real server for it."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2 as httpx
import uvicorn
from starlette.applications import Starlette

from telefonie_mcp.sandbox import create_sandbox

KEY = "test-key-1"


def connect(app: Starlette, key: str | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://sandbox.invalid/v1/numbers",
        headers={} if key is None else {"X-API-Key": key},
    )


def embedded() -> httpx.AsyncClient:
    return connect(create_sandbox(":memory:", embedded=True))


@asynccontextmanager
async def serve(app: Starlette) -> AsyncGenerator[str]:
    """Serve `app` on a free port of this machine and give its base URL."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listening])
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1/numbers"
            finally:
                server.should_exit = True


def problem(response: httpx.Response) -> dict[str, Any]:
    """Return the body of a response that must be a complete problem."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == "about:blank"
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"].endswith((".", "."))
    return body
