"""The SDK's clients sign in at an authorization server that others wrote, and step up when a call asks."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import create_server

import httpx2 as httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.clients.signing_in import Person, Program, authorization_server
from tests.support.hosted import Hosted, hosting_on, url_of
from tests.support.issuer import Issuer
from tests.support.wire import SECONDS, Mode, answer_of

BUY = {"phone_number": "+14155550123", "confirm": True}


@asynccontextmanager
async def signing_in_with(kind: str, home: Path) -> AsyncGenerator[Hosted]:
    """Serve a sandbox whose tokens come from `oidc-provider`, which must know the server's URL before."""
    with create_server(("127.0.0.1", 0)) as listening:
        async with (
            authorization_server(url_of(listening), home, kind) as issuer,
            hosting_on(listening, Issuer(issuer), introspected=home) as hosted,
        ):
            yield hosted


async def used(hosted: Hosted, who: Person | Program, mode: Mode) -> str:
    """Read, and then buy, which takes another scope; return the principal of the purchase."""
    auth = who.auth(hosted.url, hosted.issuer.url)
    async with httpx.AsyncClient(auth=auth, timeout=SECONDS, verify=False) as http:
        transport = streamable_http_client(hosted.url, http_client=http)
        async with Client(transport, mode=mode) as client:
            assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 0
            assert who.granted.tokens
            assert who.granted.tokens.scope == "numbers:read"
            assert answer_of(await client.call_tool("purchase_number", BUY))["phone_number"]
            assert set((who.granted.tokens.scope or "").split()) == {"numbers:read", "numbers:purchase"}
            (contents,) = (await client.read_resource("telefonie://log")).contents
            (entry,) = json.loads(contents.model_dump()["text"])["entries"]
            return f"{entry['client']}: {entry['principal']}"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_a_program_signs_in_by_client_credentials(kind: str, mode: Mode, tmp_path: Path) -> None:
    async with signing_in_with(kind, tmp_path) as hosted:
        program = Program()
        found = await used(hosted, program, mode)
        assert found == f"machine: {hosted.issuer.url} machine"
        assert program.granted.tokens
        assert (program.granted.tokens.access_token.count(".") == 2) is (kind == "jwt")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("kind", ["jwt", "opaque"])
async def test_a_person_signs_in_by_code_with_pkce(kind: str, mode: Mode, tmp_path: Path) -> None:
    async with signing_in_with(kind, tmp_path) as hosted:
        person = Person("ann")
        found = await used(hosted, person, mode)
        assert found == f"desk: {hosted.issuer.url} ann"
        assert person.asked == ["numbers:read", "numbers:read numbers:purchase"]
