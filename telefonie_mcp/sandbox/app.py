"""The sandbox as an ASGI application: routes, accounts, bodies, and the certainty that every answer is one.

Whatever happens inside, a client gets a response of the document or a problem (RFC 9457), never a traceback,
and each response carries `Telefonie-Sandbox: true`, so that it cannot be taken for the live API.
"""

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telefonie_mcp.sandbox import parsing, received
from telefonie_mcp.sandbox.clocks import Now, real_time, sandbox_time
from telefonie_mcp.sandbox.lookup import Lookup
from telefonie_mcp.sandbox.lookup import endpoints as lookup_endpoints
from telefonie_mcp.sandbox.porting import Porting
from telefonie_mcp.sandbox.porting.api import endpoints as porting_endpoints
from telefonie_mcp.sandbox.problems import Problem
from telefonie_mcp.sandbox.service import STARTING_BALANCE, Caller, Json, Service
from telefonie_mcp.sandbox.store import Store
from telefonie_mcp.sandbox.triggers import Fault

BASE_PATH: Final = "/v1/numbers"
LONGEST_SILENCE: Final = 60.0
"""Seconds after which a purchase that is never answered is given up."""

_log = logging.getLogger(__name__)

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


def create_sandbox(
    database: str | Path,
    *,
    clock: Now = real_time,
    embedded: bool = False,
    balance: Decimal = STARTING_BALANCE,
) -> Starlette:
    """Create a Telefonie of your own over the SQLite file `database`, or over memory for ":memory:".

    The application serves the document's operations under `/v1/numbers`. The file and its directory are
    created, private to the user; several processes may serve one file at the same time.

    `clock` returns the real time, an aware datetime, which the sandbox's own clock is ahead of as far as it
    was moved. New accounts start with `balance` (USD). With `embedded` there is one account and keys are
    ignored; otherwise `X-API-Key` selects the account, and any key of 8 to 128 letters, digits, `_` and `-`
    opens one.

    Raises `SandboxError` if the database cannot be used.
    """
    store = Store(database)
    now = sandbox_time(store, clock)
    porting = Porting(store, now)
    api = _Api(Service(store, clock=now, balance=balance), porting, embedded=embedded)
    extensions = {
        **lookup_endpoints(api.run, Lookup(store, porting)),
        **porting_endpoints(api.run, porting),
    }
    app = Starlette(
        routes=[
            _route("/available", {"GET": api.search}),
            _route("/owned", {"GET": api.list, "POST": api.purchase}),
            _route("/owned/{phone_number}", {"GET": api.get, "POST": api.update, "DELETE": api.release}),
            *(_route(path, endpoints) for path, endpoints in extensions.items()),
        ],
        middleware=[Middleware(_EveryAnswer)],
        exception_handlers={
            Problem: _problem,
            404: _not_found,
            405: _method_not_allowed,
            sqlite3.OperationalError: _no_database,
        },
    )
    app.router.redirect_slashes = False
    return app


class _Api:
    """Reads requests, runs the service in a thread, writes responses."""

    def __init__(self, service: Service, porting: Porting, *, embedded: bool) -> None:
        self._service = service
        self._porting = porting
        self._embedded = embedded

    async def search(self, request: Request) -> Response:
        query = received.query(request)
        return JSONResponse(
            await self.run(request, lambda caller: self._service.search(caller, parsing.search(query)))
        )

    async def list(self, request: Request) -> Response:
        query = received.query(request)
        return JSONResponse(
            await self.run(request, lambda caller: self._service.listing(caller, parsing.listing(query)))
        )

    async def purchase(self, request: Request) -> Response:
        query, content_type, body = (
            received.query(request),
            received.content_type(request),
            await received.body(request),
        )

        def operation(caller: Caller) -> tuple[Json, Fault | None]:
            parsing.no_parameters(query)
            return self._service.purchase(caller, parsing.purchase(content_type, body))

        number, fault = await self.run(request, operation)
        response = JSONResponse(number, 201)
        match fault:
            case Fault.ERROR:
                raise Problem("server_error")
            case Fault.SILENT:
                await until_gone(request.receive, LONGEST_SILENCE)
                raise Problem("server_error")
            case Fault.TRUNCATED:
                half = bytes(response.body)[: len(response.body) // 2]
                return Response(half, 201, media_type="application/json")
            case Fault.FIRST_ATTEMPT_LIMITED | None:
                return response

    async def get(self, request: Request) -> Response:
        query, number = received.query(request), request.path_params["phone_number"]

        def operation(caller: Caller) -> Json:
            parsing.no_parameters(query)
            return self._service.get(caller, parsing.number_in_path(number))

        return JSONResponse(await self.run(request, operation))

    async def update(self, request: Request) -> Response:
        query, number = received.query(request), request.path_params["phone_number"]
        content_type, body = received.content_type(request), await received.body(request)

        def operation(caller: Caller) -> Json:
            parsing.no_parameters(query)
            target = parsing.number_in_path(number)
            return self._service.update(caller, target, parsing.changes(content_type, body))

        return JSONResponse(await self.run(request, operation))

    async def release(self, request: Request) -> Response:
        query, number = received.query(request), request.path_params["phone_number"]

        def operation(caller: Caller) -> None:
            parsing.no_parameters(query)
            self._service.release(caller, parsing.number_in_path(number))

        await self.run(request, operation)
        return Response(status_code=204)

    async def run(self, request: Request, operation: Callable[[Caller], T]) -> T:
        """Find the account, then do something for it, away from the event loop: both wait for SQLite."""
        keys = request.headers.getlist("x-api-key")

        def work() -> T:
            key = keys[0] if len(keys) == 1 else None
            self._porting.advance()
            return operation(self._service.embedded() if self._embedded else self._service.caller(key))

        return await to_thread.run_sync(work)


class _EveryAnswer:
    """Marks every response as the sandbox's, and answers for exceptions that nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["Telefonie-Sandbox"] = "true"
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except ClientDisconnect:
            return  # nobody is left to be answered
        except Exception:  # noqa: BLE001  # the last resort: whatever it is, the client gets an answer
            _log.exception("the sandbox failed to answer %s %r", scope["method"], scope["path"])
            if not started:
                await Problem("server_error").response()(scope, receive, marked)


async def until_gone(receive: Receive, seconds: float) -> None:
    """Wait until the client has left, at most `seconds`."""
    with anyio.move_on_after(seconds):
        while (await receive())["type"] != "http.disconnect":
            pass


def _route(path: str, endpoints: Mapping[str, Endpoint]) -> Route:
    """One route for all methods of a path, so that `Allow` names every one of them."""

    async def dispatch(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(BASE_PATH + path, dispatch, methods=list(endpoints))


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _not_found(_: Request, __: Exception) -> Response:
    return Problem("not_found").response()


async def _method_not_allowed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    assert error.headers is not None
    allowed = ", ".join(sorted(error.headers["Allow"].split(", ")))
    return Problem(
        "method_not_allowed", f"This path allows {allowed}.", headers={"Allow": allowed}
    ).response()


async def _no_database(_: Request, error: Exception) -> Response:
    _log.error("the sandbox's database is unavailable: %s", error)
    return Problem("unavailable").response()
