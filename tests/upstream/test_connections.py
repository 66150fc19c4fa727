import anyio
import pytest

from telefonie_mcp.upstream.connections import GROUP_CONNECTIONS, MAX_CONNECTIONS, Connections
from tests.support.wire import SECONDS


def opened(first: list[object] | None) -> list[object]:
    return [first]


async def test_a_request_gets_the_first_group_with_room() -> None:
    connections = Connections(opened)
    taken = [await connections.take(0) for _ in range(GROUP_CONNECTIONS + 1)]
    assert {*map(id, taken[:-1])} == {id(taken[0])}
    assert taken[0].client is connections.first()
    assert taken[-1].client == [connections.first()]
    connections.give_back(taken[0])
    assert await connections.take(0) is taken[0]


async def test_after_its_clients_are_left_others_are_opened() -> None:
    connections = Connections(opened)
    group = await connections.take(0)
    assert connections.leave() == [group.client]
    assert connections.first() is not group.client
    connections.give_back(group)


async def test_whoever_waits_gets_the_first_connection_that_is_free() -> None:
    connections = Connections(opened)
    taken = [await connections.take(0) for _ in range(MAX_CONNECTIONS)]
    with pytest.raises(TimeoutError):
        await connections.take(0)
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connections.take, SECONDS)
            await anyio.lowlevel.checkpoint()
            connections.give_back(taken[-1])
    assert taken[-1].busy == GROUP_CONNECTIONS
