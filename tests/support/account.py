"""A provider that answers its numbers in pages, and a client of a server for it, on every transport."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mcp import Client
from mcp_types import ReadResourceRequest, ReadResourceRequestParams, ReadResourceResult, TextResourceContents

from tests.support.faulty import Provider
from tests.support.served import live_variables
from tests.support.wire import Mode, Transport, connected

Heard = list[tuple[float, float | None, str | None]]


@dataclass
class Paging(Provider):
    """Answers pages, unless it is `deaf` to which one."""

    deaf: bool = False

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        if (method, parts.path) != ("GET", "/v1/numbers/owned"):
            return super().handle(method, target, body)
        query = {name: int(value) for name, (value,) in parse_qs(parts.query).items()}
        size, page = query.get("page_size", 20), 1 if self.deaf else query.get("page", 1)
        numbers = [*self.owned.values()]
        return 200, {"numbers": numbers[(page - 1) * size : page * size], "total": len(numbers)}


def owning(count: int, *, deaf: bool = False) -> Paging:
    """Return a provider that owns this many numbers."""
    provider = Paging(deaf=deaf)
    for last in range(count):
        provider.own(f"+1415{5550000 + last}")
    return provider


@asynccontextmanager
async def connected_live(
    provider: Provider, transport: Transport, mode: Mode, home: Path, **variables: str
) -> AsyncGenerator[Client]:
    """Connect a client to a live server whose API is `provider`."""
    chosen = live_variables(provider, home, TELEFONIE_SANDBOX_DB="", **variables)
    async with connected(transport, mode, home, **chosen) as client:
        yield client


async def read(client: Client, uri: str, heard: Heard | None = None) -> str:
    """Read a resource as text, and listen to the progress if `heard` is given."""

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        if heard is not None:
            heard.append((progress, total, message))

    request = ReadResourceRequest(params=ReadResourceRequestParams(uri=uri))
    callback = None if heard is None else hear
    result = await client.session.send_request(request, ReadResourceResult, progress_callback=callback)
    (contents,) = result.contents
    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == "application/json"
    assert (result.ttl_ms, result.cache_scope) in {(0, "private"), (None, None)}
    return contents.text
