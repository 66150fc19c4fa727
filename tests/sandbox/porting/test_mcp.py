"""Porting through MCP, in both protocol eras, without secrets in any result."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import httpx2 as httpx
import pytest
from mcp import Client
from mcp_types import ElicitRequestParams, ElicitResult

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.redaction import HIDDEN
from telefonie_mcp.sandbox import create_sandbox, move_clock
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.upstream.client import Transport, asgi_transport
from tests.sandbox.porting.support import FIELDS, NUMBERS, PDF, SECRETS
from tests.support.transports import both_eras
from tests.support.wire import answer_of

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
Fault = Callable[[httpx.Request, Send], Awaitable[httpx.Response]]

ROUTING: dict[str, Any] = {
    "voice_url": "https://example.com/voice",
    "sms_url": "https://example.com/sms",
    "friendly_name": "Front desk",
}
READS = {"check_portability", "list_port_orders", "get_port_order"}
ASK = {"submit_port_order", "cancel_port_order"}


def porting_app(home: Path, transport: Transport | None = None, **variables: str) -> App:
    """Return an app with the toolsets numbers and porting."""
    own = {"TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3"), "TELEFONIE_TOOLSETS": "numbers,porting"}
    return App.from_settings(read_settings({**own, **variables}), transport=transport)


class Agent:
    """Calls tools and records all results."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.heard = ""

    async def ask(self, tool: str, *, refused: bool = False, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        answer = answer_of(result)
        assert bool(result.is_error) is refused, answer
        self.heard += json.dumps(answer)
        return answer

    async def confirm(self, tool: str, order: str) -> tuple[str, dict[str, Any]]:
        """Make the call that the preview names; return the preview's message and the result."""
        preview = await self.ask(tool, refused=True, port_order_id=order, confirm=False)
        call = preview["next_call"]
        return preview["message"], await self.ask(call["name"], **call["arguments"])


@both_eras
async def test_two_numbers_from_draft_to_ported(mode: Literal["auto", "legacy"], tmp_path: Path) -> None:
    database = tmp_path / "sandbox.sqlite3"
    app = porting_app(tmp_path)
    async with Client(mcp_server(app), mode=mode) as client:
        agent = Agent(client)
        written = ["+1 (415) 555-0101", "+1 415 555 0102"]  # as people write them
        results = (await agent.ask("check_portability", phone_numbers=written))["results"]
        assert [result["phone_number"] for result in results] == NUMBERS
        assert {"pin", "account_number", "loa"} <= set(results[0]["required"])

        created = await agent.ask("create_port_order", phone_numbers=NUMBERS, **ROUTING)
        order, carrier = created["port_order_id"], created["losing_carrier"]
        assert created["status"] == "draft"

        for confirm in (False, True):
            refused = await agent.ask("submit_port_order", refused=True, port_order_id=order, confirm=confirm)
            assert refused["code"] == "conflict"
            assert refused["message"].startswith("Nothing was done: the API wants account_number, pin, ")
            assert refused["message"].endswith(", loa first.")
            assert "next_call" not in refused

        await complete_with_the_wrong_pin(agent, order)
        words, submitted = await agent.confirm("submit_port_order", order)
        named = [*NUMBERS, carrier, submitted["foc_date"]]
        assert words.startswith("Nothing was done")
        assert all(name in words for name in named)
        assert "refused" not in words
        assert submitted["status"] == "submitted"
        again = await agent.ask("submit_port_order", refused=True, port_order_id=order, confirm=False)
        assert (again["code"], "is submitted" in again["message"]) == ("conflict", True)

        move_clock(database, timedelta(days=4))
        rejected = await agent.ask("get_port_order", port_order_id=order)
        assert rejected["status"] == "exception"
        assert rejected["rejection"]["code"] == "PASSCODE_PIN_INVALID"

        await agent.ask("update_port_order", port_order_id=order, pin=SECRETS["pin"])
        _, submitted = await agent.confirm("submit_port_order", order)
        assert "rejection" not in submitted

        move_clock(database, timedelta(days=4))
        confirmed = await agent.ask("get_port_order", port_order_id=order)
        assert confirmed["status"] in {
            "foc_confirmed",
            "ported",
        }  # depends on the real calendar
        move_clock(database, timedelta(days=10))
        ported = await agent.ask("list_port_orders", status="ported")
        assert [found["port_order_id"] for found in ported["port_orders"]] == [order]
        owned = (await agent.ask("list_owned_numbers"))["numbers"]
        assert [number["phone_number"] for number in owned] == NUMBERS
        assert all(ROUTING.items() <= number.items() for number in owned)
        over = await agent.ask("cancel_port_order", refused=True, port_order_id=order, confirm=True)
        assert over["provider_code"] == "state_conflict"
        assert "Possible now: nothing" in over["provider_says"]

        writes = [entry.as_dict() for entry in await app.recent_writes()]
    keeps_secrets(agent, json.dumps(writes), tmp_path)


async def complete_with_the_wrong_pin(agent: Agent, order: str) -> None:
    wrong: dict[str, Any] = {**FIELDS, "pin": "0000"}
    updated = await agent.ask("update_port_order", port_order_id=order, **wrong)
    assert (updated["status"], updated["missing"]) == ("pending_documents", ["loa"])
    assert updated["replaced"] == {"authorized_name": "", "postal_code": ""}
    document: dict[str, Any] = {"type": "loa", "file_name": "loa.pdf", "content": PDF}
    uploaded = await agent.ask("upload_port_document", port_order_id=order, **document)
    assert uploaded["missing"] == []


def keeps_secrets(agent: Agent, writes: str, home: Path) -> None:
    assert HIDDEN in writes
    kept = b"".join(file.read_bytes() for file in home.iterdir())
    for secret in (*SECRETS.values(), PDF):
        assert secret not in agent.heard
        assert secret not in writes
        assert secret.encode() not in kept


async def test_the_porting_tools_have_true_annotations_and_short_definitions(tmp_path: Path) -> None:
    async with Client(mcp_server(porting_app(tmp_path))) as client:
        listed = (await client.list_tools()).tools
        assert client.instructions
        assert "submit_port_order" in client.instructions
    ports = [tool for tool in listed if "port" in tool.name]
    assert len(ports) == 8
    for tool in ports:
        assert tool.annotations
        assert tool.annotations.read_only_hint is (tool.name in READS)
        assert tool.annotations.destructive_hint is (tool.name in ASK)
        assert ("confirm" in tool.input_schema["properties"]) is (tool.name in ASK)
        text = tool.model_dump_json(by_alias=True, exclude_none=True)
        assert len(text.encode()) // 4 <= 350, tool.name


def test_a_read_only_server_has_the_reading_porting_tools(tmp_path: Path) -> None:
    reading = porting_app(tmp_path, TELEFONIE_READ_ONLY="true")
    assert {tool.name for tool in reading.catalog if "port" in tool.name} == READS


async def test_a_person_is_asked_with_numbers_carrier_and_date(tmp_path: Path) -> None:
    questions: list[str] = []

    async def approve(context: Any, params: ElicitRequestParams) -> ElicitResult:
        assert context
        questions.append(params.message)
        return ElicitResult(action="accept", content={"approve": True})

    app = porting_app(tmp_path, TELEFONIE_APPROVAL="human")
    async with Client(mcp_server(app), elicitation_callback=approve) as client:
        agent = Agent(client)
        created = await agent.ask("create_port_order", phone_numbers=NUMBERS, **FIELDS)
        order = created["port_order_id"]
        cancelled = await agent.ask("cancel_port_order", port_order_id=order, confirm=True)
    assert cancelled["status"] == "cancelled"
    (question,) = questions
    assert all(name in question for name in (*NUMBERS, created["losing_carrier"], created["foc_date"]))
    assert not any(secret in question for secret in SECRETS.values())


class Faulty(httpx.AsyncBaseTransport):
    """The sandbox, with a fault between it and the client."""

    def __init__(self, database: Path, fault: Fault) -> None:
        self._sandbox = asgi_transport(create_sandbox(database, embedded=True))
        self._fault = fault

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._fault(request, self._sandbox.handle_async_request)


async def prepared(app: App) -> str:
    """Return an order that lacks nothing."""
    made = await app.pipeline.call("create_port_order", {"phone_numbers": NUMBERS, **FIELDS}, CommandLine())
    order = made.content["port_order_id"]
    document = {"type": "loa", "file_name": "loa.pdf", "content": PDF, "port_order_id": order}
    await app.pipeline.call("upload_port_document", document, CommandLine())
    return order


@pytest.mark.parametrize(("action", "status"), [("submit", "submitted"), ("cancel", "cancelled")])
async def test_an_action_whose_answer_is_lost_is_settled_by_its_state(
    action: str, status: str, tmp_path: Path
) -> None:
    sent: list[str] = []

    async def lose_the_answer(request: httpx.Request, send: Send) -> httpx.Response:
        response = await send(request)
        if not request.url.path.endswith(action):
            return response
        sent.append(request.url.path)
        return httpx.Response(502)

    app = porting_app(tmp_path, Faulty(tmp_path / "sandbox.sqlite3", lose_the_answer))
    order = await prepared(app)
    done = await app.pipeline.call(
        f"{action}_port_order", {"port_order_id": order, "confirm": True}, CommandLine()
    )
    assert done.content["status"] == status
    assert done.meta["reconciled"] is True
    assert len(sent) == 1
    await app.aclose()


async def test_an_action_that_never_arrived_is_known_not_to_have_happened(tmp_path: Path) -> None:
    async def drop(request: httpx.Request, send: Send) -> httpx.Response:
        return httpx.Response(502) if request.url.path.endswith("submit") else await send(request)

    app = porting_app(tmp_path, Faulty(tmp_path / "sandbox.sqlite3", drop))
    order = await prepared(app)
    async with Client(mcp_server(app)) as client:
        agent = Agent(client)
        refused = await agent.ask("submit_port_order", refused=True, port_order_id=order, confirm=True)
        assert refused["code"] == "not_done"
        assert (await agent.ask("get_port_order", port_order_id=order))["status"] == "draft"


async def test_a_secret_whose_answer_is_lost_is_not_said_to_have_arrived(tmp_path: Path) -> None:
    async def drop(request: httpx.Request, send: Send) -> httpx.Response:
        lost = request.method == "POST" and b"87654321" in await request.aread()
        return httpx.Response(502) if lost else await send(request)

    app = porting_app(tmp_path, Faulty(tmp_path / "sandbox.sqlite3", drop))
    order = await prepared(app)
    async with Client(mcp_server(app)) as client:
        agent = Agent(client)
        unknown = await agent.ask("update_port_order", refused=True, port_order_id=order, pin="87654321")
        assert unknown["code"] == "outcome_unknown"
        named = await agent.ask("update_port_order", port_order_id=order, friendly_name="Desk")
        assert (named["friendly_name"], named["replaced"]) == ("Desk", {"friendly_name": ""})


async def test_a_check_is_repeated_like_every_read_and_not_recorded(tmp_path: Path) -> None:
    tries: list[str] = []

    async def fail_once(request: httpx.Request, send: Send) -> httpx.Response:
        tries.append(request.url.path)
        return httpx.Response(503) if len(tries) == 1 else await send(request)

    app = porting_app(tmp_path, Faulty(tmp_path / "sandbox.sqlite3", fail_once))
    checked = await app.pipeline.call("check_portability", {"phone_numbers": NUMBERS}, CommandLine())
    assert [result["portable"] for result in checked.content["results"]] == [True, True]
    assert len(tries) == 2
    assert await app.recent_writes() == []
    await app.aclose()
