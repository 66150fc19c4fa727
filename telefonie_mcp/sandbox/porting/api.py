"""The paths of number portability and what answers on them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from telefonie_mcp.sandbox import received
from telefonie_mcp.sandbox.parsing import no_parameters
from telefonie_mcp.sandbox.porting import parsing
from telefonie_mcp.sandbox.porting.documents import MOST_CHARACTERS
from telefonie_mcp.sandbox.porting.service import Porting
from telefonie_mcp.sandbox.service import Caller, Json

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]

_MOST_UPLOAD_BYTES: Final = MOST_CHARACTERS + 4096
"""The longest content, and room for the rest of the object."""


class Run(Protocol):
    """Runs an operation for the account behind a request, in a thread."""

    async def __call__(self, request: Request, operation: Callable[[Caller], T]) -> T:
        """Return what the operation returns."""
        ...


def endpoints(run: Run, porting: Porting) -> Mapping[str, Mapping[str, Endpoint]]:
    """Return path → method → endpoint."""
    api = _Api(run, porting)
    order = "/port-orders/{port_order_id}"
    return {
        "/portability-checks": {"POST": api.check},
        "/port-orders": {"GET": api.list, "POST": api.create},
        order: {"GET": api.get, "POST": api.update},
        f"{order}/documents": {"POST": api.upload},
        f"{order}/submit": {"POST": api.submit},
        f"{order}/cancel": {"POST": api.cancel},
    }


class _Api:
    """Reads requests, runs the service, writes responses."""

    def __init__(self, run: Run, porting: Porting) -> None:
        self._run = run
        self._porting = porting

    async def check(self, request: Request) -> Response:
        return await self._write(
            request, lambda caller, kind, body: self._porting.check(caller, parsing.check(kind, body))
        )

    async def create(self, request: Request) -> Response:
        return await self._write(
            request,
            lambda caller, kind, body: self._porting.create(caller, parsing.creation(kind, body)),
            status=201,
        )

    async def list(self, request: Request) -> Response:
        query = received.query(request)
        return JSONResponse(
            await self._run(request, lambda caller: self._porting.listing(caller, parsing.listing(query)))
        )

    async def get(self, request: Request) -> Response:
        name, query = _name(request), received.query(request)

        def operation(caller: Caller) -> Json:
            no_parameters(query)
            return self._porting.get(caller, name)

        return JSONResponse(await self._run(request, operation))

    async def update(self, request: Request) -> Response:
        name = _name(request)
        return await self._write(
            request,
            lambda caller, kind, body: self._porting.update(caller, name, parsing.changes(kind, body)),
        )

    async def upload(self, request: Request) -> Response:
        name = _name(request)
        return await self._write(
            request,
            lambda caller, kind, body: self._porting.upload(caller, name, parsing.upload(kind, body)),
            status=201,
            most=_MOST_UPLOAD_BYTES,
        )

    async def submit(self, request: Request) -> Response:
        return await self._act(request, self._porting.submit)

    async def cancel(self, request: Request) -> Response:
        return await self._act(request, self._porting.cancel)

    async def _act(self, request: Request, action: Callable[[Caller, str], Json]) -> Response:
        name = _name(request)

        def operation(caller: Caller, _: str, body: bytes) -> Json:
            parsing.no_body(body)
            return action(caller, name)

        return await self._write(request, operation)

    async def _write(
        self,
        request: Request,
        operation: Callable[[Caller, str, bytes], Json],
        *,
        status: int = 200,
        most: int = received.MOST_BODY_BYTES,
    ) -> Response:
        query, kind = received.query(request), received.content_type(request)
        body = await received.body(request, most)

        def work(caller: Caller) -> Json:
            no_parameters(query)
            return operation(caller, kind, body)

        return JSONResponse(await self._run(request, work), status)


def _name(request: Request) -> str:
    return request.path_params["port_order_id"]
