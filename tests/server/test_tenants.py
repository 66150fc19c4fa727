"""Tenants of a hosted server, with real tokens: own keys, limits, accounts and sessions, and their reload."""

import logging
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult
from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.server.tenants import TenantServers
from telefonie_mcp.settings.fields import Settings
from tests.support.issuer import Issuer, issuing
from tests.support.tenants import key_of, office, write_tenants
from tests.support.wire import MODERN, SECONDS, Mode, answer_of, request

A, B = "+14155550123", "+14155550124"


def buy(number: str) -> tuple[str, dict[str, Any]]:
    return "purchase_number", {"phone_number": number, "confirm": True}


def update(number: str, name: str) -> tuple[str, dict[str, Any]]:
    return "update_owned_number", {"phone_number": number, "friendly_name": name}


@pytest.fixture(scope="module")
async def issuer() -> AsyncGenerator[Issuer]:
    async with issuing() as issuer:
        yield issuer


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_each_tenant_has_its_key_and_limits(issuer: Issuer, tmp_path: Path, mode: Mode) -> None:
    tables = {"acme": {"max_purchases_per_day": 1}, "beta": {"read_only": "true"}}
    async with (
        office(issuer, tmp_path, tables) as served,
        served.client("acme", mode) as acme,
        served.client("beta", mode) as beta,
    ):
        assert answer_of(await acme.call_tool(*buy(A)))["phone_number"] == A
        assert answer_of(await acme.call_tool(*buy(B)))["setting"] == "TELEFONIE_MAX_PURCHASES_PER_DAY"
        assert answer_of(await beta.call_tool("list_owned_numbers", {})) == {"numbers": [], "total": 0}
        with pytest.raises(MCPError, match="switched off by TELEFONIE_READ_ONLY"):
            await beta.call_tool(*buy(B))
    ledger = Ledger.open(str(tmp_path / "ledger.sqlite3"))
    assert [entry.account for entry in ledger.recent()] == ["acme 127.0.0.1:9"]
    ledger.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"org_id": "org-nobody"},
        {"org_id": None},
        {"org_id": ["org-acme", "org-beta"]},
        {"org_id": {"org-acme": {}}},
        {"org_id": True},
        {"org_id": "ORG-ACME"},
    ],
)
async def test_a_token_of_no_tenant_is_refused(
    issuer: Issuer, tmp_path: Path, changes: dict[str, Any]
) -> None:
    async with office(issuer, tmp_path, {"acme": {}, "beta": {}}) as served:
        for modern in (True, False):
            response = await served.post(served.token("acme", **changes), modern=modern)
            assert response.status_code == 403
            error = response.json()["error"]
            assert error["message"].startswith("The token's org_id belongs to no tenant")
            assert "www-authenticate" not in response.headers
        assert (await served.post(served.token("acme"))).status_code == 200
        assert (await served.post("no token")).status_code == 401


async def test_a_session_is_no_use_with_the_token_of_another_tenant(issuer: Issuer, tmp_path: Path) -> None:
    async with office(issuer, tmp_path, {"acme": {}, "beta": {}}) as served:
        begun = await served.post(served.token("acme"), modern=False)
        session = {"mcp-session-id": begun.headers["mcp-session-id"]}
        same = {"sub": "person-of-acme", "client_id": "assistant"}
        for tenant, status in (("beta", 404), ("acme", 200)):
            token = served.token(tenant, **same)
            lines = {**session, "MCP-Protocol-Version": "2025-11-25"}
            response = await served.post(token, "ping", modern=False, headers=lines)
            assert response.status_code == status, tenant


