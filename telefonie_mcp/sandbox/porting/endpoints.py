"""The endpoints of the porting document."""

from collections.abc import Callable
from typing import Final

from telefonie_mcp.sandbox.porting import parsing
from telefonie_mcp.sandbox.porting.attachments import MOST_CHARACTERS
from telefonie_mcp.sandbox.porting.service import Porting
from telefonie_mcp.sandbox.routing import Endpoint, Endpoints, RawRequest
from telefonie_mcp.sandbox.service import Account
from telefonie_mcp.sandbox.values import Json

_MOST_UPLOAD_BYTES: Final = MOST_CHARACTERS + 4096
"""The longest content, and room for the rest of the object."""


def endpoints(porting: Porting) -> Endpoints:
    """Return the endpoints of the porting document."""

    def check(account: Account, request: RawRequest) -> Json:
        return porting.check(account, parsing.check(request.content_type, request.body))

    def port_orders(account: Account, request: RawRequest) -> Json:
        return porting.port_orders(account, parsing.port_orders(request.query))

    def create(account: Account, request: RawRequest) -> Json:
        return porting.create(account, parsing.creation(request.content_type, request.body))

    def get(account: Account, request: RawRequest) -> Json:
        return porting.get(account, _order(request))

    def update(account: Account, request: RawRequest) -> Json:
        fields = parsing.changes(request.content_type, request.body)
        return porting.update(account, _order(request), fields)

    def upload(account: Account, request: RawRequest) -> Json:
        attachment = parsing.upload(request.content_type, request.body)
        return porting.upload(account, _order(request), attachment)

    order = "/port-orders/{port_order_id}"
    return {
        "/portability-checks": {"POST": Endpoint(check)},
        "/port-orders": {
            "GET": Endpoint(port_orders, reads_query=True),
            "POST": Endpoint(create, status=201),
        },
        order: {"GET": Endpoint(get), "POST": Endpoint(update)},
        f"{order}/documents": {"POST": Endpoint(upload, status=201, most_body_bytes=_MOST_UPLOAD_BYTES)},
        f"{order}/submit": {"POST": _action(porting.submit)},
        f"{order}/cancel": {"POST": _action(porting.cancel)},
    }


def _action(action: Callable[[Account, str], Json]) -> Endpoint:
    """Return the endpoint of an operation that takes only an order."""

    def operation(account: Account, request: RawRequest) -> Json:
        parsing.no_body(request.body)
        return action(account, _order(request))

    return Endpoint(operation)


def _order(request: RawRequest) -> str:
    return request.path["port_order_id"]
