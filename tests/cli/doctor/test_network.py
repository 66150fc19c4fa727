"""The step on which a connection fails is the one that is named."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from telefonie_mcp.cli.doctor.network import locate_failure, tls_failure
from tests.support.ports import closed_port
from tests.support.wire import SECONDS


@asynccontextmanager
async def listening(words: bytes | None) -> AsyncGenerator[int]:
    """Listen on a free port, and answer what comes with `words`, or not at all."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if words is None:
            await reader.read()  # until the client leaves
        writer.write(words or b"")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def found(server: str, seconds: float = SECONDS) -> str:
    with anyio.fail_after(2 * SECONDS):
        finding = await locate_failure(server, "broke the connection (X)", seconds=seconds)
    assert (finding.check, finding.status) == ("reachability", "problem")
    assert finding.remedy
    return finding.text


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70])
async def test_a_name_that_is_not_known(host: str) -> None:
    assert await found(f"https://{host}/v1") == f"DNS: the name {host} is not known here"


async def test_a_port_that_accepts_no_connection() -> None:
    with closed_port() as port:
        told = await found(f"http://127.0.0.1:{port}/v1")
    assert told == f"TCP: 127.0.0.1 port {port} accepts no connection"


async def test_a_port_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        assert await found(f"http://127.0.0.1:{port}", 0.2) == f"TCP: 127.0.0.1 port {port} does not answer"
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("words", "seconds", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", SECONDS, "TLS: the server does not speak it ("),
        (b"", SECONDS, "TLS: the server ends the connection"),
        (None, 0.2, "TLS: the server does not answer the greeting"),
    ],
)
async def test_a_server_without_encryption(words: bytes | None, seconds: float, text: str) -> None:
    async with listening(words) as port:
        assert (await found(f"https://127.0.0.1:{port}/v1", seconds)).startswith(text)


async def test_a_server_that_speaks_something_else() -> None:
    async with listening(b"") as port:
        assert await found(f"http://127.0.0.1:{port}/v1") == (
            f"HTTP: 127.0.0.1 port {port} accepts connections, but broke the connection (X)"
        )


def test_a_certificate_that_is_not_trusted() -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_message = "self-signed certificate"
    assert tls_failure(error) == "the certificate is not trusted (self-signed certificate)"
