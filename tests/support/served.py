"""Live servers in this process, whose API is a `Provider`."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.client.session import ElicitationFnT
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.upstream.client import Transport
from tests.support.faulty import NUMBER, Provider
from tests.support.wire import SECONDS, Mode, answer_of

KEY = "distinctive-key-0451"
NEW_URL = "https://example.com/new"
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "purchase_number": ("POST", {"phone_number": NUMBER, "confirm": True}),
    "update_owned_number": ("POST", {"phone_number": NUMBER, "voice_url": NEW_URL}),
    "release_number": ("DELETE", {"phone_number": NUMBER, "confirm": True}),
}

DECIDE_ABOUT_TOOLS = frozenset(
    {"currency", "exclude_tools", "live_porting", "number_types", "read_only", "spec", "tools", "toolsets"}
)
"""Settings by which the catalog differs."""


def live_variables(provider: Provider, home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a server whose API is `provider`, with a ledger below `home`."""
    return {
        "TELEFONIE_API_KEY": KEY,
        "TELEFONIE_BASE_URL": provider.url,
        "TELEFONIE_LEDGER": str(home / "ledger.sqlite3"),
        **variables,
    }


def live_settings(provider: Provider | None, seconds: float = 5, **changes: Any) -> Settings:
    """Return settings with an API key, and a ledger in memory; without a provider, of the public API."""
    chosen: dict[str, Any] = {"api_key": SecretStr(KEY), "ledger": SecretStr(":memory:"), "timeout": seconds}
    if provider is not None:
        chosen["base_url"] = provider.url
    return Settings(**{**chosen, **changes})


@cache
def _usual() -> App:
    return App.from_settings(live_settings(None))


def _live(settings: Settings, changed: Collection[str], transport: Transport | None = None) -> App:
    """Return an app; its documents are read once for all that have the same tools."""
    if DECIDE_ABOUT_TOOLS.isdisjoint(changed):
        return replace(_usual(), settings=settings, transport=transport, write_observers=[])
    return App.from_settings(settings, transport=transport)


@asynccontextmanager
async def live_app(
    provider: Provider | None, seconds: float = 5, transport: Transport | None = None, **changes: Any
) -> AsyncGenerator[App]:
    """Give the parts of a live server, whose requests go to `provider` or through `transport`."""
    app = _live(live_settings(provider, seconds, **changes), changes.keys(), transport)
    try:
        yield app
    finally:
        await app.aclose()


@asynccontextmanager
async def served(
    provider: Provider,
    seconds: float = 5,
    mode: Mode = "auto",
    elicitation_callback: ElicitationFnT | None = None,
    **changes: Any,
) -> AsyncGenerator[Client]:
    """Connect a client to a server in memory that gives a call `seconds`."""
    server = mcp_server(_live(live_settings(provider, seconds, **changes), changes.keys()))
    with anyio.fail_after(SECONDS):
        async with Client(server, mode=mode, elicitation_callback=elicitation_callback) as client:
            yield client


async def called(client: Client, name: str, **changes: Any) -> dict[str, Any]:
    """Return the answer to one of `WRITES`, with some arguments changed."""
    return answer_of(await client.call_tool(name, {**WRITES[name][1], **changes}))


def written(provider: Provider) -> int:
    """Return how many requests reached the provider that write."""
    return provider.count("POST") + provider.count("DELETE")