async def test_a_changed_file_holds_from_the_next_call_on(
    issuer: Issuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    tables: dict[str, dict[str, Any]] = {"acme": {"max_purchases_per_day": 1}, "beta": {}}
    async with (
        office(issuer, tmp_path, tables) as served,
        served.client("acme", "legacy") as acme,
        served.client("beta") as beta,
    ):
        assert answer_of(await acme.call_tool(*buy(A)))["phone_number"] == A
        assert answer_of(await acme.call_tool(*buy(B)))["code"] == "limit_reached"
        assert answer_of(await beta.call_tool("list_owned_numbers", {}))["total"] == 0

        served.write({"acme": {"max_purchases_per_day": 2}, "beta": {"countries": '["Texas"]'}})
        await served.servers.reload()
        assert "[tenants.beta]: countries: each must be" in caplog.text
        assert "the tenants stay as they were" in caplog.text
        assert answer_of(await acme.call_tool(*buy(B)))["code"] == "limit_reached"

        served.write({"acme": {"max_purchases_per_day": 2, "key": "rotated-key-0452"}, "gamma": {}})
        await served.servers.reload()
        # the same session, with the new key (another account of the sandbox) and the kept budget
        assert answer_of(await acme.call_tool("list_owned_numbers", {}))["total"] == 0
        assert answer_of(await acme.call_tool(*buy(B)))["phone_number"] == B
        assert answer_of(await acme.call_tool(*buy("+14155550125")))["code"] == "limit_reached"
        assert (await served.post(served.token("beta"))).status_code == 403
        assert (await served.post(served.token("gamma"))).status_code == 200
    ledger = Ledger.open(str(tmp_path / "ledger.sqlite3"))
    entries = ledger.recent()
    ledger.close()
    assert {entry.account for entry in entries} == {"acme 127.0.0.1:9"}
    assert len({entry.key for entry in entries}) == 2


async def test_tenants_that_are_not_used_are_closed_and_opened_again(issuer: Issuer, tmp_path: Path) -> None:
    tables = {f"t{number}": {"max_calls_per_minute": 2} for number in range(5)}
    async with (
        office(issuer, tmp_path, tables, most=2) as served,
        served.client("t0", "legacy") as session,
    ):
        for name in tables:
            assert (await served.post(served.token(name))).status_code == 200
        # the one with a session stays, as does the one that was used last
        assert {*served.servers.opened} == {"t0", "t4"}
        assert len((await session.list_tools()).tools) == 8
        for _ in range(2):
            for name in ("t1", "t2", "t3"):
                result = await served.post(served.token(name), "tools/call", name="list_owned_numbers")
                assert result.json()["result"]["isError"] is False
        for name in ("t1", "t2", "t3"):  # closing a tenant gives it no new rate limit
            result = await served.post(served.token(name), "tools/call", name="list_owned_numbers")
            assert "rate_limited" in result.text
        assert len(served.servers.opened) == 2


class HeldApi:
    """An API whose first answer waits until it is released; it remembers the keys that it saw."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.asked = anyio.Event()
        self.released = anyio.Event()

    async def answer(self, sent: httpx.Request) -> httpx.Response:
        self.keys.append(sent.headers["x-api-key"])
        if len(self.keys) == 1:
            self.asked.set()
            await self.released.wait()
        return httpx.Response(200, json={"numbers": [], "total": 0})


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("removed", [True, False])
async def test_a_call_in_flight_ends_as_it_began(
    issuer: Issuer, tmp_path: Path, *, modern: bool, removed: bool
) -> None:
    api, answers = HeldApi(), list[CallToolResult]()
    async with (
        office(issuer, tmp_path, {"acme": {}}, transport=httpx.MockTransport(api.answer)) as served,
        served.client("acme", "auto" if modern else "legacy") as client,
        anyio.create_task_group() as tasks,
    ):
        await client.list_tools()  # or the client would ask for the schemas after its call

        async def call() -> None:
            answers.append(await client.call_tool("list_owned_numbers", {}))

        tasks.start_soon(call)
        await api.asked.wait()
        served.write({"other": {}} if removed else {"acme": {"key": "rotated-key-0452"}})
        await served.servers.reload()
        if removed:
            assert (await served.post(served.token("acme"))).status_code == 403
        else:
            assert (await client.call_tool("list_owned_numbers", {})).is_error is False
        api.released.set()
        with anyio.fail_after(SECONDS):
            while not answers:
                await anyio.sleep(0.01)
        assert answer_of(answers[0]) == {"numbers": [], "total": 0}
    assert api.keys == [key_of("acme"), *([] if removed else ["rotated-key-0452"])]


async def test_a_tenant_that_is_given_to_others_keeps_nobody_s_session(
    issuer: Issuer, tmp_path: Path
) -> None:
    async with office(issuer, tmp_path, {"acme": {}}) as served:
        begun = await served.post(served.token("acme"), modern=False)
        lines = {"mcp-session-id": begun.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        served.write({"acme": {"claim": "org-new"}, "gone": {"claim": "org-acme"}})
        await served.servers.reload()
        assert served.servers.opened == []
        for tenant in ("acme", "new"):
            token = served.token(tenant, sub="person-of-acme")
            assert (await served.post(token, "ping", modern=False, headers=lines)).status_code == 404


async def test_a_server_that_ends_takes_no_more_calls_of_any_tenant(issuer: Issuer, tmp_path: Path) -> None:
    async with office(issuer, tmp_path, {"acme": {}, "beta": {}, "late": {}}) as served:
        for tenant in ("acme", "beta"):
            assert (await served.post(served.token(tenant))).status_code == 200
        await served.servers.drain()
        for tenant in ("acme", "beta", "late"):
            refused = await served.post(served.token(tenant), "tools/call", name="list_owned_numbers")
            assert "shutting_down" in refused.text


async def test_a_tenant_with_an_event_stream_is_not_closed(issuer: Issuer, tmp_path: Path) -> None:
    tables: dict[str, dict[str, Any]] = {f"t{number}": {} for number in range(4)}
    listen = request(
        1,
        "subscriptions/listen",
        modern=True,
        notifications={"resourceSubscriptions": ["telefonie://numbers"]},
    )
    async with (
        office(issuer, tmp_path, tables, most=1) as served,
        httpx.AsyncClient(timeout=SECONDS) as http,
    ):
        lines = {
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {served.token('t0')}",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": "subscriptions/listen",
        }
        async with http.stream("POST", served.url, json=listen, headers=lines) as stream:
            events = stream.aiter_lines()
            first = [await anext(events) for _ in range(2)]
            assert "acknowledged" in "".join(first)
            for name in ("t1", "t2", "t3"):
                assert (await served.post(served.token(name))).status_code == 200
            assert {*served.servers.opened} == {"t0", "t3"}
            bought = await served.post(
                served.token("t0"), "tools/call", name="purchase_number", arguments=buy(A)[1]
            )
            assert bought.json()["result"]["isError"] is False
            heard = ""
            while "telefonie://numbers" not in heard:
                heard += await anext(events)
        with anyio.fail_after(SECONDS):
            while True:
                await served.post(served.token("t1"))
                if "t0" not in served.servers.opened:
                    break


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (
            {"tools": '["buy_number"]'},
            r"\[tenants.acme\]: tools: there is no tool 'buy_number'; did you mean",
        ),
        ({"number_types": '["lokal"]'}, r"\[tenants.acme\]: number_types: there is no type 'lokal'; did you"),
        ({"tools": '["release_number"]', "read_only": "true"}, "no tool is left after read_only and tools"),
    ],
)
def test_what_the_tools_do_not_know_stops_the_start(
    tmp_path: Path, members: dict[str, str], words: str
) -> None:
    settings = Settings(
        public_url="https://numbers.example.com/mcp",
        issuer="https://issuer.example.com",
        tenants=write_tenants(tmp_path, {"acme": members}),
        ledger=SecretStr(":memory:"),
    )
    with pytest.raises(SettingsError, match=f"^TELEFONIE_TENANTS: tenants.toml: .*{words}"):
        TenantServers.from_settings(settings)
