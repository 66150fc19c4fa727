"""A person's yes, on every transport, in both eras, with the real client; whatever is unclear is a no."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.client.session import ElicitationFnT
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    InputRequiredResult,
    InputResponses,
)
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.server.handlers import create_server, mcp_server
from telefonie_mcp.settings.reading import read_settings
from tests.support.faulty import NUMBER, Exchange, Provider, faulty, replying
from tests.support.served import live_settings, served
from tests.support.serving import serving
from tests.support.transports import OVER_STDIO, both_eras
from tests.support.wire import SECONDS, answer_of, connected, initialize, request, running

Transport = Literal["stdio", "http", "stateless", "json"]
Mode = Literal["auto", "legacy"]

SETTINGS = {"TELEFONIE_APPROVAL": "human", "TELEFONIE_SANDBOX_DB": ":memory:"}
ASKABLE = {
    ("stdio", "legacy"),
    ("http", "legacy"),
    *((name, "auto") for name in ("stdio", "http", "stateless", "json")),
}

every_transport = pytest.mark.parametrize("transport", [OVER_STDIO, "http", "stateless", "json"])


def answering(result: ElicitResult | ErrorData, asked: list[str]) -> ElicitationFnT:
    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        asked.append(params.message)
        return result

    return answer


@asynccontextmanager
async def asked_over(
    transport: Transport, mode: Mode, home: Path, callback: ElicitationFnT | None
) -> AsyncGenerator[Client]:
    """Connect a client that asks a person with `callback`; two transports have options of the SDK's alone."""
    match transport:
        case "stdio" | "http":
            async with connected(transport, mode, home, None, callback, **SETTINGS) as client:
                yield client
        case "stateless" | "json":
            server = create_server(read_settings(SETTINGS))
            application = server.streamable_http_app(
                stateless_http=transport == "stateless", json_response=transport == "json"
            )
            async with (
                serving(application) as origin,
                Client(f"{origin}/mcp", mode=mode, elicitation_callback=callback) as client,
            ):
                yield client


async def buy(client: Client) -> dict[str, Any]:
    found = await client.call_tool("search_available_numbers", {"country_code": "US", "limit": 1})
    number = answer_of(found)["available_numbers"][0]["phone_number"]
    return answer_of(await client.call_tool("purchase_number", {"phone_number": number, "confirm": True}))


async def owned(client: Client) -> int:
    return answer_of(await client.call_tool("list_owned_numbers", {}))["total"]


