"""Servers in this process for small documents of tests, whose API is a `Recorder`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from tests.support.recorder import Recorder, recording
from tests.support.wire import SECONDS

CASES = Path(__file__).parents[1] / "documents" / "cases"
ADDRESS = "127.0.0.1:9911"
"""Where the cases say that their API is."""


@asynccontextmanager
async def documented(home: Path, source: str, **changes: Any) -> AsyncGenerator[tuple[Client, Recorder]]:
    """Connect a client to a live server with one added document, whose API records what arrives."""
    async with recording() as api:
        path = home / "provider.yml"
        path.write_text(source.replace(ADDRESS, f"127.0.0.1:{api.port}"))
        chosen: dict[str, Any] = {
            "api_key": SecretStr("key-of-a-test"),
            "ledger": SecretStr(":memory:"),
            "spec": (path,),
            "timeout": 4,
            **changes,
        }
        with anyio.fail_after(SECONDS):
            async with Client(create_server(Settings(**chosen))) as client:
                yield client, api


def case(name: str, *replaced: tuple[str, str]) -> str:
    """Return a document of `tests/documents/cases`, with texts replaced that must stand in it."""
    source = (CASES / f"{name}.yml").read_text()
    for old, new in replaced:
        assert old in source
        source = source.replace(old, new)
    return source


def sent(api: Recorder) -> tuple[str, str, str]:
    """Return method, decoded target and decoded body of the newest request."""
    method, target, _, body = api.requests[-1]
    return method, unquote(target), unquote(body.decode())
