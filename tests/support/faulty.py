"""A provider on a raw socket that keeps real numbers and misbehaves on demand.

It speaks just enough HTTP/1.1. `faults` maps a method to a list of faults, used up one per request, the last
one staying; a fault is a coroutine that gets the connection and `commit`, which does what the request asks.
"""

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NUMBER = "+14155550100"
OFFER = {
    "phone_number": NUMBER,
    "country_code": "US",
    "type": "local",
    "capabilities": {"voice": True, "sms": True, "mms": False},
    "monthly_rate": "1.15",
}

Commit = Callable[[], tuple[int, Any]]


@dataclass
class Exchange:
    """One request, and the connection to answer it on."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    commit: Commit
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader

    async def gone(self) -> None:
        """Wait until the client has left."""
        while await self.reader.read(1024):
            pass

    async def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer completely."""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)
        await self.writer.drain()

    async def honest(self) -> None:
        """Do what is asked and say so."""
        status, body = self.commit()
        await self.reply(status, b"" if body is None else json.dumps(body).encode())

    def reset(self) -> None:
        """Break the connection as a crash does."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]


@dataclass
class Provider:
    """What reaches it stands in `log`, what it owns in `owned`."""

    port: int = 0
    owned: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    faults: dict[str, list[Fault]] = field(default_factory=dict[str, list[Fault]])
    log: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    keys: set[str] = field(default_factory=set[str])
    rate: str = "1.15"
    tasks: set[asyncio.Task[Any] | None] = field(default_factory=set[asyncio.Task[Any] | None])
    server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/numbers"

    def own(self, number: str = NUMBER, **settings: str) -> None:
        self.owned[number] = {**OFFER, "phone_number": number, "monthly_rate": self.rate, **settings}

    async def stop_listening(self) -> None:
        """Refuse every new connection."""
        assert self.server
        self.server.close()
        await asyncio.sleep(0)

    def count(self, method: str) -> int:
        return sum(1 for seen, _ in self.log if seen == method)

    def handle(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        path = unquote(parts.path).removeprefix("/v1/numbers")
        number = path.removeprefix("/owned/")
        answer: tuple[int, Any] = (404, {"code": "number_not_owned", "detail": "Not yours."})
        if (method, path) == ("GET", "/available"):
            wanted = parse_qs(parts.query).get("contains", [""])[0]
            free = wanted in NUMBER and NUMBER not in self.owned
            answer = 200, {"available_numbers": [OFFER | {"monthly_rate": self.rate}] if free else []}
        elif (method, path) == ("GET", "/owned"):
            answer = 200, {"numbers": list(self.owned.values()), "total": len(self.owned)}
        elif (method, path) == ("POST", "/owned"):
            order = json.loads(body)
            number = order.pop("phone_number")
            self.own(number, **order)
            answer = 201, self.owned[number]
        elif number in self.owned and method == "DELETE":
            del self.owned[number]
            answer = 204, None
        elif number in self.owned:
            self.owned[number] |= json.loads(body or b"{}")
            answer = 200, self.owned[number]
        return answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *fields = head.rstrip().split("\r\n")
                method, target, _ = line.split(" ")
                headers = {k.lower(): v for k, v in (name.split(": ", 1) for name in fields)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.log.append((method, target))
                self.keys.add(headers.get("x-api-key", ""))
                exchange = Exchange(
                    method,
                    target,
                    headers,
                    body,
                    lambda m=method, t=target, b=body: self.handle(m, t, b),
                    writer,
                    reader,
                )
                queue = self.faults.get(method, [])
                fault = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else Exchange.honest
                await fault(exchange)
        writer.close()


@asynccontextmanager
async def faulty(provider: Provider | None = None, **faults: list[Fault]) -> AsyncGenerator[Provider]:
    """Serve a `Provider` on a free port of this machine."""
    provider = provider or Provider(faults=dict(faults))
    provider.server = server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
        for task in filter(None, provider.tasks):
            task.cancel()
        await server.wait_closed()


def after(commit: bool, then: Fault) -> Fault:
    """Return a fault that first does what is asked, or not."""

    async def fault(exchange: Exchange) -> None:
        if commit:
            exchange.commit()
        await then(exchange)

    return fault


async def close(exchange: Exchange) -> None:
    exchange.writer.close()


async def reset(exchange: Exchange) -> None:
    exchange.reset()


async def hang(_: Exchange) -> None:
    await asyncio.Event().wait()


async def drip(exchange: Exchange) -> None:
    exchange.writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    while True:
        exchange.writer.write(b" ")
        await exchange.writer.drain()
        await asyncio.sleep(0.05)


async def truncated(exchange: Exchange) -> None:
    exchange.writer.write(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"phone'
    )
    exchange.writer.close()


async def garbage(exchange: Exchange) -> None:
    exchange.writer.write(b"\x00\xff\x16\x03 no HTTP at all\r\n\r\n")
    exchange.writer.close()


async def bad_chunks(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n")
    exchange.writer.close()


async def headers_without_end(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000)
    exchange.writer.close()


async def huge(exchange: Exchange) -> None:
    exchange.writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n"
    )
    for _ in range(20):
        exchange.writer.write(b"[" * 1_000_000)
        await exchange.writer.drain()


@cache
def fifty_megabytes() -> bytes:
    """Return a small gzip file that unpacks to 50 MB."""
    packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    block = b" " * 1_000_000
    return b"".join([*(packing.compress(block) for _ in range(50)), packing.flush()])


async def bomb(exchange: Exchange) -> None:
    await exchange.reply(200, fifty_megabytes(), Content_Encoding="gzip")


def replying(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Return a fault that answers with this, whatever was asked."""

    async def fault(exchange: Exchange) -> None:
        await exchange.reply(status, body, **headers)

    return fault
