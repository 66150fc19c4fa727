"""The operator's limits apply to ported numbers as to bought ones."""

from decimal import Decimal
from pathlib import Path

import anyio
import httpx2 as httpx
import pytest
from mcp import Client

from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from telefonie_mcp.server.handlers import mcp_server
from tests.sandbox.porting.support import NUMBERS, OTHER
from tests.sandbox.porting.test_mcp import Agent, Faulty, Send, porting_app, prepared

RATE = Decimal("1.15")
"""What each of the two numbers costs per month."""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("COUNTRIES", "DE,FR"),
        ("NUMBER_TYPES", "toll-free"),
        ("MAX_MONTHLY_RATE", str(RATE - Decimal("0.01"))),
        ("APPROVAL", "block"),
    ],
)
@pytest.mark.parametrize("confirm", [True, False])
async def test_a_rule_of_the_operator_refuses_a_port(
    setting: str, value: str, confirm: bool, tmp_path: Path
) -> None:
    app = porting_app(tmp_path, None, **{f"TELEFONIE_{setting}": value})
    order = await prepared(app)
    async with Client(mcp_server(app)) as client:
        agent = Agent(client)
        refused = await agent.ask("submit_port_order", refused=True, port_order_id=order, confirm=confirm)
        assert (refused["code"], refused["setting"]) == ("policy_refused", f"TELEFONIE_{setting}")
        assert (await agent.ask("get_port_order", port_order_id=order))["status"] == "draft"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("COUNTRIES", "US"), ("NUMBER_TYPES", "local"), ("MAX_MONTHLY_RATE", str(RATE))],
)
async def test_a_port_within_the_rules_is_submitted(setting: str, value: str, tmp_path: Path) -> None:
    app = porting_app(tmp_path, None, **{f"TELEFONIE_{setting}": value})
    order = await prepared(app)
    async with Client(mcp_server(app)) as client:
        agent = Agent(client)
        preview = await agent.ask("submit_port_order", refused=True, port_order_id=order, confirm=False)
        _, submitted = await agent.confirm("submit_port_order", order)
    assert submitted["status"] == "submitted"
    assert preview["preview"]["monthly_rate"] == str(2 * RATE)


async def test_an_order_takes_from_the_budget_until_it_is_cancelled(tmp_path: Path) -> None:
    app = porting_app(tmp_path, TELEFONIE_MAX_MONTHLY_SPEND=str(2 * RATE))
    order = await prepared(app)
    async with Client(mcp_server(app)) as client:
        agent = Agent(client)
        await agent.confirm("submit_port_order", order)
        over = await agent.ask("purchase_number", refused=True, phone_number=OTHER[0], confirm=True)
        assert (over["code"], over["setting"]) == ("limit_reached", "TELEFONIE_MAX_MONTHLY_SPEND")
        await agent.confirm("cancel_port_order", order)
        await agent.ask("purchase_number", phone_number=OTHER[0], confirm=True)


async def test_a_call_with_a_rate_below_the_price_is_refused(tmp_path: Path) -> None:
    app = porting_app(tmp_path)
    order = await prepared(app)
    async with Client(mcp_server(app)) as client:
        agent = Agent(client)
        preview = await agent.ask("submit_port_order", refused=True, port_order_id=order, confirm=False)
        assert preview["next_call"]["arguments"]["max_monthly_rate"] == float(2 * RATE)
        refused = await agent.ask(
            "submit_port_order", refused=True, port_order_id=order, max_monthly_rate=2, confirm=True
        )
        assert (refused["code"], refused["field"]) == ("rate_too_high", "max_monthly_rate")


async def test_an_order_that_changes_after_it_was_read_is_not_submitted(tmp_path: Path) -> None:
    submitting = False

    async def update_meanwhile(request: httpx.Request, send: Send) -> httpx.Response:
        nonlocal submitting
        response = await send(request)
        if submitting:
            submitting = False
            await app.pipeline.call("update_port_order", numbers, CommandLine())
        return response

    transport = Faulty(tmp_path / "sandbox.sqlite3", update_meanwhile)
    app = porting_app(tmp_path, transport, TELEFONIE_MAX_MONTHLY_SPEND=str(RATE))
    order = await prepared(app)
    numbers = {"port_order_id": order, "phone_numbers": NUMBERS}
    await app.pipeline.call("update_port_order", {**numbers, "phone_numbers": NUMBERS[:1]}, CommandLine())
    submit = {"port_order_id": order, "confirm": True}
    submitting = True
    with pytest.raises(ToolError) as refused:
        await app.pipeline.call("submit_port_order", submit, CommandLine())
    assert refused.value.code == "facts_changed"
    assert [(entry.tool, entry.state) for entry in await app.recent_writes(2)] == [
        ("update_port_order", "done"),
        ("update_port_order", "done"),
    ]
    with pytest.raises(ToolError) as refused:
        await app.pipeline.call("submit_port_order", submit, CommandLine())
    assert refused.value.code == "limit_reached"
    await app.pipeline.call("update_port_order", {**numbers, "phone_numbers": NUMBERS[:1]}, CommandLine())
    await app.pipeline.call("submit_port_order", submit, CommandLine())
    await app.aclose()


async def test_an_order_that_is_being_changed_while_it_is_read_is_not_submitted(tmp_path: Path) -> None:
    sent, read, updated = anyio.Event(), anyio.Event(), anyio.Event()
    order = ""

    async def take_turns(request: httpx.Request, send: Send) -> httpx.Response:
        if order and request.method == "POST" and request.url.path.endswith(order):
            sent.set()
            await read.wait()
            return await send(request)
        response = await send(request)
        if sent.is_set() and request.method == "GET":
            read.set()
            await updated.wait()
        return response

    async def update() -> None:
        numbers = {"port_order_id": order, "phone_numbers": NUMBERS[:1]}
        await app.pipeline.call("update_port_order", numbers, CommandLine())
        updated.set()

    app = porting_app(tmp_path, Faulty(tmp_path / "sandbox.sqlite3", take_turns))
    order = await prepared(app)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(update)
        with anyio.fail_after(300):
            await sent.wait()
            with pytest.raises(ToolError) as refused:
                await app.pipeline.call(
                    "submit_port_order", {"port_order_id": order, "confirm": True}, CommandLine()
                )
            assert refused.value.code == "in_progress"
    await app.aclose()
