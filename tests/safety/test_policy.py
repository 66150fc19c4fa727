"""Every rule, the same on stdio, over HTTP, and for `telefonie-mcp call`."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation
from pydantic import SecretStr

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.reading import read_settings
from tests.support.faulty import NUMBER, Provider, faulty
from tests.support.wire import Mode, Transport, answer_of, connected, running

Call = Callable[..., Awaitable[dict[str, Any]]]
Door = Literal["stdio", "http", "call"]

US, TOLL_FREE = "+14155550123", "+18665550123"
OFFERED = {"phone_number": NUMBER}
BUY_US = ("purchase_number", {"phone_number": US, "confirm": True})
EVIL, GOOD = "https://evil.example/x", "https://hooks.example.com/x"
every_door = pytest.mark.parametrize("door", ["stdio", "http", "call"])


@asynccontextmanager
async def entering(door: Door, home: Path, **variables: str) -> AsyncGenerator[Call]:
    """Return a way to call tools through one of the doors."""
    variables = {"TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3"), **variables}
    if door == "call":

        async def command(tool: str, **arguments: Any) -> dict[str, Any]:
            parameters = ("call", tool, "--json", json.dumps(arguments))
            async with running(*parameters, home=home, variables=variables) as process:
                output = await process.rest()
                await process.end()
                return json.loads(output) if output else {"message": process.log}

        yield command
        return

    async with connected(door, "auto", home, **variables) as client:

        async def request(tool: str, **arguments: Any) -> dict[str, Any]:
            try:
                return answer_of(await client.call_tool(tool, arguments))
            except MCPError as error:
                return {"message": error.message}

        yield request


RULES: dict[str, tuple[dict[str, str], str, dict[str, Any], str]] = {
    "read only": ({"READ_ONLY": "true"}, *BUY_US, "purchase_number is switched off by TELEFONIE_READ_ONLY"),
    "read only beats tools": (
        {"READ_ONLY": "true", "TOOLS": "purchase_number,get_owned_number"},
        *BUY_US,
        "switched off by TELEFONIE_READ_ONLY",
    ),
    "tools": ({"TOOLS": "list_owned_numbers"}, *BUY_US, "switched off by TELEFONIE_TOOLS"),
    "exclusion beats inclusion": (
        {"TOOLS": "purchase_number,get_owned_number", "EXCLUDE_TOOLS": "purchase_number"},
        *BUY_US,
        "switched off by TELEFONIE_EXCLUDE_TOOLS",
    ),
    "block": (
        {"APPROVAL": "block"},
        *BUY_US,
        "purchase_number is switched off here (TELEFONIE_APPROVAL is block)",
    ),
    "human without a person": ({"APPROVAL": "human"}, *BUY_US, "a person must approve this, and"),
    "rate of one": (
        {"MAX_MONTHLY_RATE": "1.14"},
        *BUY_US,
        "1.15 per month is too much for one number (TELEFONIE_MAX_MONTHLY_RATE is 1.14)",
    ),
    "spend": (
        {"MAX_MONTHLY_SPEND": "1.14"},
        *BUY_US,
        "TELEFONIE_MAX_MONTHLY_SPEND allows 1.14 and 0 is used",
    ),
    "no purchases": ({"MAX_PURCHASES_PER_DAY": "0"}, *BUY_US, "TELEFONIE_MAX_PURCHASES_PER_DAY allows 0"),
    "countries": ({"COUNTRIES": "DE,fr"}, *BUY_US, "US is not allowed (TELEFONIE_COUNTRIES is DE, FR)"),
    "types": (
        {"NUMBER_TYPES": "local"},
        "purchase_number",
        {"phone_number": TOLL_FREE, "confirm": True},
        "toll-free is not allowed (TELEFONIE_NUMBER_TYPES is local)",
    ),
    "webhooks of purchases": (
        {"WEBHOOK_HOSTS": "*.example.com"},
        "purchase_number",
        {"phone_number": US, "voice_url": EVIL, "confirm": True},
        "voice_url may only point to *.example.com (TELEFONIE_WEBHOOK_HOSTS)",
    ),
    "webhooks of updates": (
        {"WEBHOOK_HOSTS": "*.example.com"},
        "update_owned_number",
        {"phone_number": US, "sms_url": EVIL},
        "sms_url may only point to *.example.com",
    ),
    "protected from release": (
        {"PROTECTED_NUMBERS": "+1 415-555-0123"},
        "release_number",
        {"phone_number": US, "confirm": True},
        f"{US} is protected and stays as it is (TELEFONIE_PROTECTED_NUMBERS)",
    ),
    "protected from change": (
        {"PROTECTED_NUMBERS": US},
        "update_owned_number",
        {"phone_number": US, "friendly_name": "x"},
        "is protected",
    ),
}


@every_door
@pytest.mark.parametrize("rule", RULES)
async def test_a_rule_refuses_through_every_door(rule: str, door: Door, tmp_path: Path) -> None:
    settings, tool, arguments, words = RULES[rule]
    variables = {f"TELEFONIE_{name}": value for name, value in settings.items()}
    async with entering(door, tmp_path, **variables) as call:
        answer = await call(tool, **arguments)
        assert words in answer["message"]
        if "code" in answer:
            assert answer["message"].startswith("Nothing was done")
            assert answer["hint"]
        if "TELEFONIE_TOOLS" not in variables:
            assert (await call("list_owned_numbers"))["total"] == 0


@every_door
async def test_what_the_rules_allow_is_done(door: Door, tmp_path: Path) -> None:
    variables = {
        "TELEFONIE_MAX_MONTHLY_RATE": "1.15",
        "TELEFONIE_MAX_MONTHLY_SPEND": "1.15",
        "TELEFONIE_MAX_PURCHASES_PER_DAY": "2",
        "TELEFONIE_MAX_RELEASES_PER_DAY": "1",
        "TELEFONIE_COUNTRIES": "us",
        "TELEFONIE_NUMBER_TYPES": "local",
        "TELEFONIE_WEBHOOK_HOSTS": "HOOKS.example.com.",
        "TELEFONIE_PROTECTED_NUMBERS": TOLL_FREE,
    }
    async with entering(door, tmp_path, **variables) as call:
        bought = await call(
            "purchase_number", phone_number=US, voice_url=GOOD, max_monthly_rate=1.15, confirm=True
        )
        assert bought["phone_number"] == US
        other = {"phone_number": "+14155550124", "confirm": True}
        assert (
            "TELEFONIE_MAX_MONTHLY_SPEND allows 1.15 and 1.15 is used"
            in (await call("purchase_number", **other))["message"]
        )
        assert (await call("release_number", phone_number=US, confirm=True))["message"] == "Number released"
        assert (await call("purchase_number", **other))["phone_number"] == other["phone_number"]
        refused = await call("release_number", **other)
        assert "TELEFONIE_MAX_RELEASES_PER_DAY allows 1 and 1 is used" in refused["message"]


@asynccontextmanager
async def sandbox(**settings: str) -> AsyncGenerator[Client]:
    variables = {f"TELEFONIE_{name}": value for name, value in settings.items()}
    decided = read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", **variables})
    with anyio.fail_after(20):
        async with Client(create_server(decided)) as client:
            yield client


@pytest.mark.parametrize(("ceiling", "bought"), [(1.15, True), (2, True), (1.1499, False), (0, False)])
async def test_the_rate_that_the_caller_agreed_to(ceiling: float, bought: bool) -> None:
    async with sandbox() as client:
        arguments = {"phone_number": US, "max_monthly_rate": ceiling, "confirm": True}
        answer = answer_of(await client.call_tool("purchase_number", arguments))
        assert ("date_created" in answer) is bought
        if not bought:
            assert (answer["code"], answer["monthly_rate"]) == ("rate_too_high", "1.15")


@pytest.mark.parametrize(
    ("rules", "arguments", "code"),
    [
        ({"MAX_MONTHLY_RATE": "1"}, {}, "policy_refused"),
        ({"COUNTRIES": "DE"}, {}, "policy_refused"),
        ({"NUMBER_TYPES": "mobile"}, {}, "policy_refused"),
        ({"PROTECTED_NUMBERS": US}, {}, "policy_refused"),
        ({"WEBHOOK_HOSTS": "example.org"}, {"voice_url": EVIL}, "policy_refused"),
        ({"APPROVAL": "block"}, {}, "policy_refused"),
        ({}, {"max_monthly_rate": 1}, "rate_too_high"),
    ],
)
async def test_a_preview_obeys_the_rules_too(
    rules: dict[str, str], arguments: dict[str, Any], code: str
) -> None:
    async with sandbox(**rules) as client:
        call = {"phone_number": US, "confirm": False, **arguments}
        answer = answer_of(await client.call_tool("purchase_number", call))
        assert answer["code"] == code
        assert "next_call" not in answer


def live(provider: Provider, **rules: Any) -> Client:
    key, ledger = SecretStr("key-of-a-test"), SecretStr(":memory:")
    return Client(create_server(Settings(api_key=key, base_url=provider.url, ledger=ledger, **rules)))


async def test_a_price_that_rose_since_the_preview_is_not_paid() -> None:
    async with faulty() as provider, live(provider) as client:
        with anyio.fail_after(20):
            preview = answer_of(await client.call_tool("purchase_number", {**OFFERED, "confirm": False}))
            call = preview["next_call"]
            assert call["arguments"] == {**OFFERED, "max_monthly_rate": 1.15, "confirm": True}
            provider.rate = "1.16"
            refused = answer_of(await client.call_tool(call["name"], call["arguments"]))
            assert (refused["code"], refused["monthly_rate"]) == ("rate_too_high", "1.16")
            assert provider.count("POST") == 0
            provider.rate = "1.15"
            bought = answer_of(await client.call_tool(call["name"], call["arguments"]))
            assert bought["monthly_rate"] == "1.15"
            assert provider.count("POST") == 1


@pytest.mark.parametrize(
    "rules", [{"max_monthly_rate": "9"}, {"max_monthly_spend": "9"}, {"approval": "human"}]
)
async def test_a_price_that_is_no_money_is_not_paid_under_a_limit(rules: dict[str, str]) -> None:
    async with faulty(Provider(rate="ask sales")) as provider, live(provider, **rules) as client:
        with anyio.fail_after(20):
            refused = answer_of(await client.call_tool("purchase_number", {**OFFERED, "confirm": True}))
            assert refused["code"] == "rate_unknown"
            assert refused["message"].startswith("Nothing was done")
            assert provider.count("POST") == 0


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_read_only_shows_in_the_list_and_in_the_instructions(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    rules = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_READ_ONLY": "true"}
    async with connected(transport, mode, tmp_path, **rules) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [
            "search_available_numbers",
            "list_owned_numbers",
            "get_owned_number",
            "lookup_number",
            "get_number_capabilities",
        ]
        assert "This server only reads." in (client.instructions or "")
        assert "confirm" not in (client.instructions or "")


async def test_the_limits_stand_in_the_instructions() -> None:
    async with sandbox(
        MAX_MONTHLY_RATE="2", COUNTRIES="US,CA", APPROVAL="human", MAX_RELEASES_PER_DAY="3"
    ) as client:
        assert client.instructions
        assert "one number costs at most 2 per month; at most 3 releases a day; numbers only in CA, US." in (
            client.instructions
        )
        assert "A person must approve every destructive call" in client.instructions


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hooks.example.com", True),
        ("https://HOOKS.EXAMPLE.COM:8443/x", True),
        ("https://hooks.example.com./x", True),
        ("https://a.b.example.org/x", True),
        ("https://example.org/x", False),
        ("https://hooks.example.com.evil.example/", False),
        ("https://evilhooks.example.com/", False),
        ("https://evil.example/?hooks.example.com", False),
        ("https://evil.example/#@hooks.example.com", False),
        ("https://hooks.example.com@evil.example/", False),
        ("https://evil.example\\@hooks.example.com/", False),
        ("https://evil.example\\.example.org/", False),
        ("https://[::1]/", False),
        ("https://127.0.0.1/", False),
        ("https://xn--hooks-.example.com/", False),
        ("https://evil.example\uff0f.example.org/", False),
        ("https://evil.example%2f.example.org/", False),
        ("https://hooks\u3002example\u3002com/", False),
    ],
)
async def test_which_webhooks_are_allowed(url: str, allowed: bool) -> None:
    async with sandbox(WEBHOOK_HOSTS="hooks.example.com,*.example.org") as client:
        arguments = {"phone_number": US, "voice_url": url, "confirm": True}
        answer = answer_of(await client.call_tool("purchase_number", arguments))
        assert ("date_created" in answer) is allowed


async def test_removing_a_webhook_is_always_allowed() -> None:
    async with sandbox(WEBHOOK_HOSTS="hooks.example.com") as client:
        await client.call_tool("purchase_number", {"phone_number": US, "voice_url": GOOD, "confirm": True})
        answer = answer_of(
            await client.call_tool("update_owned_number", {"phone_number": US, "voice_url": ""})
        )
        assert answer["replaced"] == {"voice_url": GOOD}
        assert "voice_url" not in answer


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"TELEFONIE_READONLY": "1"},
            "TELEFONIE_READONLY is not a setting; did you mean TELEFONIE_READ_ONLY?",
        ),
        ({"TELEFONIE_MAX_MONTHLY_RATE": "cheap"}, "TELEFONIE_MAX_MONTHLY_RATE: must be an amount of money"),
        ({"TELEFONIE_MAX_MONTHLY_SPEND": "-1"}, "must be an amount of money"),
        ({"TELEFONIE_MAX_PURCHASES_PER_DAY": "-1"}, "TELEFONIE_MAX_PURCHASES_PER_DAY: "),
        ({"TELEFONIE_COUNTRIES": "USA"}, "TELEFONIE_COUNTRIES: each must be an ISO 3166-1"),
        ({"TELEFONIE_COUNTRIES": "US,uk"}, "or DE; did you mean GB?"),
        (
            {"TELEFONIE_NUMBER_TYPES": "moblie"},
            "TELEFONIE_NUMBER_TYPES: there is no type 'moblie'; did you mean mobile?",
        ),
        (
            {"TELEFONIE_WEBHOOK_HOSTS": "https://example.com"},
            "TELEFONIE_WEBHOOK_HOSTS: each must be a host name",
        ),
        ({"TELEFONIE_WEBHOOK_HOSTS": "*"}, "each must be a host name"),
        ({"TELEFONIE_PROTECTED_NUMBERS": "4155550123"}, "TELEFONIE_PROTECTED_NUMBERS: each must be in E.164"),
        ({"TELEFONIE_APPROVAL": "yes"}, "TELEFONIE_APPROVAL: "),
        ({"TELEFONIE_COUNTRIES": " , "}, "TELEFONIE_COUNTRIES: names nothing"),
        ({"TELEFONIE_TOOLS": ","}, "TELEFONIE_TOOLS: names nothing"),
        ({"TELEFONIE_PROTECTED_NUMBERS": ","}, "an empty list would limit nothing"),
        ({"TELEFONIE_STATE_KEYS": "short"}, "TELEFONIE_STATE_KEYS: each must have at least 32 characters"),
        ({"TELEFONIE_TOOLS": "buy"}, "TELEFONIE_TOOLS: there is no tool 'buy'"),
        ({"TELEFONIE_EXCLUDE_TOOLS": "releasenumber"}, "did you mean release_number?"),
    ],
)
def test_rules_that_cannot_be_stop_the_start(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        create_server(read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", **variables}))
    assert words in str(caught.value)


@pytest.mark.parametrize("arguments", [(), ("--http", "0"), ("call", "list_owned_numbers"), ("tools",)])
async def test_a_tool_that_does_not_exist_stops_every_start(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    variables = {"TELEFONIE_EXCLUDE_TOOLS": "relase_number", "TELEFONIE_SANDBOX_DB": ":memory:"}
    async with running(*arguments, home=tmp_path, variables=variables) as process:
        assert await process.rest() == b""
        assert await process.end() != 0
        assert "there is no tool 'relase_number'; did you mean release_number?" in process.log


async def list_numbers(client: Client) -> dict[str, Any]:
    return answer_of(await client.call_tool("list_owned_numbers", {}))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_too_many_calls_of_one_caller_are_told_when_to_come_back(mode: Mode, tmp_path: Path) -> None:
    variables = {"TELEFONIE_MAX_CALLS_PER_MINUTE": "2", "TELEFONIE_SANDBOX_DB": ":memory:"}
    async with running("--http", "0", home=tmp_path, variables=variables) as server:
        url = await server.address()
        async with Client(url, mode=mode) as client:
            for _ in range(2):
                assert (await list_numbers(client))["total"] == 0
            refused = await list_numbers(client)
            assert (refused["code"], refused["retryable"]) == ("rate_limited", True)
            assert 0 < refused["retry_after"] <= 30
            assert refused["message"].startswith("Nothing was done: too many calls")
            async with Client(url, mode=mode, client_info=Implementation(name="other", version="1")) as other:
                assert (await list_numbers(other))["total"] == 0
