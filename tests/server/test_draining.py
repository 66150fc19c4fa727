"""An HTTP server ends when the calls that it accepted are answered, whatever streams are open."""

import anyio
import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from telefonie_mcp.server.draining import Draining
from tests.support.wire import SECONDS


@pytest.mark.parametrize(("method", "waits"), [("POST", True), ("GET", False)])
async def test_the_end_waits_for_the_responses_of_calls_and_not_of_streams(method: str, waits: bool) -> None:
    arrived, go, drained = anyio.Event(), anyio.Event(), anyio.Event()

    async def hold(_: Request) -> Response:
        arrived.set()
        await go.wait()
        return PlainTextResponse("done")

    requests = Draining(Starlette(routes=[Route("/", hold, methods=["GET", "POST"])]))

    async def drain() -> None:
        await requests.drained()
        drained.set()

    with anyio.fail_after(SECONDS):
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(requests), base_url="http://here") as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(client.request, method, "/")
            await arrived.wait()
            tasks.start_soon(drain)
            await anyio.wait_all_tasks_blocked()
            assert drained.is_set() is not waits
            go.set()
            await drained.wait()


async def test_who_comes_later_is_not_waited_for_and_is_told_to_leave() -> None:
    """Or a stream of calls would keep the server until its patience ends."""
    first, later, both = anyio.Event(), anyio.Event(), list[str]()

    async def hold(request: Request) -> Response:
        both.append(request.url.path)
        await (first if request.url.path == "/first" else later).wait()
        return PlainTextResponse("done")

    requests = Draining(Starlette(routes=[Route("/{name}", hold, methods=["POST"])]))
    closing: dict[str, str | None] = {}
    with anyio.fail_after(SECONDS):
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(requests), base_url="http://here") as client,
            anyio.create_task_group() as tasks,
        ):

            async def post(path: str) -> None:
                closing[path] = (await client.post(path)).headers.get("connection")

            async def drain() -> None:
                await requests.drained()
                requests.leaving = True
                later.set()

            tasks.start_soon(post, "/first")
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(drain)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(post, "/later")
            await anyio.wait_all_tasks_blocked()
            assert both == ["/first", "/later"]
            first.set()
            await later.wait()
    assert closing == {"/first": None, "/later": "close"}
