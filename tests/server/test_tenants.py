"""Tenants of a hosted server, with real tokens: own keys, limits, accounts and sessions, and their reload."""

import logging
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.server.tenants import TenantServers
from telefonie_mcp.settings.fields import Settings
from tests.support.issuer import Issuer, issuing
from tests.support.tenants import office, write_tenants
from tests.support.wire import Mode, answer_of

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
