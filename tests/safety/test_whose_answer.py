"""A question to one person is answered by nobody else, of the same tenant or another, at any replica."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from mcp_types import CLIENT_CAPABILITIES_META_KEY
from pydantic import SecretStr

from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.upstream.client import asgi_transport
from tests.support.issuer import issuing
from tests.support.tenants import Office, office
from tests.support.wire import SECONDS, initialize, request

pytestmark = pytest.mark.whole  # tests.safety.test_tenant_isolation has it for one replica
NUMBER = "+14155550123"
CALL: dict[str, Any] = {"name": "purchase_number", "arguments": {"phone_number": NUMBER, "confirm": True}}
OTHERS = [("acme", "bert"), ("beta", "anna")]
YES: dict[str, Any] = {"action": "accept", "content": {"approve": True}}


@asynccontextmanager
async def two_replicas(home: Path) -> AsyncGenerator[tuple[Office, Office]]:
    """Serve two tenants, whose writes a person approves, from two servers under one URL."""
    api = asgi_transport(create_sandbox(":memory:"))
    tables: dict[str, dict[str, Any]] = {"acme": {}, "beta": {}}
    chosen: dict[str, Any] = {
        "approval": "human",
        "public_url": "http://127.0.0.1:9/mcp",
        "state_keys": (SecretStr("a-key-of-all-replicas-of-32-characters"),),
        "transport": api,
    }
    async with (
        issuing() as issuer,
        office(issuer, home, tables, **chosen) as one,
        office(issuer, home, tables, **chosen) as other,
    ):
        yield one, other


def token(served: Office, tenant: str, person: str) -> str:
    claims: dict[str, Any] = {"sub": person, "org_id": f"org-{tenant}"}
    return served.issuer.token("http://127.0.0.1:9/mcp", "numbers:purchase", **claims)


async def owned(served: Office, tenant: str) -> int:
    answer = await served.post(token(served, tenant, "anna"), "tools/call", name="list_owned_numbers")
    return answer.json()["result"]["structuredContent"]["total"]


async def test_an_answer_in_the_next_request_is_that_of_who_was_asked(tmp_path: Path) -> None:
    can_ask: dict[str, Any] = {CLIENT_CAPABILITIES_META_KEY: {"elicitation": {"form": {}}}}
    async with two_replicas(tmp_path) as (one, other):

        async def purchase(served: Office, tenant: str, person: str, **answer: Any) -> dict[str, Any]:
            given = token(served, tenant, person)
            return (await served.post(given, "tools/call", meta=can_ask, **CALL, **answer)).json()

        asked = (await purchase(one, "acme", "anna"))["result"]
        yes = {"requestState": asked["requestState"], "inputResponses": {"approval": YES}}
        for served in (other, one):
            for tenant, person in OTHERS:
                refused = await purchase(served, tenant, person, **yes)
                assert refused["error"]["message"].startswith("Nothing was done")
        assert [await owned(one, tenant) for tenant in ("acme", "beta")] == [0, 0]
        bought = (await purchase(other, "acme", "anna", **yes))["result"]
        assert bought["structuredContent"]["phone_number"] == NUMBER
        assert (await purchase(one, "acme", "anna", **yes))["result"]["isError"]
        assert [await owned(one, tenant) for tenant in ("acme", "beta")] == [1, 0]


async def events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


async def test_an_answer_in_a_session_of_2025_is_that_of_its_owner(tmp_path: Path) -> None:
    async with two_replicas(tmp_path) as (one, other), httpx.AsyncClient(timeout=SECONDS) as http:

        def lines(served: Office, tenant: str, person: str, **more: str) -> dict[str, str]:
            return {
                "Authorization": f"Bearer {token(served, tenant, person)}",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": "2025-11-25",
                **more,
            }

        hello = initialize("2025-11-25", elicitation={})
        begun = await http.post(one.url, json=hello, headers=lines(one, "acme", "anna"))
        session = {"Mcp-Session-Id": begun.headers["mcp-session-id"]}
        mine = lines(one, "acme", "anna", **session)
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post(one.url, json=ready, headers=mine)).status_code == 202
        call = request(7, "tools/call", **CALL)
        async with http.stream("POST", one.url, json=call, headers=mine) as response:
            told = events(response)
            question = await anext(told)
            assert question["method"] == "elicitation/create"
            yes = {"jsonrpc": "2.0", "id": question["id"], "result": YES}
            for served in (one, other):
                for tenant, person in OTHERS:
                    stolen = lines(served, tenant, person, **session)
                    assert (await http.post(served.url, json=yes, headers=stolen)).status_code == 404
            assert (await http.post(other.url, json=yes, headers=mine)).status_code == 404
            assert [await owned(one, tenant) for tenant in ("acme", "beta")] == [0, 0]
            assert (await http.post(one.url, json=yes, headers=mine)).status_code == 202
            assert (await anext(told))["result"]["structuredContent"]["phone_number"] == NUMBER
        assert [await owned(one, tenant) for tenant in ("acme", "beta")] == [1, 0]
