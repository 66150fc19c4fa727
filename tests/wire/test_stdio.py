"""The end of the input waits for exactly those answers that can still come."""

from typing import Any

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage, jsonrpc_message_adapter

from telefonie_mcp.server.stdio import Incoming, Outgoing, PendingRequests
from tests.support.wire import SECONDS

CALL = {"id": 1, "method": "tools/call"}
ANSWER: dict[str, Any] = {"id": 1, "result": {}}
ERROR = {"id": 1, "error": {"code": -32603, "message": "x"}}
QUESTION = {"id": 1, "method": "elicitation/create"}
PROGRESS = {"method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}
CANCEL = {"method": "notifications/cancelled", "params": {"requestId": 1}}
NONSENSE = {"method": "notifications/cancelled", "params": {"requestId": [1]}}


def message(content: dict[str, Any]) -> JSONRPCMessage:
    return jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **content})


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ([("came", CALL)], ("went", ANSWER)),
        ([("came", CALL)], ("went", ERROR)),
        ([("came", CALL), ("came", NONSENSE)], ("went", ANSWER)),
        ([("came", CALL), ("went", PROGRESS)], ("went", ANSWER)),
        ([("came", CALL)], ("went", QUESTION)),
        ([("came", CALL), ("went", QUESTION), ("came", ANSWER)], ("went", ANSWER)),
        ([("came", CALL), ("went", QUESTION), ("came", ERROR)], ("went", ANSWER)),
        ([], None),
        ([("came", CANCEL)], None),
        ([("came", PROGRESS)], None),
        ([("came", CALL), ("came", CANCEL)], None),
        ([("came", CALL), ("went", ANSWER)], None),
    ],
)
async def test_the_end_of_the_input_waits_for_the_answers_that_can_still_come(
    before: list[tuple[str, dict[str, Any]]], last: tuple[str, dict[str, Any]] | None
) -> None:
    client, source = anyio.create_memory_object_stream[SessionMessage | Exception](9)
    sink, screen = anyio.create_memory_object_stream[SessionMessage](9)
    pending = PendingRequests()
    outgoing = Outgoing(sink, pending)
    incoming = Incoming(source, outgoing, pending, seconds=60)
    ended = anyio.Event()

    async def converse(step: tuple[str, dict[str, Any]]) -> None:
        way, content = step
        if way == "came":
            await client.send(SessionMessage(message(content)))
            assert (await incoming.receive()).message == message(content)
        else:
            await outgoing.send(SessionMessage(message(content)))

    async def wait_for_the_end() -> None:
        with pytest.raises(anyio.EndOfStream):
            await incoming.receive()
        ended.set()

    async with screen, incoming, outgoing, anyio.create_task_group() as tasks:
        for step in before:
            await converse(step)
        await client.aclose()
        tasks.start_soon(wait_for_the_end)
        await anyio.wait_all_tasks_blocked()
        assert ended.is_set() is (last is None)
        if last:
            await converse(last)
        with anyio.fail_after(SECONDS):
            await ended.wait()


async def test_the_end_of_the_input_does_not_wait_for_ever() -> None:
    client, source = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    sink, screen = anyio.create_memory_object_stream[SessionMessage](1)
    pending = PendingRequests()
    async with (
        screen,
        Outgoing(sink, pending) as outgoing,
        Incoming(source, outgoing, pending, seconds=0.01) as incoming,
    ):
        await client.send(SessionMessage(message(CALL)))
        await incoming.receive()
        await client.aclose()
        with anyio.fail_after(SECONDS), pytest.raises(anyio.EndOfStream):
            await incoming.receive()
