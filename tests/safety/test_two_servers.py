"""Two servers on one ledger: nobody acts on facts that the other one has changed, nothing is sent twice."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from tests.sandbox.porting.support import NUMBERS
from tests.sandbox.porting.test_mcp import Faulty, Send, porting_app, prepared
from tests.support.faulty import NUMBER, Exchange, Provider, faulty
from tests.support.held import Held
from tests.support.served import called, served
from tests.support.wire import SECONDS

RATE = Decimal("1.15")
"""What each number costs per month."""


async def call(app: App, name: str, **arguments: Any) -> dict[str, Any]:
    return (await app.pipeline.call(name, arguments, CommandLine())).content


async def refused(app: App, name: str, **arguments: Any) -> str:
    with pytest.raises(ToolError, match=r"^Nothing was done") as caught:
        await call(app, name, **arguments)
    return caught.value.code


async def test_an_order_that_grew_through_another_server_is_not_submitted(
    shared_ledger: str, tmp_path: Path
) -> None:
    """It was read at 1.15, which the limit allows; when the answer arrives it costs 2.30."""
    read, grown = anyio.Event(), anyio.Event()

    async def hold_what_was_read(request: httpx.Request, send: Send) -> httpx.Response:
        response = await send(request)
        if request.method == "GET":
            read.set()
            await grown.wait()
        return response

    transport = Faulty(tmp_path / "sandbox.sqlite3", hold_what_was_read)
    variables = {"TELEFONIE_LEDGER": shared_ledger, "TELEFONIE_MAX_MONTHLY_SPEND": str(RATE)}
    one, other = porting_app(tmp_path, transport, **variables), porting_app(tmp_path, None, **variables)
    order = await prepared(other)
    await call(other, "update_port_order", port_order_id=order, phone_numbers=NUMBERS[:1])
    codes: list[str] = []

    async def submit() -> None:
        codes.append(await refused(one, "submit_port_order", port_order_id=order, confirm=True))

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(submit)
            await read.wait()
            await call(other, "update_port_order", port_order_id=order, phone_numbers=NUMBERS)
            grown.set()
        assert codes == ["facts_changed"]
        found = await call(other, "get_port_order", port_order_id=order)
        assert (found["status"], found["monthly_rate"]) == ("draft", str(2 * RATE))
        for app in (one, other):
            assert await refused(app, "submit_port_order", port_order_id=order, confirm=True) == (
                "limit_reached"
            )
        await call(one, "update_port_order", port_order_id=order, phone_numbers=NUMBERS[:1])
        submitted = await call(other, "submit_port_order", port_order_id=order, confirm=True)
        assert submitted["status"] == "submitted"
    await one.aclose()
    await other.aclose()


@dataclass
class Strict(Provider):
    """Refuses to sell a number twice; the other one answers 201 again."""

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        if method == "POST" and self.owned:
            return 409, {"code": "number_unavailable", "detail": "It is taken."}
        return super().handle(method, target, body)


every_api = pytest.mark.parametrize("api", [Provider, Strict], ids=["201 again", "409"])
"""What answers when a number is bought a second time."""


async def test_one_server_sends_one_purchase_of_two_at_once() -> None:
    async with faulty() as provider, served(provider, 30) as client:
        await assert_one_purchase(provider, client, client)


@every_api
async def test_two_servers_send_one_purchase_of_two_at_once(api: type[Provider], shared_ledger: str) -> None:
    ledger = SecretStr(shared_ledger)
    async with (
        faulty(api()) as provider,
        served(provider, 30, ledger=ledger) as one,
        served(provider, 30, ledger=ledger) as other,
    ):
        await assert_one_purchase(provider, one, other)


async def assert_one_purchase(provider: Provider, one: Client, other: Client) -> None:
    """Let both read that the number is free before either goes on."""
    arrived = 0
    both = anyio.Event()

    async def wait_for_the_other(exchange: Exchange) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 2:
            both.set()
        await both.wait()
        await exchange.honest()

    codes: list[str | None] = []

    async def buy(client: Client) -> None:
        codes.append((await called(client, "purchase_number")).get("code"))

    provider.faults["GET"] = [wait_for_the_other, wait_for_the_other, Exchange.honest]
    async with anyio.create_task_group() as tasks:
        for client in (one, other):
            tasks.start_soon(buy, client)
    assert codes.count(None) == 1
    assert set(codes) <= {None, "facts_changed", "in_progress"}
    assert provider.count("POST") == 1


@pytest.mark.parametrize("servers", ["one", "two"])
@every_api
async def test_a_purchase_that_read_before_another_one_was_done_is_not_sent(
    servers: str, api: type[Provider], shared_ledger: str
) -> None:
    """The number was free when its state was read, and is bought when the answer arrives."""
    provider = api()
    arrived, go = anyio.Event(), anyio.Event()

    async def late(exchange: Exchange) -> None:
        status, body = exchange.commit()
        arrived.set()
        await go.wait()
        await exchange.reply(status, json.dumps(body).encode())

    ledger = SecretStr(shared_ledger)
    answers: list[dict[str, Any]] = []
    async with (
        faulty(provider),
        served(provider, 30, ledger=ledger) as one,
        served(provider, 30, ledger=ledger) as another,
    ):
        other = one if servers == "one" else another

        async def buy() -> None:
            answers.append(await called(other, "purchase_number"))

        provider.faults["GET"] = [late, Exchange.honest]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            await arrived.wait()
            assert (await called(one, "purchase_number"))["phone_number"] == NUMBER
            go.set()
        (answer,) = answers
        assert (answer["code"], answer["retryable"]) == ("facts_changed", True)
        assert answer["message"].startswith("Nothing was done: another call wrote to +14155550100 after")
        assert provider.count("POST") == 1


async def test_a_purchase_beside_one_that_has_no_answer_yet_is_refused(shared_ledger: str) -> None:
    ledger = SecretStr(shared_ledger)
    held = Held()
    bought: list[dict[str, Any]] = []
    async with (
        faulty(POST=[held]) as provider,
        served(provider, 30, ledger=ledger) as one,
        served(provider, 30, ledger=ledger) as other,
    ):

        async def buy() -> None:
            bought.append(await called(one, "purchase_number"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            await held.arrived.wait()
            for confirm in (False, True):
                answer = await called(other, "purchase_number", confirm=confirm)
                assert (answer["code"], answer["retryable"]) == ("in_progress", True)
                assert "next_call" not in answer
            held.go.set()
        assert [answer["phone_number"] for answer in bought] == [NUMBER]
        assert provider.count("POST") == 1
