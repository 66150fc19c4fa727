"""However a server is ended: a purchase in flight is finished and answered, and no traceback is left."""

import fcntl
import json
import os
import signal
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import anyio
import httpx2 as httpx
import pytest
from mcp import Client, MCPError

from tests.support.upstream import KEY, Upstream, upstream
from tests.support.wire import Mode, Running, answer_of, initialize, request, running

SIGNALS = [signal.SIGINT, signal.SIGTERM]
NUMBER = "+14155550123"
PIPE = 50_000
"""Bytes: about as many as a pipe holds."""


def live(provider: Upstream, home: Path) -> dict[str, Any]:
    variables = {"TELEFONIE_API_KEY": KEY, "TELEFONIE_BASE_URL": provider.url}
    return {"home": home, "variables": variables}


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
    async with upstream() as provider, running(**live(provider, tmp_path)) as server:
        await server.ask(initialize("2025-11-25"))
        await server.send(purchase(1))
        await provider.arrived.wait()
        if how:
            server.process.send_signal(how)
            await refuses_new_calls(server)
        else:
            await server.hang_up()
        assert server.process.returncode is None
        provider.go.set()
        answer = await server.receive()
        assert answer["id"] == 1
        assert answer["result"]["structuredContent"]["phone_number"] == NUMBER
        assert await server.rest() == b""
        assert await server.end() == 0
        assert provider.purchases == 1


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
async def test_http_answers_a_purchase_in_flight_before_the_end(
    how: signal.Signals, mode: Mode, tmp_path: Path
) -> None:
    async with upstream() as provider, running("--http", "0", **live(provider, tmp_path)) as server:
        answers: list[dict[str, Any]] = []

        async def buy(client: Client) -> None:
            arguments = {"phone_number": NUMBER, "confirm": True}
            answers.append(answer_of(await client.call_tool("purchase_number", arguments)))

        async with Client(await server.address(), mode=mode) as client:
            await client.list_tools()  # or the client would ask for the schema of the last answer
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(buy, client)
                await provider.arrived.wait()
                server.process.send_signal(how)
                while "shutting_down" not in str(await client.call_tool("list_owned_numbers")):
                    pass
                provider.go.set()
            assert await server.end() == 0
        assert [answer["phone_number"] for answer in answers] == [NUMBER]
        assert provider.purchases == 1


@pytest.mark.parametrize("mode", get_args(Mode))
async def test_http_ends_while_a_client_is_connected_and_a_read_hangs(mode: Mode, tmp_path: Path) -> None:
    async with upstream() as provider, running("--http", "0", **live(provider, tmp_path)) as server:
        provider.hanging = True

        async def read(client: Client) -> None:
            with suppress(MCPError, httpx.ConnectError):
                await client.call_tool("list_owned_numbers")

        async with Client(await server.address(), mode=mode) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(read, client)
            await provider.arrived.wait()
            server.process.send_signal(signal.SIGTERM)
            assert await server.end() == 0


async def test_stdio_ends_while_a_read_hangs(tmp_path: Path) -> None:
    async with upstream() as provider, running(**live(provider, tmp_path)) as server:
        provider.hanging = True
        await server.ask(initialize("2025-11-25"))
        await server.send(request(1, "tools/call", name="list_owned_numbers"))
        await provider.arrived.wait()
        server.process.send_signal(signal.SIGTERM)
        assert await server.end() == 0


async def test_a_client_that_does_not_read_cannot_keep_the_process(tmp_path: Path) -> None:
    unread, stdout = os.pipe()
    try:
        async with running(home=tmp_path, stdout=stdout) as server:
            await server.send(initialize("2025-11-25"))
            for number in range(100):
                await server.send(request(number, "tools/list"))
            while waiting_in(unread) < PIPE:
                await anyio.sleep(0.01)
            server.process.send_signal(signal.SIGTERM)
            assert await server.end() == 0
    finally:
        os.close(unread)
        os.close(stdout)


async def test_a_client_that_closes_its_end_has_left(tmp_path: Path) -> None:
    unread, stdout = os.pipe()
    os.close(unread)
    try:
        async with running(home=tmp_path, stdout=stdout) as server:
            await server.send(initialize("2025-11-25"))
            assert await server.end() == 0
    finally:
        os.close(stdout)


def waiting_in(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4), sys.byteorder)


async def test_a_question_to_a_client_that_has_left_does_not_keep_the_process(tmp_path: Path) -> None:
    variables = {"TELEFONIE_APPROVAL": "human", "TELEFONIE_TIMEOUT": "600"}
    async with running(home=tmp_path, variables=variables) as server:
        await server.ask(initialize("2025-11-25", elicitation={}))
        await server.send(purchase(1))
        assert (await server.receive())["method"] == "elicitation/create"
        await server.hang_up()
        assert await server.end() == 0


async def test_a_cancelled_purchase_is_finished_without_an_answer(tmp_path: Path) -> None:
    async with upstream() as provider, running(**live(provider, tmp_path)) as server:
        await server.ask(initialize("2025-11-25"))
        await server.send(purchase(1))
        await provider.arrived.wait()
        await server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        await server.send(request(2, "ping"))
        assert (await server.receive())["id"] == 2
        await server.hang_up()
        provider.go.set()
        assert await server.rest() == b""
        assert await server.end() == 0
        async with running("log", "--json", **live(provider, tmp_path)) as log:
            assert b'"state": "done"' in await log.rest()
            assert await log.end() == 0


@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
async def test_call_finishes_a_purchase_and_shows_it(how: signal.Signals, tmp_path: Path) -> None:
    arguments = ("call", "purchase_number", f"phone_number={NUMBER}", "confirm=true")
    async with upstream() as provider, running(*arguments, **live(provider, tmp_path)) as command:
        await provider.arrived.wait()
        command.process.send_signal(how)
        provider.go.set()
        assert json.loads(await command.rest())["phone_number"] == NUMBER
        assert await command.end() == 0
        assert provider.purchases == 1


async def test_call_gives_up_a_read(tmp_path: Path) -> None:
    async with upstream() as provider:
        provider.hanging = True
        async with running("call", "list_owned_numbers", **live(provider, tmp_path)) as command:
            await provider.arrived.wait()
            command.process.send_signal(signal.SIGINT)
            assert await command.rest() == b""
            assert await command.end() == 1
            assert command.log == "Aborted!\n"
