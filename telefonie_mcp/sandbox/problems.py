"""Errors of the API: RFC 9457 problem details with stable codes.

A `Problem` is raised where a request turns out to be impossible and becomes an `application/problem+json`
response: `type` (always about:blank), `title`, `status`, `detail` (a sentence that says what to do), `code`
(stable, for programs); `field`, where one input is to blame; `state` and what is `possible` in it, where the
state of an order is to blame.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from starlette.responses import JSONResponse

ProblemCode = Literal[
    "bad_parameter",
    "invalid_number",
    "invalid_webhook_url",
    "invalid_document",
    "unauthorized",
    "insufficient_funds",
    "forbidden",
    "not_found",
    "number_not_owned",
    "port_order_not_found",
    "method_not_allowed",
    "already_owned",
    "number_unavailable",
    "port_in_progress",
    "state_conflict",
    "too_close_to_foc",
    "loa_required",
    "order_incomplete",
    "payload_too_large",
    "unsupported_media_type",
    "address_required",
    "bundle_required",
    "not_portable",
    "several_countries",
    "several_carriers",
    "invalid_foc_date",
    "rate_limited",
    "server_error",
    "unavailable",
]

STATUSES: Final[Mapping[ProblemCode, int]] = {
    "bad_parameter": 400,
    "invalid_number": 400,
    "invalid_webhook_url": 400,
    "invalid_document": 400,
    "unauthorized": 401,
    "insufficient_funds": 402,
    "forbidden": 403,
    "not_found": 404,
    "number_not_owned": 404,
    "port_order_not_found": 404,
    "method_not_allowed": 405,
    "already_owned": 409,
    "number_unavailable": 409,
    "port_in_progress": 409,
    "state_conflict": 409,
    "too_close_to_foc": 409,
    "loa_required": 409,
    "order_incomplete": 409,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "address_required": 422,
    "bundle_required": 422,
    "not_portable": 422,
    "several_countries": 422,
    "several_carriers": 422,
    "invalid_foc_date": 422,
    "rate_limited": 429,
    "server_error": 500,
    "unavailable": 503,
}

# Sentences for codes whose problems need no other.
_DETAILS: Final[Mapping[ProblemCode, str]] = {
    "port_order_not_found": "This account has no such port order. List the port orders to see which it has.",
    "several_countries": "A port order is for one country. Nothing was done. Make an order for each.",
    "invalid_number": "This is not a valid phone number that can be sold. Search for available numbers.",
    "unauthorized": "Send an API key in the X-API-Key header: 8 to 128 of A-Z, a-z, 0-9, _ and -.",
    "insufficient_funds": "The balance does not cover the first month. Nothing was bought. Add funds.",
    "forbidden": "This account may not do that. Nothing was done. Use another account or have it permitted.",
    "not_found": "There is nothing at this path. The API is at /v1/numbers/available and /v1/numbers/owned.",
    "number_not_owned": "This account does not own the number. List the owned numbers to see which it has.",
    "already_owned": "This account owns the number already. Nothing was bought. Update it to configure it.",
    "number_unavailable": "The number is not available. Nothing was bought. Search again for another one.",
    "payload_too_large": "The body is too large. Send only the fields of the operation.",
    "unsupported_media_type": "Send the body as JSON with the header Content-Type: application/json.",
    "address_required": "The country requires an address. Nothing was bought. Add an address to the account.",
    "bundle_required": "The country requires approved documents. Nothing was bought. Submit a bundle.",
    "server_error": "Something went wrong inside. Check whether the request took effect before repeating it.",
    "unavailable": "The service is unavailable. Nothing was done. Send the request again later.",
}


class Problem(Exception):  # noqa: N818  # RFC 9457's word for it
    """A request that cannot be fulfilled; the status follows from the code."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str | None = None,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        state: str | None = None,
        possible: Sequence[str] = (),
    ) -> None:
        self.code: Final = code
        self.detail: Final = detail or _DETAILS[code]
        self.field: Final = field
        self.headers: Final = headers
        self.state: Final = state
        self.possible: Final = possible
        super().__init__(self.detail)

    def response(self) -> JSONResponse:
        """Return the HTTP response of the problem."""
        status = STATUSES[self.code]
        body: dict[str, str | int | list[str]] = {
            "type": "about:blank",
            "title": self.code.replace("_", " ").capitalize(),
            "status": status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.field is not None:
            body["field"] = self.field
        if self.state is not None:
            body |= {"state": self.state, "possible": list(self.possible)}
        return JSONResponse(body, status, self.headers, media_type="application/problem+json")


def bad_parameter(field: str | None, detail: str) -> Problem:
    """Return a `bad_parameter` problem about one input, or about none."""
    return Problem("bad_parameter", detail, field=field)


def rate_limited(seconds: int) -> Problem:
    """Return a `rate_limited` problem with its `Retry-After` in seconds."""
    detail = f"Too many requests. Nothing was done. Wait {seconds} s and send the request again."
    return Problem("rate_limited", detail, headers={"Retry-After": str(seconds)})
