"""Sign-in at an authorization server that others wrote (npm `oidc-provider`), with the SDK's clients."""

import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import create_server
from subprocess import PIPE
from urllib.parse import parse_qsl, urljoin, urlsplit

import anyio
import httpx2 as httpx
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.auth.oauth2 import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl

from tests.clients.support import TOOLS
from tests.support.hosted import Hosted, Memory, hosting_on, url_of
from tests.support.issuer import CLIENT, SECRET, Issuer
from tests.support.wire import SECONDS, Mode, answer_of, environment

DRIVER = Path(__file__).parent / "drivers/oidc_provider.mjs"
CALLBACK = "http://127.0.0.1:1/callback"
BUY = {"phone_number": "+14155550123", "confirm": True}


@asynccontextmanager
async def signing_in_with(kind: str, home: Path) -> AsyncGenerator[Hosted]:
    """Serve a sandbox whose tokens come from `oidc-provider`, which must know the server's URL before."""
    issuer = Issuer()
    with create_server(("127.0.0.1", 0)) as listening:
        command = [str(TOOLS / "node"), str(DRIVER), url_of(listening), kind, CLIENT, SECRET]
        variables = environment(home, NODE_TOOLS=str(TOOLS), PATH=os.environ["PATH"])
        async with await anyio.open_process(
            command, env=variables, stdout=PIPE, stderr=sys.stderr
        ) as process:
            assert process.stdout
            lines = BufferedByteReceiveStream(process.stdout)
            issuer.url = json.loads(await lines.receive_until(b"\n", 10_000))["issuer"]
            try:
                async with hosting_on(listening, issuer, introspected=home) as hosted:
                    yield hosted
            finally:
                process.kill()


class Person:
    """Somebody in front of a browser, who signs in and consents to what is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._answer: dict[str, str] = {}
        self.asked: list[str] = []

    async def visit(self, url: str) -> None:
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

    async def come_back(self) -> AuthorizationCodeResult:
        """Return what the browser brings to the client."""
        return AuthorizationCodeResult(**self._answer)


async def used(hosted: Hosted, auth: httpx.Auth, mode: Mode, storage: Memory) -> str:
    """Read, and then buy, which takes another scope; return the principal of the purchase."""
    async with httpx.AsyncClient(auth=auth, timeout=SECONDS, verify=False) as http:
        transport = streamable_http_client(hosted.url, http_client=http)
        async with Client(transport, mode=mode) as client:
            assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 0
            assert storage.tokens
            assert storage.tokens.scope == "numbers:read"
            assert answer_of(await client.call_tool("purchase_number", BUY))["phone_number"]
            assert set((storage.tokens.scope or "").split()) == {"numbers:read", "numbers:purchase"}
            (contents,) = (await client.read_resource("telefonie://log")).contents
            (entry,) = json.loads(contents.model_dump()["text"])["entries"]
            return f"{entry['client']}: {entry['principal']}"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_a_program_signs_in_by_client_credentials(kind: str, mode: Mode, tmp_path: Path) -> None:
    async with signing_in_with(kind, tmp_path) as hosted:
        storage = Memory()
        auth = ClientCredentialsOAuthProvider(
            hosted.url, storage, "machine", "machine-secret-0451", issuer=hosted.issuer.url
        )
        found = await used(hosted, auth, mode, storage)
        assert found == f"machine: {hosted.issuer.url} machine"
        assert storage.tokens
        assert (storage.tokens.access_token.count(".") == 2) is (kind == "jwt")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_a_person_signs_in_by_code_with_pkce(kind: str, mode: Mode, tmp_path: Path) -> None:
    async with signing_in_with(kind, tmp_path) as hosted:
        storage, person = Memory(), Person("ann")
        metadata = OAuthClientMetadata(
            redirect_uris=[AnyUrl(CALLBACK)],
            grant_types=["authorization_code"],
            token_endpoint_auth_method="none",
        )
        storage.client = OAuthClientInformationFull(client_id="desk", **metadata.model_dump())
        auth = OAuthClientProvider(hosted.url, metadata, storage, person.visit, person.come_back)
        found = await used(hosted, auth, mode, storage)
        assert found == f"desk: {hosted.issuer.url} ann"
        assert person.asked == ["numbers:read", "numbers:read numbers:purchase"]
