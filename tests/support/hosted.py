"""A hosted server in this process, on a real socket, and clients that sign in."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from socket import create_server, socket
from typing import Any

import anyio
import httpx2 as httpx
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.auth.oauth2 import TokenStorage
from mcp.client.session import ElicitationFnT
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.server.auth.gate import Gate
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.server.http import http_app
from telefonie_mcp.settings.fields import Settings
from tests.support.issuer import CLIENT, SECRET, Issuer
from tests.support.served import DECIDE_ABOUT_TOOLS
from tests.support.serving import serving_on
from tests.support.wire import MODERN, SECONDS, Mode, initialize, request


@cache
def _usual() -> App:
    return App.from_settings(Settings(sandbox_db=":memory:"))


@dataclass
class Hosted:
    """A hosted server, and the issuer of its tokens."""

    url: str
    issuer: Issuer
    app: App
    gate: Gate

    def token(self, scope: str = "numbers:read", **changes: Any) -> str:
        """Return a token for this server."""
        return self.issuer.token(self.url, scope, **changes)

    async def post(
        self,
        token: str | None,
        method: str = "tools/list",
        *,
        modern: bool = True,
        headers: Mapping[str, str | bytes] | None = None,
        **params: Any,
    ) -> httpx.Response:
        """Send one request of 2026-07-28, or the first one of 2025-11-25."""
        message = request(1, method, modern=True, **params) if modern else initialize("2025-11-25")
        sent: dict[Any, Any] = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN if modern else "2025-11-25",
            "Mcp-Method": str(message["method"]),
            **({"Mcp-Name": params["name"]} if "name" in params else {}),
            **({"Authorization": f"Bearer {token}"} if token is not None else {}),
            **(headers or {}),
        }
        # Nothing is encrypted, so no certificate is read.
        async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
            return await client.post(self.url, json=message, headers=sent)


@asynccontextmanager
async def hosting(
    issuer: Issuer, *, introspected: Path | None = None, **changes: Any
) -> AsyncGenerator[Hosted]:
    """Serve a sandbox to those who have a token of `issuer`.

    Args:
        issuer: The issuer.
        introspected: A directory for the secret with which opaque tokens are looked up.
        changes: Further settings.

    """
    with create_server(("127.0.0.1", 0)) as listening:
        async with hosting_on(listening, issuer, introspected=introspected, **changes) as hosted:
            yield hosted


def url_of(listening: socket) -> str:
    """Return the URL of a server on a socket that listens already."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"


@asynccontextmanager
async def hosting_on(
    listening: socket, issuer: Issuer, *, introspected: Path | None = None, **changes: Any
) -> AsyncGenerator[Hosted]:
    """Do what `hosting` does on a socket whose URL somebody had to know before."""
    if introspected:
        secret = introspected / "client-secret"
        secret.write_text(SECRET)
        changes |= {
            "introspection_url": issuer.introspection_url,
            "introspection_client": CLIENT,
            "introspection_secret_file": secret,
        }
    url = url_of(listening)
    chosen: dict[str, Any] = {"sandbox_db": ":memory:", "ledger": SecretStr(":memory:")}
    chosen |= {"public_url": url, "issuer": issuer.url, **changes}
    settings = Settings(**chosen)
    if DECIDE_ABOUT_TOOLS.isdisjoint(changes):
        app = replace(_usual(), settings=settings, write_observers=[])
    else:
        app = App.from_settings(settings)
    gate = http_app(mcp_server(app), app)
    assert isinstance(gate, Gate)
    async with serving_on(listening, gate):
        with anyio.fail_after(SECONDS):
            yield Hosted(url, issuer, app, gate)


class Memory(TokenStorage):
    """Keeps what a client was granted."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@asynccontextmanager
async def signed_in(
    hosted: Hosted,
    name: str = "assistant",
    mode: Mode = "auto",
    storage: Memory | None = None,
    elicitation_callback: ElicitationFnT | None = None,
) -> AsyncGenerator[Client]:
    """Connect the SDK's client, which signs in by client credentials as `name` when it is challenged."""
    auth = ClientCredentialsOAuthProvider(
        hosted.url, storage or Memory(), name, "a-secret", issuer=hosted.issuer.url
    )
    async with httpx.AsyncClient(auth=auth, timeout=SECONDS, verify=False) as http:
        transport = streamable_http_client(hosted.url, http_client=http)
        async with Client(transport, mode=mode, elicitation_callback=elicitation_callback) as client:
            yield client
