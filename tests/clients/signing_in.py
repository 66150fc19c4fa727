"""Sign-in at an authorization server that others wrote (npm `oidc-provider`), by programs and by people."""

import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from urllib.parse import parse_qsl, urljoin, urlsplit

import anyio
import httpx2 as httpx
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.auth.oauth2 import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl

from tests.clients.support import TOOLS
from tests.support.hosted import Memory
from tests.support.issuer import CLIENT, SECRET
from tests.support.wire import SECONDS, environment

DRIVER = Path(__file__).parent / "drivers/oidc_provider.mjs"
CALLBACK = "http://127.0.0.1:1/callback"


@asynccontextmanager
async def authorization_server(resource: str, home: Path, kind: str = "jwt") -> AsyncGenerator[str]:
    """Run `oidc-provider` for one resource, and give the URL of the issuer.

    Args:
        resource: The URL of the resource.
        home: A directory for the process.
        kind: Of tokens, ``jwt`` or ``opaque``.

    """
    command = [str(TOOLS / "node"), str(DRIVER), resource, kind, CLIENT, SECRET]
    variables = environment(home, NODE_TOOLS=str(TOOLS), PATH=os.environ["PATH"])
    async with await anyio.open_process(command, env=variables, stdout=PIPE, stderr=sys.stderr) as process:
        assert process.stdout
        lines = BufferedByteReceiveStream(process.stdout)
        try:
            yield json.loads(await lines.receive_until(b"\n", 10_000))["issuer"]
        finally:
            process.kill()


class Program:
    """A program that signs in by client credentials; it belongs to the tenant `support`."""

    def __init__(self) -> None:
        self.granted = Memory()

    def auth(self, url: str, issuer: str) -> httpx.Auth:
        """Return what signs in at the issuer when the resource at `url` asks for it."""
        return ClientCredentialsOAuthProvider(
            url, self.granted, "machine", "machine-secret-0451", issuer=issuer
        )


class Person:
    """Somebody in front of a browser, who signs in by code with PKCE and consents to what is asked for.

    Args:
        name: Whom to sign in as; what is behind an `@` is the tenant.

    Attributes:
        asked: The scopes of each visit.

    """

    def __init__(self, name: str) -> None:
        self.granted = Memory()
        self.asked: list[str] = []
        self._name = name
        self._answer: dict[str, str] = {}

    def auth(self, url: str, issuer: str) -> httpx.Auth:
        """Return what signs in at the issuer that the resource at `url` names."""
        metadata = OAuthClientMetadata(
            redirect_uris=[AnyUrl(CALLBACK)],
            grant_types=["authorization_code"],
            token_endpoint_auth_method="none",
        )
        self.granted.client = OAuthClientInformationFull(
            client_id="desk", issuer=issuer, **metadata.model_dump()
        )
        return OAuthClientProvider(url, metadata, self.granted, self._visit, self._come_back)

    async def _visit(self, url: str) -> None:
        """Open a page of the authorization server, and fill in its forms until it sends the browser back."""
        self.asked.append(dict(parse_qsl(urlsplit(url).query))["scope"])
        async with httpx.AsyncClient(verify=False, timeout=SECONDS) as browser:
            answer = await browser.get(url)
            for _ in range(20):
                if (target := answer.headers.get("location")) is not None:
                    url = urljoin(str(answer.url), target)
                    if url.startswith(CALLBACK):
                        self._answer = dict(parse_qsl(urlsplit(url).query))
                        return
                    answer = await browser.get(url)
                    continue
                form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
                assert form, answer.text
                assert prompt, answer.text
                fields = {"prompt": prompt[1], "login": self._name, "password": "any"}
                answer = await browser.post(urljoin(str(answer.url), form[1]), data=fields)
        raise AssertionError(answer.text)

    async def _come_back(self) -> AuthorizationCodeResult:
        """Return what the browser brings to the client."""
        return AuthorizationCodeResult(**self._answer)