@pytest.mark.parametrize("transport", ["stdio", "http", "stateless", "json"])
@both_eras
async def test_an_accepted_form_executes_the_call_where_a_person_can_be_asked(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    asked: list[str] = []
    yes = answering(ElicitResult(action="accept", content={"approve": True}), asked)
    async with asked_over(transport, mode, tmp_path, yes) as client:
        answer = await buy(client)
        if (transport, mode) not in ASKABLE:
            assert answer["code"] == "not_approved"
            assert answer["message"].startswith("Nothing was done: a person must approve this, and ")
            assert (await owned(client), asked) == (0, [])
            return
        number = answer["phone_number"]
        assert len(asked) == 1
        assert asked[0].startswith(f"May the assistant buy {number} and start its monthly billing?")
        assert "monthly rate: 1.15" in asked[0]
        assert "country code: US" in asked[0]
        released = await client.call_tool("release_number", {"phone_number": number, "confirm": True})
        assert answer_of(released)["message"] == "Number released"
        assert asked[1].startswith(f"May the assistant give up {number}")
        assert await owned(client) == 0


NO: dict[str, ElicitResult] = {
    "accepted without a yes": ElicitResult(action="accept", content={"approve": False}),
    "accepted with a text": ElicitResult(action="accept", content={"approve": "true"}),
    "accepted without content": ElicitResult(action="accept"),
    "declined": ElicitResult(action="decline"),
    "cancelled": ElicitResult(action="cancel"),
}


async def assert_not_bought(client: Client, why: str) -> None:
    refused = await buy(client)
    assert refused.get("code") == "not_approved", why
    assert refused["message"].startswith("Nothing was done: a person must approve this, and "), why
    assert "TELEFONIE_APPROVAL" in refused["hint"], why
    assert await owned(client) == 0, why


@every_transport
@both_eras
async def test_every_other_answer_refuses_the_purchase(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    answers = [*NO.values()]

    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return answers.pop(0)

    async with asked_over(transport, mode, tmp_path, answer) as client:
        for why in NO:
            await assert_not_bought(client, why)
    assert len(answers) == (0 if (transport, mode) in ASKABLE else len(NO))


@every_transport
@both_eras
async def test_a_client_that_can_ask_nobody_is_refused(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    async with asked_over(transport, mode, tmp_path, None) as client:
        await assert_not_bought(client, "no capability")


async def test_a_client_that_fails_to_ask_is_refused_in_the_legacy_era(tmp_path: Path) -> None:
    broken = answering(ErrorData(code=-32603, message="no window"), [])
    async with asked_over("stdio", "legacy", tmp_path, broken) as client:
        assert (await buy(client))["message"].startswith("Nothing was done")
        assert await owned(client) == 0


YES: InputResponses = {"approval": ElicitResult(action="accept", content={"approve": True})}


@every_transport
async def test_a_replayed_approval_executes_nothing(transport: Transport, tmp_path: Path) -> None:
    asked: list[str] = []
    yes = answering(ElicitResult(action="accept", content={"approve": True}), asked)
    async with asked_over(transport, "auto", tmp_path, yes) as client:

        async def send(tool: str, state: str | None = None) -> CallToolResult | InputRequiredResult:
            return await client.session.call_tool(
                tool,
                {"phone_number": "+14155550123", "confirm": True},
                input_responses=YES if state else None,
                request_state=state,
                allow_input_required=True,
            )

        async def approved(tool: str) -> str:
            question = await send(tool)
            assert isinstance(question, InputRequiredResult)
            assert question.request_state
            done = await send(tool, question.request_state)
            assert isinstance(done, CallToolResult)
            assert not done.is_error
            return question.request_state

        async def replayed(tool: str, state: str) -> dict[str, Any]:
            again = await send(tool, state)
            assert isinstance(again, CallToolResult)
            return answer_of(again)

        purchase = await approved("purchase_number")
        assert (await replayed("purchase_number", purchase))["code"] == "conflict"
        release = await approved("release_number")
        assert (await replayed("purchase_number", purchase))["code"] == "approval_used"
        assert await owned(client) == 0
        await approved("purchase_number")
        refused = await replayed("release_number", release)
        assert refused["code"] in {"approval_used", "facts_changed"}
        assert refused["message"].startswith("Nothing was done")
        assert await owned(client) == 1


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_in_the_legacy_era_the_same_call_asks_again(transport: Transport, tmp_path: Path) -> None:
    answers = ["accept", "decline", "decline"]

    async def once(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult.model_validate({"action": answers.pop(0), "content": {"approve": True}})

    async with asked_over(transport, "legacy", tmp_path, once) as client:
        number = (await buy(client))["phone_number"]
        for _ in range(2):
            refused = answer_of(
                await client.session.call_tool(
                    "release_number",
                    {"phone_number": number, "confirm": True},
                    input_responses=YES,
                )
            )
            assert "the person declined" in refused["message"]
        assert answers == []
        with pytest.raises(MCPError, match="Nothing was done"):
            await client.session.call_tool(
                "release_number", {"phone_number": number, "confirm": True}, request_state="forged"
            )
        assert await owned(client) == 1


PURCHASE: dict[str, Any] = {
    "name": "purchase_number",
    "arguments": {"phone_number": "+14155550123", "confirm": True},
}


def asking(number: int, elicitation: Any, **params: Any) -> dict[str, Any]:
    """Return the purchase as a request of a modern client with this capability."""
    meta = {CLIENT_CAPABILITIES_META_KEY: {} if elicitation is None else {"elicitation": elicitation}}
    return request(number, "tools/call", modern=True, meta=meta, **PURCHASE, **params)


def message_of(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return answer["error"]["message"]
    return json.loads(answer["result"]["content"][0]["text"])["message"]


async def test_a_client_that_cannot_show_a_form_is_not_asked(tmp_path: Path) -> None:
    for era in ("legacy", "modern"):
        async with running(home=tmp_path, variables=SETTINGS) as server:
            if era == "legacy":
                await server.ask(initialize("2025-11-25", elicitation={"url": {}}))
                answer = await server.ask(request(1, "tools/call", **PURCHASE))
            else:
                answer = await server.ask(asking(1, {"url": {}}))
            assert "has not said that it can ask a person" in message_of(answer)


UNREADABLE: list[Any] = [
    None,
    {},
    {"other": {"action": "accept", "content": {"approve": True}}},
    {"approval": {"action": "accept"}},
    {"approval": {"action": "accept", "content": {}}},
    {"approval": {"action": "accept", "content": {"approve": 1}}},
    {"approval": {"action": "accept", "content": {"approve": "true"}}},
    {"approval": {"action": "accept", "content": {"approve": [True]}}},
    {"approval": {"action": "decline", "content": {"approve": True}}},
    {"approval": {"action": "cancel", "content": {"approve": True}}},
    {"approval": {"action": "maybe", "content": {"approve": True}}},
    {"approval": {"roots": []}},
    {"approval": {"approve": True}},
    {"approval": True},
    {"approval": [{"action": "accept"}]},
    "yes",
    [True],
]


async def test_an_answer_that_cannot_be_read_refuses_the_purchase(tmp_path: Path) -> None:
    async with running(home=tmp_path, variables=SETTINGS) as server:
        asked = await server.ask(asking(0, {}))
        state = asked["result"]["requestState"]
        for number, responses in enumerate(UNREADABLE, start=1):
            answer = await server.ask(asking(number, {}, requestState=state, inputResponses=responses))
            assert "error" in answer or answer["result"]["isError"], responses
            if "result" in answer:
                assert message_of(answer).startswith("Nothing was done: a person must approve this, and ")
        listed = await server.ask(request(99, "tools/call", modern=True, name="list_owned_numbers"))
        assert listed["result"]["structuredContent"]["total"] == 0
        accepted = {"approval": {"action": "accept", "content": {"approve": True}}}
        bought = await server.ask(asking(100, {}, requestState=state, inputResponses=accepted))
        assert not bought["result"].get("isError")


async def test_confirm_is_still_needed_and_a_preview_asks_nobody(tmp_path: Path) -> None:
    asked: list[str] = []
    yes = answering(ElicitResult(action="accept", content={"approve": True}), asked)
    async with asked_over("json", "auto", tmp_path, yes) as client:
        found = await client.call_tool("search_available_numbers", {"country_code": "US", "limit": 1})
        number = answer_of(found)["available_numbers"][0]["phone_number"]
        refused = answer_of(
            await client.call_tool("purchase_number", {"phone_number": number, "confirm": False})
        )
        assert refused["code"] == "confirmation_required"
        assert asked == []


async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    raise AssertionError("the test answers itself")


# Connects a client that drives the rounds itself.
asking_served = partial(served, seconds=30, approval="human", elicitation_callback=never)


BUY = {"phone_number": NUMBER, "confirm": True}


async def ask(client: Client, arguments: dict[str, Any] = BUY) -> str:
    result = await client.session.call_tool("purchase_number", arguments, allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    assert result.request_state is not None
    assert NUMBER not in result.request_state
    return result.request_state


async def answer(client: Client, state: str | None, arguments: dict[str, Any] = BUY) -> dict[str, Any]:
    result = await client.session.call_tool(
        "purchase_number", arguments, input_responses=YES, request_state=state, allow_input_required=True
    )
    assert isinstance(result, CallToolResult)
    return answer_of(result)


async def test_an_approval_is_good_for_one_execution() -> None:
    async with faulty() as provider, asking_served(provider) as client:
        state = await ask(client)
        assert (await answer(client, state))["phone_number"] == NUMBER
        provider.owned.clear()
        again = await answer(client, state)
        assert again["code"] == "approval_used"
        assert again["message"].startswith("Nothing was done")
        assert provider.count("POST") == 1


async def test_an_approval_that_is_sent_many_times_at_once_executes_once(tmp_path: Path) -> None:
    ledger, keys = str(tmp_path / "ledger.sqlite3"), (SecretStr("k" * 32),)
    codes: list[str | None] = []
    async with (
        faulty() as provider,
        asking_served(provider, ledger=SecretStr(ledger), state_keys=keys) as one,
        asking_served(provider, ledger=SecretStr(ledger), state_keys=keys) as other,
    ):
        state = await ask(one)

        async def send(client: Client) -> None:
            codes.append((await answer(client, state)).get("code"))

        async with anyio.create_task_group() as tasks:
            for client in (one, other) * 4:
                tasks.start_soon(send, client)
        assert provider.count("POST") == 1
    assert codes.count(None) == 1
    assert set(codes) <= {None, "approval_used", "facts_changed", "in_progress", "conflict", "not_found"}


@pytest.mark.parametrize("rate", ["", "ask sales"])
async def test_nobody_is_asked_about_a_price_that_is_unknown(rate: str) -> None:
    async with faulty(Provider(rate=rate)) as provider, asking_served(provider) as client:
        refused = await answer(client, None)
        assert refused["code"] == "rate_unknown"
        assert provider.count("POST") == 0


async def test_workers_that_share_keys_and_ledger_share_approvals_and_their_single_use(
    tmp_path: Path,
) -> None:
    ledger, keys = str(tmp_path / "ledger.sqlite3"), (SecretStr("k" * 32),)
    async with (
        faulty() as provider,
        asking_served(provider, ledger=SecretStr(ledger), state_keys=keys) as one,
        asking_served(provider, ledger=SecretStr(ledger), state_keys=keys) as other,
    ):
        state = await ask(one)
        assert (await answer(other, state))["phone_number"] == NUMBER
        provider.owned.clear()
        assert (await answer(one, state))["code"] == "approval_used"
        assert provider.count("POST") == 1


async def test_state_that_was_tampered_with_or_is_of_another_call_or_server_is_rejected() -> None:
    async with (
        faulty() as provider,
        asking_served(provider) as client,
        asking_served(provider) as other,
    ):
        state = await ask(client)
        for bad in ("", state[:-2] + "xx", "v1.AAAA", json.dumps({"approval": "x", "digest": "y"})):
            with pytest.raises(MCPError, match=r"^Nothing was done: .*Invalid or expired requestState"):
                await answer(client, bad)
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await answer(client, state, {**BUY, "voice_url": "https://evil.example"})
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await answer(other, state)
        assert provider.count("POST") == 0


async def test_an_answer_without_the_state_is_asked_again() -> None:
    async with faulty() as provider, asking_served(provider) as client:
        result = await client.session.call_tool(
            "purchase_number", BUY, input_responses=YES, allow_input_required=True
        )
        assert isinstance(result, InputRequiredResult)
        assert provider.count("POST") == 0


async def test_facts_that_changed_while_asking_make_the_answer_void() -> None:
    async with faulty() as provider, asking_served(provider) as client:
        state = await ask(client)
        provider.rate = "9.99"
        refused = await answer(client, state)
        assert refused["code"] == "facts_changed"
        assert refused["message"].startswith("Nothing was done")
        provider.own()
        assert (await answer(client, state))["code"] == "conflict"
        provider.owned.clear()
        provider.faults["GET"] = [replying(200, b'{"available_numbers": []}'), Exchange.honest]
        gone = await answer(client, state)
        assert gone["code"] == "not_found"
        assert "is not among the numbers available now" in gone["message"]
        assert provider.count("POST") == 0


async def test_facts_that_change_during_a_legacy_question_make_the_answer_void() -> None:
    async with faulty() as provider:

        async def raise_the_rate(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            provider.rate = "9.99"
            return ElicitResult(action="accept", content={"approve": True})

        async with asking_served(provider, mode="legacy", elicitation_callback=raise_the_rate) as client:
            refused = answer_of(await client.call_tool("purchase_number", BUY))
        assert refused["code"] == "facts_changed"
        assert provider.count("POST") == 0


@both_eras
async def test_a_person_who_does_not_answer_in_time_has_not_said_yes(mode: Mode) -> None:
    async def sleepy(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        if mode == "legacy":
            await anyio.sleep_forever()
        await anyio.sleep(0.4)
        return ElicitResult(action="accept", content={"approve": True})

    async with faulty() as provider:
        app = App.from_settings(live_settings(provider, 30, approval="human"))
        server = mcp_server(app, answer_seconds=0.3)
        with anyio.fail_after(SECONDS):
            async with Client(server, mode=mode, elicitation_callback=sleepy) as client:
                if mode == "legacy":
                    refused = answer_of(await client.call_tool("purchase_number", BUY))
                    assert "nobody answered in time" in refused["message"]
                    assert refused["code"] == "not_approved"
                else:
                    with pytest.raises(MCPError, match="Invalid or expired requestState"):
                        await client.call_tool("purchase_number", BUY)
        assert provider.count("POST") == 0
