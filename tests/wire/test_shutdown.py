"""However a server is ended: a purchase in flight is finished and answered, and no traceback is left."""

import json
import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from mcp import Client, MCPError

from tests.support.faulty import NUMBER, Exchange, Provider, faulty
from tests.support.held import Held
from tests.support.served import live_variables
from tests.support.wire import Running, answer_of, initialize, request, running

pytestmark = pytest.mark.measured  # nothing else witnesses how a process ends
SIGNALS = [signal.SIGINT, signal.SIGTERM]
OTHER = "+14155550123"


def starting(provider: Provider, home: Path) -> dict[str, Any]:
    """Return how to start a server whose API is `provider`."""
    return {"home": home, "variables": live_variables(provider, home, TELEFONIE_TIMEOUT="120")}


def purchase(number: int) -> dict[str, Any]:
    arguments = {"phone_number": NUMBER, "confirm": True}
    return request(number, "tools/call", name="purchase_number", arguments=arguments)


async def refuses_new_calls(server: Running) -> None:
    """Call until the signal has arrived."""
    for number in range(1000, 2000):
        answer = await server.ask(request(number, "tools/call", name="list_owned_numbers"))
        if "shutting_down" in str(answer):
            return
    raise AssertionError("the signal did not arrive")


@pytest.mark.parametrize("how", [*SIGNALS, None], ids=lambda how: how.name if how else "EOF")
async def test_stdio_answers_a_purchase_in_flight_before_the_end(
    how: signal.Signals | None, tmp_path: Path
) -> None:
    held = Held()
    async with faulty(POST=[held]) as provider, running(**starting(provider, tmp_path)) as server:
        await server.ask(initialize("2025-11-25"))
        await server.send(purchase(1))
        await held.arrived.wait()
        if how:
            server.process.send_signal(how)
            await refuses_new_calls(server)
        else:
            await server.hang_up()
        assert server.process.returncode is None
        held.go.set()
        answer = await server.receive()
        assert answer["id"] == 1
        assert answer["result"]["structuredContent"]["phone_number"] == NUMBER
        assert await server.rest() == b""
        assert await server.end() == 0
        assert provider.count("POST") == 1


@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
async def test_http_answers_purchases_in_flight_before_the_end(how: signal.Signals, tmp_path: Path) -> None:
    held, bought = {NUMBER: Held(), OTHER: Held()}, dict[str, dict[str, Any]]()

    async def hold(exchange: Exchange) -> None:
        await held[json.loads(exchange.body)["phone_number"]](exchange)

    async def buy(client: Client, number: str) -> None:
        arguments = {"phone_number": number, "confirm": True}
        bought[number] = answer_of(await client.call_tool("purchase_number", arguments))

    async with (
        faulty(POST=[hold]) as provider,
        running("--http", "0", **starting(provider, tmp_path)) as server,
    ):
        url = await server.address()
        async with (
            Client(url, mode="auto") as modern,
            Client(url, mode="legacy") as legacy,
            anyio.create_task_group() as tasks,
        ):
            for client, number in ((modern, NUMBER), (legacy, OTHER)):
                await client.list_tools()  # or the client would ask for the schema of the last answer
                tasks.start_soon(buy, client, number)
                await held[number].arrived.wait()
            server.process.send_signal(how)
            for client in (modern, legacy):
                while "shutting_down" not in str(await client.call_tool("list_owned_numbers")):
                    pass
            for each in held.values():
                each.go.set()
        assert await server.end() == 0
        assert {number: answer["phone_number"] for number, answer in bought.items()} == {
            number: number for number in held
        }
        assert provider.count("POST") == 2


