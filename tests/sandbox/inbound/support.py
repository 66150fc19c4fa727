"""A webhook that a test listens on, and a sandbox with a number that is routed to it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.support import connect, serve

NUMBER = "+14155550100"
CALLER = "+12125550123"
Answer = Callable[[Request], Awaitable[Response]]


@dataclass
class Webhook:
    """A listening webhook and the requests it received."""

    base: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(
        default_factory=list[tuple[str, dict[str, str], bytes]]
    )

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])


async def hello(_: Request) -> Response:
    return Response("<Response><Say>Hello</Say></Response>", media_type="application/xml")


@asynccontextmanager
async def webhook(answer: Answer = hello) -> AsyncGenerator[Webhook]:
    """Serve a webhook that records every request and answers with `answer`."""
    received = Webhook()

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        received.requests.append((request.url.path, dict(request.headers), body))
        return await answer(request)

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])
    async with serve(app) as url:
        received.base = url.removesuffix("/v1/numbers")
        yield received


async def owned(database: Path, number: str = NUMBER, **settings: Any) -> None:
    """Buy a number in the embedded sandbox over `database`."""
    async with connect(create_sandbox(database, embedded=True)) as client:
        bought = await client.post("/owned", json={"phone_number": number, **settings})
        assert bought.status_code == 201, bought.text
