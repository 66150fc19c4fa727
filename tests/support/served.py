"""A live server in this process, whose API is a `Provider`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from tests.support.faulty import NUMBER, Provider
from tests.support.wire import answer_of

KEY = "distinctive-key-0451"
NEW_URL = "https://example.com/new"
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "purchase_number": ("POST", {"phone_number": NUMBER, "confirm": True}),
    "update_owned_number": ("POST", {"phone_number": NUMBER, "voice_url": NEW_URL}),
    "release_number": ("DELETE", {"phone_number": NUMBER, "confirm": True}),
}


def live(provider: Provider, seconds: float = 2) -> Settings:
    """Return settings for an API key, with a ledger in memory."""
    return Settings(
        api_key=SecretStr(KEY), base_url=provider.url, ledger=SecretStr(":memory:"), timeout=seconds
    )


@asynccontextmanager
async def served(provider: Provider, seconds: float = 2) -> AsyncGenerator[Client]:
    """Connect a client to a server that gives a call `seconds`."""
    with anyio.fail_after(20):
        async with Client(create_server(live(provider, seconds))) as client:
            yield client


async def called(client: Client, name: str, **changes: Any) -> dict[str, Any]:
    """Return the answer to one of `WRITES`, with some arguments changed."""
    return answer_of(await client.call_tool(name, {**WRITES[name][1], **changes}))


def written(provider: Provider) -> int:
    """Return how many requests reached the provider that write."""
    return provider.count("POST") + provider.count("DELETE")
