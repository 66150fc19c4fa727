"""How much memory a server with many tenants takes: ``python -m tests.bench.tenants COUNT``.

One process serves COUNT tenants and makes one real call as each of them, over HTTP and with a token. The API
answers from memory, so that what it remembers of an account does not count.
"""

import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import httpx2 as httpx

from tests.support.issuer import issuing
from tests.support.tenants import office
from tests.support.wire import MODERN, SECONDS, request

_CALL = "list_owned_numbers"
_SECONDS = 3600


@dataclass(frozen=True)
class Measured:
    """A server after one call as each of its tenants.

    Attributes:
        bytes: Memory of the process.
        opened: Tenants that are open.

    """

    bytes: int
    opened: int


def memory() -> int:
    """Return the bytes of memory that this process takes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def answer(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"numbers": [], "total": 0})


def lines(token: str) -> dict[str, str]:
    return {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {token}",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": _CALL,
    }


def tables(count: int) -> Iterator[tuple[str, dict[str, int]]]:
    for number in range(count):
        yield f"t{number}", {"max_monthly_spend": number + 1}


async def measure(count: int) -> Measured:
    message = request(1, "tools/call", modern=True, name=_CALL, arguments={})
    with TemporaryDirectory() as directory:
        async with (
            issuing() as issuer,
            office(
                issuer,
                Path(directory),
                dict(tables(count)),
                transport=httpx.MockTransport(answer),
                seconds=_SECONDS,
            ) as served,
            httpx.AsyncClient(timeout=SECONDS) as client,
        ):
            for number in range(count):
                response = await client.post(
                    served.url, json=message, headers=lines(served.token(f"t{number}"))
                )
                assert response.json()["result"]["structuredContent"] == {"numbers": [], "total": 0}
            return Measured(memory(), len(served.servers.opened))


if __name__ == "__main__":
    print(json.dumps(vars(anyio.run(measure, int(sys.argv[1])))))  # noqa: T201 - its result
