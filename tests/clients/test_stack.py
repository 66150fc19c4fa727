"""The stack of `examples/deploy`: sign-in, replicas, approvals and tenants, for operators and clients."""

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from pathlib import Path
from signal import SIGHUP
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.context import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, InputRequiredResult, InputResponses

from tests.clients.signing_in import Person, Program
from tests.clients.stack import KEYS, Stack, stack_of
from tests.support.postgres import GROUP
from tests.support.wire import answer_of

pytestmark = GROUP
YES: InputResponses = {"approval": ElicitResult(action="accept", content={"approve": True})}


async def called(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    return answer_of(await client.call_tool(name, arguments))


async def offered(client: Client, **criteria: str) -> list[str]:
    found = await called(client, "search_available_numbers", country_code="US", limit=20, **criteria)
    return [number["phone_number"] for number in found["available_numbers"]]


async def bought(client: Client, number: str) -> dict[str, Any]:
    return await called(client, "purchase_number", phone_number=number, confirm=True)


async def owned(client: Client) -> set[str]:
    listed = await called(client, "list_owned_numbers")
    return {number["phone_number"] for number in listed["numbers"]}


async def log_of(client: Client) -> list[dict[str, Any]]:
    (contents,) = (await client.read_resource("telefonie://log")).contents
    return json.loads(contents.model_dump()["text"])["entries"]


async def server_of(stack: Stack, client: Client) -> str:
    """Return the replica that answers a client's next request."""
    before = len(stack.served)
    await owned(client)
    while len(served := stack.served) == before:  # HAProxy writes its line after the response
        await anyio.sleep(0.01)
    return served[-1]


async def at_each_replica(
    stack: Stack, sessions: AsyncExitStack, people: Iterable[Person], **options: Any
) -> dict[str, Client]:
    """Begin sessions of 2025 through the proxy until there is one at each replica."""
    found: dict[str, Client] = {}
    for person in people:
        client = await sessions.enter_async_context(stack.client(person, "legacy", **options))
        found.setdefault(await server_of(stack, client), client)
        if found.keys() == stack.running.keys():
            break
    return found


@asynccontextmanager
async def reading(client: Client) -> AsyncGenerator[list[MCPError]]:
    """Read again and again, and collect what fails."""
    failures: list[MCPError] = []

    async def read() -> None:
        while True:
            try:
                await owned(client)
            except MCPError as error:
                failures.append(error)
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        yield failures
        tasks.cancel_scope.cancel()


async def test_a_team_goes_on_while_replicas_and_the_key_are_replaced(
    postgresql: str, tmp_path: Path
) -> None:
    program, ann = Program(), Person("ann")
    async with (
        stack_of(
            "compose.yaml", postgresql=postgresql, home=tmp_path, MAX_CALLS_PER_MINUTE="100000"
        ) as stack,
        AsyncExitStack() as sessions,
    ):
        for path in ("/healthz", "/readyz", "/metrics", "/"):
            assert (await stack.stranger.get(path)).status_code == 404

        assert await stack.complaints() == []

        modern = await sessions.enter_async_context(stack.client(program))
        legacy = await at_each_replica(stack, sessions, cycle((ann,)))
        numbers = iter(await offered(modern))
        mine = {next(numbers) for _ in range(3)}
        for client, number in zip((modern, *legacy.values()), mine, strict=True):
            assert (await bought(client, number))["phone_number"] == number
        for client in (modern, *legacy.values()):
            assert await owned(client) == mine
        writers = {(entry["client"], entry["principal"]) for entry in await log_of(modern)}
        assert writers == {("machine", f"{stack.issuer} machine"), ("desk", f"{stack.issuer} ann")}

        async with reading(modern) as failures:
            await stack.kill("one")
            mine.add(number := next(numbers))
            assert (await bought(legacy["two"], number))["phone_number"] == number
            with pytest.raises(MCPError, match="Session"):
                await owned(legacy["one"])
            # Another takes its place, with a key to an account at the API that has no numbers.
            stack.write("api_key", KEYS[1])
            await stack.start("three")
            await stack.until_ready("three")
            while "three" not in stack.served:
                await anyio.sleep(0.01)
        assert len(failures) <= 1  # what was under way at the first replica

        async with reading(modern) as failures:
            await stack.stop("two")
        assert not failures

        async with stack.client(ann, "legacy") as client:
            assert await owned(client) == set()
            for _ in range(6):
                number = next(numbers)
                assert (await bought(client, number))["phone_number"] == number
            assert (await bought(modern, next(numbers)))["code"] == "limit_reached"
            assert len(await log_of(client)) == 10


async def question(client: Client, number: str) -> str:
    """Begin a purchase, and return the state in which a person's answer is to come."""
    buy = {"phone_number": number, "confirm": True}
    result = await client.session.call_tool("purchase_number", buy, allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    assert result.request_state
    return result.request_state


async def answered(client: Client, number: str, state: str) -> dict[str, Any]:
    """Say yes to it."""
    buy = {"phone_number": number, "confirm": True}
    result = await client.session.call_tool(
        "purchase_number", buy, input_responses=YES, request_state=state, allow_input_required=True
    )
    assert isinstance(result, CallToolResult)
    return answer_of(result)


async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    raise AssertionError("the test answers itself")


async def test_tenants_share_the_replicas_and_nothing_else(postgresql: str, tmp_path: Path) -> None:
    """People of `sales` must approve what they buy; the program of `support` needs nobody."""
    asked: list[str] = []

    async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": True})

    ann, ben, program = Person("ann@sales"), Person("ben@sales"), Program()
    files, often = ("compose.yaml", "compose.tenants.yaml"), "100000"
    async with (
        stack_of(*files, postgresql=postgresql, home=tmp_path, MAX_CALLS_PER_MINUTE=often) as stack,
        AsyncExitStack() as sessions,
    ):
        # 2026: asked at one replica, answered at another.
        one, two, other = [
            await sessions.enter_async_context(stack.client(person, asked=never, at=name))
            for person, name in ((ann, "one"), (ann, "two"), (ben, "two"))
        ]
        first, second, third, *_ = await offered(one)
        state = await question(one, first)
        with pytest.raises(MCPError, match="Nothing was done"):
            await answered(other, first, state)
        assert (await answered(two, first, state))["phone_number"] == first

        # 2025: the proxy brings the answer to the replica that asked.
        legacy = await at_each_replica(stack, sessions, cycle((ann, ben)), asked=yes)
        for client, number in zip((legacy["one"], legacy["two"]), (second, third), strict=True):
            assert (await bought(client, number))["phone_number"] == number
        assert (await called(legacy["two"], "release_number", phone_number=first, confirm=True))["message"]
        assert len(asked) == 3
        assert (await answered(one, first, state))["code"] == "approval_used"  # and buys nothing again

        support = await sessions.enter_async_context(stack.client(program))
        toll_free = await offered(support, type="toll-free")
        assert [(await bought(support, number)).get("code") for number in (first, *toll_free[:3])] == [
            "policy_refused",
            None,
            None,
            "limit_reached",
        ]
        assert [await owned(client) for client in (one, two, *legacy.values(), support)] == [
            *[{second, third}] * 4,
            {*toll_free[:2]},
        ]
        log = json.dumps(await log_of(support))
        assert toll_free[0] in log
        assert first not in log

        # The tenant's key is rotated, to an account without numbers; its budget is the ledger's.
        stack.write("support_api_key", "account-3")
        for name, replica in stack.running.items():
            replica.process.send_signal(SIGHUP)
            async with stack.client(program, at=name) as client:
                while await owned(client):
                    await anyio.sleep(0.01)
                assert (await bought(client, toll_free[3]))["code"] == "limit_reached"
