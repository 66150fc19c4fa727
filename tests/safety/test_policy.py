"""Every rule, the same on stdio, over HTTP, and for `telefonie-mcp call`."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation

from telefonie_mcp.errors import SettingsError
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.reading import read_settings
from tests.support.commands import command
from tests.support.faulty import NUMBER, Provider, faulty
from tests.support.served import served
from tests.support.transports import OVER_STDIO, both_eras
from tests.support.wire import SECONDS, Mode, Transport, answer_of, connected, serving_http

Door = Literal["stdio", "http", "call"]

US, TOLL_FREE = "+14155550123", "+18665550123"
OFFERED = {"phone_number": NUMBER}
BUY_US = ("purchase_number", {"phone_number": US, "confirm": True})
EVIL, GOOD = "https://evil.example/x", "https://hooks.example.com/x"
every_door = pytest.mark.parametrize("door", get_args(Door))


class Call(Protocol):
    """A way to call tools, which returns what the tool answers or the message of a protocol error."""

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]: ...


@contextmanager
def entering(door: Door, home: Path, **variables: str) -> Generator[Call]:
    """Return a way to call tools through one of the doors; on stdio, the server is a process."""
    variables = {"TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3"), **variables}
    if door == "call":

        def run(tool: str, **arguments: Any) -> dict[str, Any]:
            _, output, errors = command(home, "call", tool, "--json", json.dumps(arguments), **variables)
            return json.loads(output) if output else {"message": errors}

        yield run
        return

    connection = connected(door, "auto", home, **variables)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(connection) as client:

        def request(tool: str, **arguments: Any) -> dict[str, Any]:
            try:
                return answer_of(portal.call(client.call_tool, tool, arguments))
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


ONLY_ALONE = ("read only", "block", "human without a person")
"""Rules beside which no other rule would be reached."""


def assert_refused(answer: dict[str, Any], words: str) -> None:
    assert words in answer["message"]
    if "code" in answer:
        assert answer["message"].startswith("Nothing was done")
        assert answer["hint"]


@pytest.mark.parametrize("rule", RULES)
async def test_a_rule_refuses(rule: str) -> None:
    settings, tool, arguments, words = RULES[rule]
    async with sandbox(**settings) as client:
        try:
            answer = answer_of(await client.call_tool(tool, arguments))
        except MCPError as error:
            answer = {"message": error.message}
        assert_refused(answer, words)
        if "TOOLS" not in settings:
            assert (await list_numbers(client))["total"] == 0


@every_door
@pytest.mark.parametrize("rule", ONLY_ALONE)
def test_a_rule_that_refuses_every_purchase_does_so_through_every_door(
    rule: str, door: Door, tmp_path: Path
) -> None:
    settings, tool, arguments, words = RULES[rule]
    variables = {f"TELEFONIE_{name}": value for name, value in settings.items()}
    with entering(door, tmp_path, **variables) as call:
        assert_refused(call(tool, **arguments), words)
        assert call("list_owned_numbers")["total"] == 0


@every_door
def test_the_other_rules_refuse_through_every_door_and_what_they_allow_is_done(
    door: Door, tmp_path: Path
) -> None:
    variables = {
        "TELEFONIE_TOOLS": "list_owned_numbers,lookup_number,purchase_number,release_number,"
        "update_owned_number",
        "TELEFONIE_EXCLUDE_TOOLS": "lookup_number",
        "TELEFONIE_MAX_MONTHLY_RATE": "1.15",
        "TELEFONIE_MAX_MONTHLY_SPEND": "2.30",
        "TELEFONIE_MAX_PURCHASES_PER_DAY": "2",
        "TELEFONIE_MAX_RELEASES_PER_DAY": "1",
        "TELEFONIE_COUNTRIES": "us,gb",
        "TELEFONIE_NUMBER_TYPES": "local,toll-free",
        "TELEFONIE_WEBHOOK_HOSTS": "HOOKS.example.com.",
        "TELEFONIE_PROTECTED_NUMBERS": "+1 415-555-0199",
    }
    first, second, third, protected = US, "+14155550124", "+14155550125", "+14155550199"
    with entering(door, tmp_path, **variables) as call:

        def buy(number: str, **arguments: Any) -> dict[str, Any]:
            return call("purchase_number", phone_number=number, confirm=True, **arguments)

        def release(number: str) -> dict[str, Any]:
            return call("release_number", phone_number=number, confirm=True)

        assert_refused(call("get_owned_number", phone_number=first), "switched off by TELEFONIE_TOOLS")
        lookup = call("lookup_number", phone_number=first)
        assert_refused(lookup, "switched off by TELEFONIE_EXCLUDE_TOOLS")
        assert_refused(buy("+496990009091"), "DE is not allowed (TELEFONIE_COUNTRIES is GB, US)")
        assert_refused(buy("+447591212109"), "mobile is not allowed (TELEFONIE_NUMBER_TYPES is ")
        assert_refused(buy(TOLL_FREE), "is too much for one number (TELEFONIE_MAX_MONTHLY_RATE is 1.15)")
        assert_refused(buy(first, voice_url=EVIL), "voice_url may only point to hooks.example.com")
        update = call("update_owned_number", phone_number=first, sms_url=EVIL)
        assert_refused(update, "sms_url may only point to hooks.example.com")
        update = call("update_owned_number", phone_number=protected, friendly_name="x")
        for refused in (update, release(protected)):
            assert_refused(
                refused, f"{protected} is protected and stays as it is (TELEFONIE_PROTECTED_NUMBERS)"
            )
        assert call("list_owned_numbers")["total"] == 0

        assert buy(first, voice_url=GOOD, max_monthly_rate=1.15)["phone_number"] == first
        assert buy(second)["phone_number"] == second
        assert_refused(buy(third), "TELEFONIE_MAX_MONTHLY_SPEND allows 2.30 and 2.3 is used")
        assert release(first)["message"] == "Number released"
        assert_refused(buy(third), "TELEFONIE_MAX_PURCHASES_PER_DAY allows 2 and 2 is used")
        assert_refused(release(second), "TELEFONIE_MAX_RELEASES_PER_DAY allows 1 and 1 is used")
        assert [each["phone_number"] for each in call("list_owned_numbers")["numbers"]] == [second]


@asynccontextmanager
async def sandbox(**settings: str) -> AsyncGenerator[Client]:
    variables = {f"TELEFONIE_{name}": value for name, value in settings.items()}
    decided = read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", **variables})
    with anyio.fail_after(SECONDS):
        async with Client(create_server(decided)) as client:
            yield client


@pytest.mark.parametrize(
    ("ceiling", "bought"), [(1.15, True), (2, True), (1.1499, False), (0, False), (-0.0, False)]
)
async def test_a_purchase_above_the_rate_that_the_caller_agreed_to_is_refused(
    ceiling: float, bought: bool
) -> None:
    async with sandbox() as client:
        arguments = {"phone_number": US, "max_monthly_rate": ceiling, "confirm": True}
        answer = answer_of(await client.call_tool("purchase_number", arguments))
        assert ("date_created" in answer) is bought
        if not bought:
            assert (answer["code"], answer["monthly_rate"]) == ("rate_too_high", "1.15")


@pytest.mark.parametrize("ceiling", [1e9, 10**50])
async def test_an_agreed_rate_that_is_no_amount_is_not_taken_for_none(ceiling: float) -> None:
    async with sandbox() as client:
        arguments = {"phone_number": US, "max_monthly_rate": ceiling, "confirm": True}
        answer = answer_of(await client.call_tool("purchase_number", arguments))
        assert (answer["code"], answer["field"]) == ("invalid_arguments", "max_monthly_rate")


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


async def test_a_price_that_rose_since_the_preview_is_not_paid() -> None:
    async with faulty() as provider, served(provider, 30) as client:
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
async def test_a_price_that_is_no_money_is_not_paid_under_a_limit(rules: dict[str, Any]) -> None:
    async with faulty(Provider(rate="ask sales")) as provider, served(provider, 30, **rules) as client:
        refused = answer_of(await client.call_tool("purchase_number", {**OFFERED, "confirm": True}))
        assert refused["code"] == "rate_unknown"
        assert refused["message"].startswith("Nothing was done")
        assert provider.count("POST") == 0


@both_eras
@pytest.mark.parametrize("transport", ["memory", OVER_STDIO, "http"])
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


async def test_the_instructions_name_the_limits() -> None:
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
def test_rules_that_make_no_sense_stop_the_start(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        create_server(read_settings({"TELEFONIE_SANDBOX_DB": ":memory:", **variables}))
    assert words in str(caught.value)


@pytest.mark.parametrize("arguments", [(), ("--http", "0"), ("call", "list_owned_numbers"), ("tools",)])
def test_a_tool_that_does_not_exist_stops_every_start(arguments: tuple[str, ...], tmp_path: Path) -> None:
    variables = {"TELEFONIE_EXCLUDE_TOOLS": "relase_number", "TELEFONIE_SANDBOX_DB": ":memory:"}
    status, output, errors = command(tmp_path, *arguments, **variables)
    assert (status != 0, output) == (True, "")
    assert "there is no tool 'relase_number'; did you mean release_number?" in errors


async def list_numbers(client: Client) -> dict[str, Any]:
    return answer_of(await client.call_tool("list_owned_numbers", {}))


@both_eras
async def test_too_many_calls_of_one_caller_are_told_when_to_come_back(mode: Mode, tmp_path: Path) -> None:
    variables = {"TELEFONIE_MAX_CALLS_PER_MINUTE": "2", "TELEFONIE_SANDBOX_DB": ":memory:"}
    async with serving_http(tmp_path, **variables) as url, Client(url, mode=mode) as client:
        for _ in range(2):
            assert (await list_numbers(client))["total"] == 0
        refused = await list_numbers(client)
        assert (refused["code"], refused["retryable"]) == ("rate_limited", True)
        assert 0 < refused["retry_after"] <= 30
        assert refused["message"].startswith("Nothing was done: too many calls")
        async with Client(url, mode=mode, client_info=Implementation(name="other", version="1")) as other:
            again = await list_numbers(other)
            # a session that this server issued is a caller; without one, the address is, under every name
            assert again.get("code") == (None if mode == "legacy" else "rate_limited")
