"""The sandbox as an ASGI application: its accounts, endpoints and errors.

Every response is one of the document's or a problem (RFC 9457), never a traceback, and carries
`Telefonie-Sandbox: true`, so that it cannot be taken for the live API's.
"""

import logging
import sqlite3
from decimal import Decimal
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telefonie_mcp.sandbox import parsing
from telefonie_mcp.sandbox.clocks import Now, real_time, sandbox_time
from telefonie_mcp.sandbox.lookup import Lookup
from telefonie_mcp.sandbox.lookup import endpoints as lookup_endpoints
from telefonie_mcp.sandbox.porting import Porting
from telefonie_mcp.sandbox.porting.endpoints import endpoints as porting_endpoints
from telefonie_mcp.sandbox.problems import Problem
from telefonie_mcp.sandbox.routing import Endpoint, Endpoints, RawRequest, route
from telefonie_mcp.sandbox.service import STARTING_BALANCE, Account, Service
from telefonie_mcp.sandbox.store import Store
from telefonie_mcp.sandbox.triggers import Faulty
from telefonie_mcp.sandbox.values import Json, read_number

_log = logging.getLogger(__name__)


def create_sandbox(
    database: str | Path,
    *,
    clock: Now = real_time,
    embedded: bool = False,
    balance: Decimal = STARTING_BALANCE,
) -> Starlette:
    """Create a sandbox over the SQLite file `database`, or over memory for ":memory:".

    The application serves the document's operations under `/v1/numbers`. The file and its directory are
    created, private to the user; several processes may serve one file at the same time.

    `clock` returns the real time, an aware datetime; the sandbox's own clock is ahead of it by as much as it
    was moved. New accounts start with `balance` (USD). With `embedded` there is one account and keys are
    ignored; otherwise `X-API-Key` selects the account, and any key of 8 to 128 letters, digits, `_` and `-`
    opens one.

    Raises `SandboxError` if the database cannot be used.
    """
    store = Store(database)
    now = sandbox_time(store, clock)
    service = Service(store, clock=now, balance=balance)
    porting = Porting(store, now)

    def authenticate(request: Request) -> Account:
        porting.advance()
        if embedded:
            return service.embedded()
        keys = request.headers.getlist("x-api-key")
        return service.account(keys[0] if len(keys) == 1 else None)

    endpoints: Endpoints = {
        **_numbers_endpoints(service),
        **lookup_endpoints(Lookup(store, porting)),
        **porting_endpoints(porting),
    }
    app = Starlette(
        routes=[route(path, methods, authenticate) for path, methods in endpoints.items()],
        middleware=[Middleware(_Responses)],
        exception_handlers={
            Problem: _problem,
            404: _not_found,
            405: _method_not_allowed,
            sqlite3.OperationalError: _no_database,
        },
    )
    app.router.redirect_slashes = False
    return app


def _numbers_endpoints(service: Service) -> Endpoints:
    """Return the endpoints of the numbers document."""

    def search(account: Account, request: RawRequest) -> Json:
        return service.search(account, parsing.search(request.query))

    def owned_numbers(account: Account, request: RawRequest) -> Json:
        return service.owned_numbers(account, parsing.owned_numbers(request.query))

    def purchase(account: Account, request: RawRequest) -> Json | Faulty:
        return service.purchase(account, parsing.purchase(request.content_type, request.body))

    def get(account: Account, request: RawRequest) -> Json:
        return service.get(account, _number(request))

    def update(account: Account, request: RawRequest) -> Json:
        number = _number(request)
        return service.update(account, number, parsing.changes(request.content_type, request.body))

    def release(account: Account, request: RawRequest) -> None:
        service.release(account, _number(request))

    return {
        "/available": {"GET": Endpoint(search, reads_query=True)},
        "/owned": {"GET": Endpoint(owned_numbers, reads_query=True), "POST": Endpoint(purchase, status=201)},
        "/owned/{phone_number}": {
            "GET": Endpoint(get),
            "POST": Endpoint(update),
            "DELETE": Endpoint(release),
        },
    }


def _number(request: RawRequest) -> str:
    return read_number(request.path["phone_number"])


class _Responses:
    """Marks every response as the sandbox's, and answers unexpected exceptions with a problem."""

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
