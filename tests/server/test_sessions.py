"""How many sessions of 2025 one caller may keep, and which of them is ended for another."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count

import anyio
import anyio.lowlevel
import httpx2 as httpx
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.server.sessions import SessionLimit, Sessions
from telefonie_mcp.settings.fields import Settings
from tests.support.wire import SECONDS, initialize, request

SECONDS_KEPT = 1800


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class SignedIn:
    """ASGI middleware in the place of the gate: believes what a header says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"]).get(b"x-name", b"ann").decode()
        token = AccessToken(token="", client_id="", scopes=[], subject=name, claims={"iss": "issuer"})
        await self._app({**scope, "user": AuthenticatedUser(token)}, receive, send)


class Caller:
    """Opens and uses sessions as somebody."""

    def __init__(self, http: httpx.AsyncClient, name: str) -> None:
        self.http = http
        self.lines = {
            "x-name": name,
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
        }

    async def open(self) -> str:
        """Return the session, or the status of the refusal."""
        answer = await self.http.post("/mcp", json=initialize("2025-11-25"), headers=self.lines)
        return answer.headers.get("mcp-session-id") or str(answer.status_code)

    async def use(self, session: str, method: str = "POST") -> int:
        lines = {**self.lines, "Mcp-Session-Id": session}
        body = request(1, "ping") if method == "POST" else None
        return (await self.http.request(method, "/mcp", json=body, headers=lines)).status_code


@asynccontextmanager
async def limited(clock: Clock | None = None, *names: str) -> AsyncGenerator[tuple[list[Caller], Sessions]]:
    """Serve with two sessions for each caller."""
    server = create_server(Settings(sandbox_db=":memory:"))
    open_to_all = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    application = server.streamable_http_app(json_response=True, transport_security=open_to_all)
    sessions = Sessions(clock or Clock())
    transport = httpx.ASGITransport(SignedIn(SessionLimit(application, sessions, most=2)))
    with anyio.fail_after(SECONDS):
        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(transport=transport, base_url="http://here") as http,
        ):
            yield [Caller(http, name) for name in names], sessions


async def test_the_session_that_was_not_used_for_longest_makes_room() -> None:
    async with limited(None, "ann", "bob") as ((ann, bob), sessions):
        of_bob = await bob.open()
        first, second = await ann.open(), await ann.open()
        assert await ann.use(first) == 200
        third = await ann.open()
        assert [await ann.use(each) for each in (first, second, third)] == [200, 404, 200]
        assert await bob.use(of_bob) == 200
        assert len(sessions) == 3


async def test_an_ended_session_leaves_its_place() -> None:
    async with limited(None, "ann") as ((ann,), sessions):
        first, second = await ann.open(), await ann.open()
        assert await ann.use(second, "DELETE") == 200
        third = await ann.open()
        assert [await ann.use(each) for each in (first, third)] == [200, 200]
        assert len(sessions) == 2


async def test_a_session_of_somebody_else_is_neither_used_nor_ended() -> None:
    async with limited(None, "ann", "bob") as ((ann, bob), sessions):
        session = await ann.open()
        assert [await bob.use(session, method) for method in ("POST", "DELETE")] == [404, 404]
        assert await ann.use(session) == 200
        assert len(sessions) == 1


async def test_what_opens_no_session_takes_no_place() -> None:
    async with limited(None, "ann") as ((ann,), sessions):
        for _ in range(3):
            answer = await ann.http.post("/mcp", json=request(1, "ping"), headers=ann.lines)
            assert answer.status_code == 400
        assert len(sessions) == 0
        assert len(await ann.open()) == 32


async def test_sessions_that_the_server_has_given_up_are_not_remembered() -> None:
    clock = Clock()
    async with limited(clock, "ann") as ((ann,), sessions):
        await ann.open()
        clock.now = SECONDS_KEPT - 1
        assert bool(sessions)
        used = await ann.open()
        clock.now = SECONDS_KEPT + 1
        assert bool(sessions)
        assert len(sessions) == 1
        assert await ann.use(used) == 200
        clock.now = 2 * SECONDS_KEPT + 2
        assert not sessions


async def test_sessions_that_are_all_in_use_are_not_ended() -> None:
    """An event stream is a use."""
    streams, go, opened = list[str](), anyio.Event(), count()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = []
        if scope["method"] == "GET":
            streams.append(scope["path"])
            await go.wait()
        elif scope["method"] == "POST":
            headers = [(b"mcp-session-id", f"session-{next(opened)}".encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(SignedIn(SessionLimit(serve, Sessions(), most=2)))
    with anyio.fail_after(SECONDS):
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            ann = Caller(http, "ann")
            async with anyio.create_task_group() as tasks:
                for _ in range(2):
                    tasks.start_soon(ann.use, await ann.open(), "GET")
                while len(streams) < 2:
                    await anyio.lowlevel.checkpoint()
                assert await ann.open() == "429"
                assert await Caller(http, "bob").open() == "session-2"
                go.set()
            assert await ann.open() == "session-3"
