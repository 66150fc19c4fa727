"""Replicas as real processes, on one PostgreSQL, with an issuer, an API, and HAProxy before them."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server
from typing import Any

import anyio
import httpx2 as httpx
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.client.streamable_http import streamable_http_client

from tests.support.faulty import Provider, faulty
from tests.support.haproxy import before
from tests.support.issuer import Issuer, issuing
from tests.support.postgres import new_schema
from tests.support.served import live_variables
from tests.support.wire import SECONDS, Mode, Running, running

SCOPES = "numbers:write numbers:purchase numbers:release"
STATE_KEY = "a-key-of-all-replicas-of-32-characters"


@dataclass
class Place:
    """Where replicas run, and what they use; `tenants` is the file of theirs, if there are several."""

    url: str
    issuer: Issuer
    provider: Provider
    ledger: str
    home: Path
    tenants: Path | None = None

    @asynccontextmanager
    async def replica(self, **variables: str) -> AsyncGenerator[Running]:
        """Run one, for the tenants if there are any."""
        chosen = {
            **live_variables(self.provider, self.home, TELEFONIE_TIMEOUT="60"),
            "TELEFONIE_LEDGER": self.ledger,
            "TELEFONIE_PUBLIC_URL": self.url,
            "TELEFONIE_ISSUER": self.issuer.url,
            "TELEFONIE_STATE_KEYS": STATE_KEY,
            "TELEFONIE_DRAIN_SECONDS": "0",
            **variables,
        }
        if self.tenants:
            del chosen["TELEFONIE_API_KEY"]
            chosen |= {"TELEFONIE_TENANTS": str(self.tenants), "TELEFONIE_TENANT_CLAIM": "org_id"}
        async with running("--http", "127.0.0.1:0", home=self.home, variables=chosen) as server:
            yield server

    @asynccontextmanager
    async def client(
        self,
        address: str = "",
        mode: Mode = "auto",
        callback: ElicitationFnT | None = None,
        **claims: Any,
    ) -> AsyncGenerator[Client]:
        """Connect a client, to a replica or to all of them."""
        headers = {"Authorization": f"Bearer {self.issuer.token(self.url, SCOPES, **claims)}"}
        if address:  # past the proxy, which would have said this
            headers["Host"] = self.url.split("/")[2]
        async with (
            httpx.AsyncClient(headers=headers, timeout=SECONDS) as http,
            Client(
                streamable_http_client(address or self.url, http_client=http),
                mode=mode,
                elicitation_callback=callback,
            ) as client,
        ):
            yield client


@asynccontextmanager
async def place(
    postgresql: str, home: Path, provider: Provider | None = None
) -> AsyncGenerator[tuple[Place, int]]:
    """Prepare everything, and a socket on which the proxy will listen."""
    with create_server(("127.0.0.1", 0), backlog=512) as listener, anyio.fail_after(SECONDS):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        async with issuing() as issuer, faulty(provider) as api:
            yield Place(url, issuer, api, new_schema(postgresql), home), listener.fileno()


@asynccontextmanager
async def behind(made: Place, listener: int, **variables: str) -> AsyncGenerator[list[Running]]:
    """Run replicas behind HAProxy."""
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(made.replica(**variables)) for _ in range(2)]
        addresses = [(await each.address()).split("/")[2] for each in replicas]
        port = int(made.url.split(":")[2].partition("/")[0])
        for each in replicas:  # the proxy would look again two seconds after it finds one that is not
            await until_ready(each)
        await stack.enter_async_context(before(listener, port, addresses, made.home))
        yield replicas


async def ready(server: Running) -> tuple[int, dict[str, Any]]:
    # Nothing is encrypted; to read certificates takes long enough to miss a server that drains.
    async with httpx.AsyncClient(timeout=SECONDS, verify=False) as client:
        answer = await client.get((await server.address()).replace("/mcp", "/readyz"))
    return answer.status_code, answer.json()


async def until_ready(server: Running) -> dict[str, Any]:
    while (found := await ready(server))[0] != 200:
        await anyio.sleep(0.02)
    return found[1]
