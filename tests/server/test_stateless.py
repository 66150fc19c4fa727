"""``TELEFONIE_LEGACY_SESSIONS=stateless``: clients of 2025 use any replica, and learn what they cannot."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from pathlib import Path
from socket import create_server
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from mcp import Client, MCPError
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult, EmptyResult, SubscribeRequest, SubscribeRequestParams
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from tests.support.faulty import NUMBER, Provider, faulty
from tests.support.hosted import hosting, url_of
from tests.support.issuer import Issuer, issuing
from tests.support.served import KEY
from tests.support.serving import serving_on
from tests.support.wire import SECONDS, answer_of

BUY: dict[str, Any] = {"phone_number": NUMBER, "confirm": True}
SCOPES = "numbers:write numbers:purchase numbers:release"


class RoundRobin:
    """Gives each request to the next of several servers, and counts them."""

    def __init__(self, applications: list[Any]) -> None:
        self.served = [0] * len(applications)
        self._next = cycle(enumerate(applications))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number, application = next(self._next)
        self.served[number] += 1
        await application(scope, receive, send)


@asynccontextmanager
async def two_replicas(
    provider: Provider, issuer: Issuer, home: Path, **changes: Any
) -> AsyncGenerator[tuple[str, RoundRobin]]:
    with create_server(("127.0.0.1", 0)) as listening, anyio.fail_after(SECONDS):
        chosen: dict[str, Any] = {
            "public_url": url_of(listening),
            "api_key": SecretStr(KEY),
            "base_url": provider.url,
            "sandbox_db": None,
            "ledger": SecretStr(str(home / "ledger.sqlite3")),
            "legacy_sessions": "stateless",
            **changes,
        }
        async with AsyncExitStack() as stack:
            replicas = [await stack.enter_async_context(hosting(issuer, **chosen)) for _ in range(2)]
            both = RoundRobin([replica.gate for replica in replicas])
            await stack.enter_async_context(serving_on(listening, both, "off"))
            yield url_of(listening), both


@asynccontextmanager
async def legacy(url: str, issuer: Issuer) -> AsyncGenerator[Client]:
    """Connect a client of 2025 that could ask a person."""

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        raise AssertionError(params)

    headers = {"Authorization": f"Bearer {issuer.token(url, SCOPES)}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=SECONDS) as http,
        Client(
            streamable_http_client(url, http_client=http), mode="legacy", elicitation_callback=never
        ) as client,
    ):
        yield client


async def test_a_client_of_2025_reads_previews_and_buys_through_any_replica(tmp_path: Path) -> None:
    async with (
        faulty() as provider,
        issuing() as issuer,
        two_replicas(provider, issuer, tmp_path) as (url, both),
        legacy(url, issuer) as client,
    ):
        assert len((await client.list_tools()).tools) > 1
        for _ in range(2):
            preview = answer_of(await client.call_tool("purchase_number", {**BUY, "confirm": False}))
            assert preview["code"] == "confirmation_required"
            assert answer_of(await client.call_tool("purchase_number", BUY))["phone_number"] == NUMBER
            assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 1
            answer_of(await client.call_tool("release_number", BUY))
        assert provider.count("POST") == 2
        assert min(both.served) > 3


async def test_what_needs_a_question_is_refused_with_the_remedy(tmp_path: Path) -> None:
    async with (
        faulty() as provider,
        issuing() as issuer,
        two_replicas(provider, issuer, tmp_path, approval="human") as (url, _),
        legacy(url, issuer) as client,
    ):
        for _ in range(2):
            refused = answer_of(await client.call_tool("purchase_number", BUY))
            assert refused["code"] == "not_approved"
            assert refused["message"].startswith("Nothing was done")
            assert "TELEFONIE_LEGACY_SESSIONS" in str(refused)
            assert "2026-07-28" in str(refused)
        assert provider.count("POST") == 0
        assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 0
        follow = SubscribeRequest(params=SubscribeRequestParams(uri="telefonie://log"))
        with pytest.raises(MCPError, match="TELEFONIE_LEGACY_SESSIONS"):
            await client.session.send_request(follow, EmptyResult)


async def test_there_is_no_session_to_follow_or_to_end(tmp_path: Path) -> None:
    """An event stream on which nothing will ever come would only hold a connection."""
    async with (
        faulty() as provider,
        issuing() as issuer,
        two_replicas(provider, issuer, tmp_path) as (url, _),
        httpx.AsyncClient(timeout=SECONDS) as http,
    ):
        headers = {
            "Authorization": f"Bearer {issuer.token(url)}",
            "Accept": "text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
            "Mcp-Session-Id": "0" * 32,
        }
        for method in ("GET", "DELETE"):
            async with http.stream(method, url, headers=headers) as response:
                assert (response.status_code, response.headers["allow"]) == (405, "POST")
