"""The command as a real process, and the SDK's client on every transport."""

import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryFile
from typing import IO, Any, Literal

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, StdioServerParameters
from mcp.client.session import ElicitationFnT, MessageHandlerFnT
from mcp.client.stdio import stdio_client
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    CallToolResult,
    TextContent,
)

from telefonie_mcp.app import App
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.server.http import http_app
from telefonie_mcp.settings.reading import read_settings
from tests.support.serving import serving

MODERN = "2026-07-28"
COMMAND: tuple[str, ...] = (sys.executable, "-m", "telefonie_mcp")
SECONDS = 300
"""How long anything here may take, on a busy machine."""

Transport = Literal["memory", "stdio", "http"]
Mode = Literal["auto", "legacy"]

_CLIENT = {"name": "raw lines", "version": "1"}


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment without anybody's settings, whose every directory is below `home`."""
    others = ("TELEFONIE_", "UV_TOOL", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "HOME": str(home), **variables}


def initialize(version: str, **capabilities: Any) -> dict[str, Any]:
    """Return the first request of a legacy connection."""
    params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": _CLIENT}
    return {"jsonrpc": "2.0", "id": "initialize", "method": "initialize", "params": params}


def request(
    number: int, method: str, *, modern: bool = False, meta: Mapping[str, Any] | None = None, **params: Any
) -> dict[str, Any]:
    """Return a request, in the envelope of 2026-07-28 if it is `modern`."""
    envelope = {
        PROTOCOL_VERSION_META_KEY: MODERN,
        CLIENT_INFO_META_KEY: _CLIENT,
        CLIENT_CAPABILITIES_META_KEY: {},
    }
    extra = {"_meta": {**(envelope if modern else {}), **(meta or {})}} if modern or meta else {}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, **extra}}


def answer_of(result: CallToolResult) -> dict[str, Any]:
    """Return the JSON of a result, which its text holds alone and its structured content repeats."""
    (part,) = result.content
    assert isinstance(part, TextContent)
    answer = json.loads(part.text)
    assert result.is_error or result.structured_content == answer
    return answer


@dataclass
class Running:
    """A running `telefonie-mcp`."""

    process: Process
    errors: IO[bytes]

    def __post_init__(self) -> None:
        if self.process.stdout:
            self._lines = BufferedByteReceiveStream(self.process.stdout)

    async def send(self, message: Any) -> None:
        """Write one line."""
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        assert self.process.stdin
        await self.process.stdin.send(line + b"\n")

    async def receive(self) -> dict[str, Any]:
        """Read one line, which must be JSON-RPC."""
        message = json.loads(await self._lines.receive_until(b"\n", 1 << 22))
        assert message["jsonrpc"] == "2.0"
        return message

    async def line(self) -> str:
        """Read one line of text."""
        return (await self._lines.receive_until(b"\n", 1 << 22)).decode()

    async def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return its answer, which must come next."""
        await self.send(message)
        answer = await self.receive()
        assert answer["id"] == message["id"]
        return answer

    async def hang_up(self) -> None:
        """Close standard input."""
        assert self.process.stdin
        await self.process.stdin.aclose()

    async def rest(self) -> bytes:
        """Read what is left on standard output until its end."""
        data = self._lines.buffer
        assert self.process.stdout
        async for chunk in self.process.stdout:
            data += chunk
        return data

    async def end(self) -> int:
        """Wait for the end of the process, which must be one without a traceback, and return its status."""
        status = await self.process.wait()
        assert "Traceback" not in self.log
        return status

    @property
    def log(self) -> str:
        """What stands on standard error so far."""
        self.errors.seek(0)
        return self.errors.read().decode()

    async def address(self) -> str:
        """Wait until the process listens, and return `http://HOST:PORT/PATH`."""
        while not (match := re.search(r"serving on (http://\S+)", self.log)):
            assert self.process.returncode is None, self.log
            await anyio.sleep(0.01)
        return match[1]


@asynccontextmanager
async def running(
    *arguments: str,
    home: Path,
    variables: Mapping[str, str] | None = None,
    stdin: int = PIPE,
    stdout: int = PIPE,
    seconds: float = SECONDS,
) -> AsyncGenerator[Running]:
    """Run `telefonie-mcp ARGUMENTS` within `seconds`, and end it if the block has not."""
    with TemporaryFile() as errors:
        process = await anyio.open_process(
            [*COMMAND, *arguments],
            env=environment(home, **variables or {}),
            stdin=stdin,
            stdout=stdout,
            stderr=errors,
        )
        try:
            with anyio.fail_after(seconds):
                yield Running(process, errors)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.aclose()


@asynccontextmanager
async def connected(
    transport: Transport,
    mode: Mode,
    home: Path,
    message_handler: MessageHandlerFnT | None = None,
    elicitation_callback: ElicitationFnT | None = None,
    /,
    **variables: str,
) -> AsyncGenerator[Client]:
    """Connect the SDK's client to a server: in memory, on a socket of this process, or to the real command.

    What the command does with `--http`, as a process, is proved where `running` starts it so.
    """
    options: Any = {
        "mode": mode,
        "message_handler": message_handler,
        "elicitation_callback": elicitation_callback,
    }
    with anyio.fail_after(SECONDS):
        if transport == "stdio":
            async with standard_streams(COMMAND, environment(home, **variables), **options) as client:
                yield client
            return
        if transport == "memory":
            async with Client(mcp_server(app_of(home, **variables)), **options) as client:
                yield client
        else:
            async with serving_http(home, **variables) as url, Client(url, **options) as client:
                yield client


def app_of(home: Path, **variables: str) -> App:
    """Return the parts of a server with these settings; its sandbox is below `home`."""
    return App.from_settings(
        read_settings({"TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3"), **variables})
    )


@asynccontextmanager
async def serving_http(home: Path, **variables: str) -> AsyncGenerator[str]:
    """Serve over HTTP in this process, as `--http` does in its own, and give the URL."""
    app = app_of(home, **variables)
    async with serving(http_app(mcp_server(app), app)) as origin:
        yield f"{origin}/mcp"


@asynccontextmanager
async def standard_streams(
    command: Sequence[str], env: dict[str, str], cwd: Path | None = None, **options: Any
) -> AsyncGenerator[Client]:
    """Connect the SDK's client to the standard streams of a process."""
    server = StdioServerParameters(command=command[0], args=[*command[1:]], env=env, cwd=cwd)
    with TemporaryFile("w+") as errors:
        async with Client(stdio_client(server, errlog=errors), **options) as client:
            yield client