async def test_http_ends_while_clients_are_connected_and_their_reads_hang(tmp_path: Path) -> None:
    async def read(client: Client) -> None:
        with suppress(MCPError, httpx.ConnectError):
            await client.call_tool("list_owned_numbers")

    held = Held()
    async with (
        faulty(GET=[held]) as provider,
        running("--http", "0", **starting(provider, tmp_path)) as server,
    ):
        url = await server.address()
        async with (
            Client(url, mode="auto") as modern,
            Client(url, mode="legacy") as legacy,
            anyio.create_task_group() as tasks,
        ):
            for count, client in enumerate((modern, legacy), start=1):
                tasks.start_soon(read, client)
                while provider.count("GET") < count:
                    await anyio.sleep(0.01)
            server.process.send_signal(signal.SIGTERM)
            assert await server.end() == 0


async def test_stdio_ends_while_a_read_hangs(tmp_path: Path) -> None:
    held = Held()
    async with faulty(GET=[held]) as provider, running(**starting(provider, tmp_path)) as server:
        await server.ask(initialize("2025-11-25"))
        await server.send(request(1, "tools/call", name="list_owned_numbers"))
        await held.arrived.wait()
        server.process.send_signal(signal.SIGTERM)
        assert await server.end() == 0


async def test_a_client_that_does_not_read_cannot_keep_the_process(tmp_path: Path) -> None:
    unread, stdout = os.pipe()
    try:
        async with running(home=tmp_path, stdout=stdout) as server:
            await server.send(initialize("2025-11-25"))
            for number in range(100):
                await server.send(request(number, "tools/list"))
            while select.select([], [stdout], [], 0)[1]:
                await anyio.sleep(0.01)
            server.process.send_signal(signal.SIGTERM)
            assert await server.end() == 0
    finally:
        os.close(unread)
        os.close(stdout)


async def test_the_process_ends_when_the_client_has_closed_its_end(tmp_path: Path) -> None:
    unread, stdout = os.pipe()
    os.close(unread)
    try:
        async with running(home=tmp_path, stdout=stdout) as server:
            await server.send(initialize("2025-11-25"))
            assert await server.end() == 0
    finally:
        os.close(stdout)


async def test_a_question_to_a_client_that_has_left_does_not_keep_the_process(tmp_path: Path) -> None:
    variables = {"TELEFONIE_APPROVAL": "human", "TELEFONIE_TIMEOUT": "600"}
    async with running(home=tmp_path, variables=variables) as server:
        await server.ask(initialize("2025-11-25", elicitation={}))
        await server.send(purchase(1))
        assert (await server.receive())["method"] == "elicitation/create"
        await server.hang_up()
        assert await server.end() == 0


async def test_a_cancelled_purchase_is_finished_without_an_answer(tmp_path: Path) -> None:
    held = Held()
    async with faulty(POST=[held]) as provider, running(**starting(provider, tmp_path)) as server:
        await server.ask(initialize("2025-11-25"))
        await server.send(purchase(1))
        await held.arrived.wait()
        await server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        await server.send(request(2, "ping"))
        assert (await server.receive())["id"] == 2
        await server.hang_up()
        held.go.set()
        assert await server.rest() == b""
        assert await server.end() == 0
        async with running("log", "--json", **starting(provider, tmp_path)) as log:
            assert b'"state": "done"' in await log.rest()
            assert await log.end() == 0


@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
async def test_call_finishes_a_purchase_and_shows_it(how: signal.Signals, tmp_path: Path) -> None:
    arguments = ("call", "purchase_number", f"phone_number={NUMBER}", "confirm=true")
    held = Held()
    async with (
        faulty(POST=[held]) as provider,
        running(*arguments, **starting(provider, tmp_path)) as command,
    ):
        await held.arrived.wait()
        command.process.send_signal(how)
        held.go.set()
        assert json.loads(await command.rest())["phone_number"] == NUMBER
        assert await command.end() == 0
        assert provider.count("POST") == 1


async def test_call_gives_up_a_read(tmp_path: Path) -> None:
    held, arguments = Held(), ("call", "list_owned_numbers")
    async with (
        faulty(GET=[held]) as provider,
        running(*arguments, **starting(provider, tmp_path)) as command,
    ):
        await held.arrived.wait()
        command.process.send_signal(signal.SIGINT)
        assert await command.rest() == b""
        assert await command.end() == 1
        assert command.log == "Aborted!\n"
