"""Endpoints: operations of the API over HTTP.

Every document of the sandbox declares its endpoints as path → method → `Endpoint`, and `route` makes a route
of each path. A request is received, its account is found, and the operation runs in a thread, because both
wait for SQLite. What the operation returns becomes the body of the response, as JSON; `None` is a 204.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive

from telefonie_mcp.sandbox.problems import Problem
from telefonie_mcp.sandbox.service import Account
from telefonie_mcp.sandbox.triggers import Fault, Faulty
from telefonie_mcp.sandbox.values import Json, no_parameters

BASE_PATH: Final = "/v1/numbers"
MOST_BODY_BYTES: Final = 64 * 1024
SILENCE_SECONDS: Final = 60.0
"""How long a request that is never answered is kept open."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it arrived: the query and the body undecoded, the parameters of the path decoded."""

    query: bytes
    path: Mapping[str, str]
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation at a path and a method.

    `status` is that of a success. Query parameters are refused unless the operation `reads_query`.
    """

    operation: Callable[[Account, RawRequest], Json | Faulty | None]
    status: int = 200
    reads_query: bool = False
    most_body_bytes: int = MOST_BODY_BYTES


Endpoints = Mapping[str, Mapping[str, Endpoint]]
"""Path, below the base path → method → endpoint."""


def route(path: str, methods: Mapping[str, Endpoint], authenticate: Callable[[Request], Account]) -> Route:
    """Make one route for all methods of a path, so that `Allow` names every one of them."""

    async def dispatch(request: Request) -> Response:
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        raw = RawRequest(
            query=request.scope["query_string"],
            path=request.path_params,
            content_type=request.headers.get("content-type", ""),
            body=await _body(request, endpoint.most_body_bytes) if request.method == "POST" else b"",
        )

        def work() -> Json | Faulty | None:
            account = authenticate(request)
            if not endpoint.reads_query:
                no_parameters(raw.query)
            return endpoint.operation(account, raw)

        match await to_thread.run_sync(work):
            case None:
                return Response(status_code=204)
            case Faulty(body, fault):
                return await _faulty(request, JSONResponse(body, endpoint.status), fault)
            case body:
                return JSONResponse(body, endpoint.status)

    return Route(BASE_PATH + path, dispatch, methods=list(methods))


async def until_gone(receive: Receive, seconds: float) -> None:
    """Wait until the client has left, at most `seconds`."""
    with anyio.move_on_after(seconds):
        while (await receive())["type"] != "http.disconnect":
            pass


async def _body(request: Request, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise Problem("payload_too_large", f"The body is larger than {most_bytes // 1024} KiB.")
    return bytes(body)


async def _faulty(request: Request, response: JSONResponse, fault: Fault) -> Response:
    match fault:
        case Fault.ERROR:
            raise Problem("server_error")
        case Fault.SILENT:
            await until_gone(request.receive, SILENCE_SECONDS)
            raise Problem("server_error")
        case Fault.TRUNCATED:
            half = bytes(response.body)[: len(response.body) // 2]
            return Response(half, response.status_code, media_type="application/json")
        case Fault.FIRST_ATTEMPT_LIMITED:  # its attempts after the first are like those for any number
            return response
        case _:
            assert_never(fault)
