"""Delivery of one POST to a webhook, within limits of time and size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import anyio
import httpx2 as httpx

from telefonie_mcp.sandbox.inbound.targets import ForbiddenAddressError, Resolve, checked_address

LIMIT: Final = 15.0
"""Seconds for a delivery in all, name resolution included."""

MOST_BYTES: Final = 2048
"""Bytes of a response that are read."""

DeliveryOutcome = Literal[
    "delivered",
    "refused",
    "redirected",
    "timed_out",
    "unreachable",
    "forbidden_address",
    "unrouted",
    "incapable",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of an attempt: the outcome as a code and a sentence, and the response, if there was one."""

    outcome: DeliveryOutcome
    detail: str
    status: int | None = None
    body: str = ""


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    resolve: Resolve,
    allow_private: bool = False,
    seconds: float = LIMIT,
) -> Attempt:
    """POST a form to `url`, within `seconds`; network errors become outcomes."""
    try:
        with anyio.fail_after(seconds):
            return await _exchange(httpx.URL(url), body, headers, resolve, allow_private=allow_private)
    except TimeoutError:
        return Attempt("timed_out", f"The webhook did not answer within {seconds:g} seconds.")
    except ForbiddenAddressError as error:
        return Attempt(
            "forbidden_address",
            f"The webhook is at {error.address}, which is not a public address. Nothing was sent. "
            "Allow it with --allow-private.",
        )
    except httpx.InvalidURL:
        return Attempt("unreachable", "The webhook's URL cannot be called.")
    except (OSError, httpx.HTTPError) as error:
        reason = str(error).strip() or type(error).__name__
        return Attempt("unreachable", f"The webhook could not be reached ({reason}).")


async def _exchange(
    url: httpx.URL, body: bytes, headers: Mapping[str, str], resolve: Resolve, *, allow_private: bool
) -> Attempt:
    host = url.raw_host.decode()
    port = url.port or (443 if url.scheme == "https" else 80)
    address = await checked_address(host, port, resolve, allow_private=allow_private)
    sent = {
        **headers,
        "Host": url.netloc.decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept-Encoding": "identity",
        "User-Agent": "telefonie-sandbox",
    }
    # No proxies from the environment: they would connect to another address than the one that was checked.
    async with (
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None) as client,
        client.stream(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers=sent,
            extensions={"sni_hostname": host},  # the certificate is checked for the name
        ) as response,
    ):
        received = bytearray()
        async for chunk in response.aiter_raw():
            received += chunk
            if len(received) >= MOST_BYTES:
                break
        return _attempt(response, bytes(received[:MOST_BYTES]))


def _attempt(response: httpx.Response, body: bytes) -> Attempt:
    status, text = response.status_code, body.decode("utf-8", "replace")
    if response.is_success:
        return Attempt("delivered", f"The webhook answered {status}.", status, text)
    if response.has_redirect_location:
        return Attempt(
            "redirected", f"The webhook answered {status}; redirects are not followed.", status, text
        )
    return Attempt("refused", f"The webhook answered {status}, which is not a success.", status, text)
