"""A yes is good where it was asked for: in that mode, for that account, with that ledger."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, InputRequiredResult, InputResponses
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.upstream.client import Transport, asgi_transport
from tests.support.faulty import NUMBER, faulty
from tests.support.served import KEY, served
from tests.support.wire import SECONDS, answer_of

BUY: dict[str, Any] = {"phone_number": NUMBER, "confirm": True}
YES: InputResponses = {"approval": ElicitResult(action="accept", content={"approve": True})}
STATE_KEYS = "k" * 32
"""Seals the questions of every server here, as the workers of one service share it."""


async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    raise AssertionError("the test answers itself")


@asynccontextmanager
async def asking(transport: Transport | None, ledger: Path | str, **variables: str) -> AsyncGenerator[Client]:
    """Connect a client that drives the rounds itself to a server where a person must approve."""
    own = {
        "TELEFONIE_APPROVAL": "human",
        "TELEFONIE_STATE_KEYS": STATE_KEYS,
        "TELEFONIE_LEDGER": str(ledger),
        "TELEFONIE_SANDBOX_DB": "" if "TELEFONIE_API_KEY" in variables else ":memory:",
    }
    app = App.from_settings(read_settings({**own, **variables}), transport=transport)
    with anyio.fail_after(SECONDS):
        async with Client(mcp_server(app), elicitation_callback=never) as client:
            yield client


async def question(client: Client) -> tuple[str, str]:
    """Begin a purchase, and return what a person is asked and the state in which that travels."""
    result = await client.session.call_tool("purchase_number", BUY, allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    assert result.request_state is not None
    assert result.input_requests
    asked = result.input_requests["approval"].params
    assert asked is not None
    return getattr(asked, "message", ""), result.request_state


async def answered(client: Client, state: str) -> dict[str, Any]:
    """Say yes to a question, and return what the purchase answers."""
    result = await client.session.call_tool(
        "purchase_number", BUY, input_responses=YES, request_state=state, allow_input_required=True
    )
    assert isinstance(result, CallToolResult)
    return answer_of(result)


async def owned(client: Client) -> int:
    return answer_of(await client.call_tool("list_owned_numbers", {}))["total"]


LIVE = {"TELEFONIE_API_KEY": KEY}


@pytest.mark.parametrize(
    ("asked", "elsewhere"),
    [
        pytest.param({}, LIVE, id="the sandbox's yes in live"),
        pytest.param(LIVE, {}, id="live's yes in the sandbox"),
        pytest.param(
            LIVE | {"TELEFONIE_ACCOUNT": "work"}, LIVE | {"TELEFONIE_ACCOUNT": "home"}, id="another account"
        ),
        pytest.param(
            LIVE, LIVE | {"TELEFONIE_BASE_URL": "https://other.example/v1/numbers"}, id="another API"
        ),
    ],
)
async def test_a_yes_buys_only_in_the_mode_and_the_account_it_was_given_for(
    asked: dict[str, str], elsewhere: dict[str, str], tmp_path: Path
) -> None:
    """The servers share their keys and their ledger, and see the same offer."""
    ledger = tmp_path / "ledger.sqlite3"
    apis = [asgi_transport(create_sandbox(":memory:", embedded=True)) for _ in range(2)]
    async with asking(apis[0], ledger, **asked) as here, asking(apis[1], ledger, **elsewhere) as there:
        _, state = await question(here)
        refused = await answered(there, state)
        assert (refused["code"], await owned(there)) == ("facts_changed", 0)
        assert refused["message"].startswith("Nothing was done")
        assert (await answered(here, state))["phone_number"] == NUMBER
        assert (await owned(here), await owned(there)) == (1, 0)


async def test_workers_with_separate_ledgers_do_not_spend_a_yes_twice(tmp_path: Path) -> None:
    async with faulty() as provider:
        variables = {**LIVE, "TELEFONIE_BASE_URL": provider.url}
        async with (
            asking(None, tmp_path / "one.sqlite3", **variables) as one,
            asking(None, tmp_path / "two.sqlite3", **variables) as two,
        ):
            _, state = await question(one)
            assert (await answered(one, state))["phone_number"] == NUMBER
            provider.owned.clear()  # so that nothing else stands against a second purchase
            refused = await answered(two, state)
            assert refused["code"] == "facts_changed"
            assert provider.count("POST") == 1


async def test_a_yes_is_good_at_every_worker_that_shares_the_ledger(shared_ledger: str) -> None:
    """However each of them spells where it stands."""
    elsewhere = (
        f"{shared_ledger}&application_name=two" if "://" in shared_ledger else f"sqlite:///{shared_ledger}"
    )
    async with faulty() as provider:
        variables = {**LIVE, "TELEFONIE_BASE_URL": provider.url}
        async with (
            asking(None, shared_ledger, **variables) as one,
            asking(None, elsewhere, **variables) as two,
        ):
            _, state = await question(one)
            assert (await answered(two, state))["phone_number"] == NUMBER
            provider.owned.clear()
            assert (await answered(one, state))["code"] == "approval_used"
            assert provider.count("POST") == 1


async def test_the_question_names_mode_account_price_and_what_the_limits_leave() -> None:
    asked: list[str] = []

    async def decline(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="decline")

    rules: dict[str, Any] = {"account": "work", "max_monthly_spend": 10, "max_purchases_per_day": 3}
    async with faulty() as provider:
        async with served(
            provider,
            30,
            elicitation_callback=decline,
            approval="human",
            **rules,
            ledger=SecretStr(":memory:"),
        ) as client:
            await client.call_tool("purchase_number", BUY)
        assert provider.count("POST") == 0
    (text,) = asked
    assert {
        "· mode: live",
        f"· account: work 127.0.0.1:{provider.port}",
        "· monthly rate: 1.15",
        "· left of monthly spend: 10",
        "· left of purchases per day: 3",
    } <= {*text.splitlines()}


async def test_the_sandbox_says_that_it_is_one_in_the_question(tmp_path: Path) -> None:
    async with asking(None, tmp_path / "ledger.sqlite3") as client:
        text, _ = await question(client)
    assert {"· mode: sandbox", "· account: sandbox"} <= {*text.splitlines()}
