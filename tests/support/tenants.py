"""A hosted server with tenants in this process, over a sandbox that has an account per key."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_server
from typing import Any

import anyio
import httpx2 as httpx
from mcp import Client
from mcp.client.session import ElicitationFnT, MessageHandlerFnT
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr

from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.server.http import gated
from telefonie_mcp.server.tenants import TenantServers
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.upstream.client import Transport, asgi_transport
from tests.support.issuer import Issuer
from tests.support.serving import serving_on
from tests.support.wire import MODERN, SECONDS, Mode, initialize, request

ALL = "numbers:write numbers:purchase numbers:release"


def key_of(name: str) -> str:
    return f"key-of-{name}-0451"


@dataclass
class Office:
    """A server with tenants."""

    url: str
    issuer: Issuer
    servers: TenantServers
    directory: Path
    tables: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def token(self, tenant: str, scope: str = ALL, **changes: Any) -> str:
        claims: dict[str, Any] = {"sub": f"person-of-{tenant}", "org_id": f"org-{tenant}", **changes}
        return self.issuer.token(self.url, scope, **claims)

    async def post(
        self,
        token: str,
        method: str = "tools/list",
        *,
        modern: bool = True,
        headers: dict[str, str] | None = None,
        **params: Any,
    ) -> httpx.Response:
        """Send one request of 2026-07-28, or the first one of 2025-11-25."""
        message = request(1, method, modern=True, **params) if modern else initialize("2025-11-25")
        sent = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN if modern else "2025-11-25",
            "Mcp-Method": str(message["method"]),
            **({"Mcp-Name": params["name"]} if "name" in params else {}),
            "Authorization": f"Bearer {token}",
            **(headers or {}),
        }
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            return await client.post(self.url, json=message, headers=sent)

    @asynccontextmanager
    async def client(
        self,
        tenant: str,
        mode: Mode = "auto",
        handler: MessageHandlerFnT | None = None,
        elicitation: ElicitationFnT | None = None,
        **changes: Any,
    ) -> AsyncGenerator[Client]:
        """Connect a client of a tenant."""
        lines = {"Authorization": f"Bearer {self.token(tenant, **changes)}"}
        async with (
            httpx.AsyncClient(headers=lines, timeout=SECONDS) as http,
            Client(
                streamable_http_client(self.url, http_client=http),
                mode=mode,
                message_handler=handler,
                elicitation_callback=elicitation,
            ) as client,
        ):
            yield client

    def write(self, tables: Mapping[str, Mapping[str, Any]]) -> Path:
        """Write the file of tenants, and their keys."""
        return write_tenants(self.directory, tables)


def write_tenants(directory: Path, tables: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a file of tenants, each with its key, and return its path."""
    lines: list[str] = []
    for name, members in tables.items():
        key = directory / f"{name}.key"
        key.write_text(members.get("key", key_of(name)))
        key.chmod(0o600)
        claim = members.get("claim", f"org-{name}")
        lines += [f"[tenants.{name}]", f'claim = "{claim}"', f'api_key_file = "{key.name}"']
        lines += [f"{name} = {value}" for name, value in members.items() if name not in {"key", "claim"}]
    file = directory / "tenants.toml"
    file.write_text("\n".join(lines))
    return file


@asynccontextmanager
async def office(
    issuer: Issuer,
    directory: Path,
    tables: Mapping[str, Mapping[str, Any]],
    *,
    most: int = 64,
    transport: Transport | None = None,
    seconds: float = SECONDS,
    **changes: Any,
) -> AsyncGenerator[Office]:
    """Serve tenants to those who have a token of `issuer`, for so many `seconds` at most.

    Without `transport`, their API is the sandbox.
    """
    file = write_tenants(directory, tables)
    api = transport or asgi_transport(create_sandbox(":memory:"))
    with create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # as the real server does
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        chosen: dict[str, Any] = {
            "public_url": url,
            "issuer": issuer.url,
            "tenants": file,
            "tenant_claim": "org_id",
            "base_url": "http://127.0.0.1:9/v1/numbers",
            "ledger": SecretStr(str(directory / "ledger.sqlite3")),
            **changes,
        }
        servers = TenantServers.from_settings(Settings(**chosen), transport=api, most=most)
        gate = gated(servers.application(), servers.settings)
        async with serving_on(listening, gate):
            with anyio.fail_after(seconds):
                yield Office(url, issuer, servers, directory)
