"""Helpers of the sandbox's tests: a client for an application, and a real server for it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2 as httpx
from starlette.applications import Starlette

from telefonie_mcp.sandbox import create_sandbox
from tests.support.serving import serving

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
    async with serving(app, "on") as origin:
        yield f"{origin}/v1/numbers"


def problem(response: httpx.Response) -> dict[str, Any]:
    """Return the body of a response that must be a complete problem."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == "about:blank"
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"].endswith((".", "."))
    return body
