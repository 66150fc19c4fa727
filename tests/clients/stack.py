"""The stack of `examples/deploy`, started from its parts: there is no container engine here.

Real are HAProxy with its configuration, the compose files as Docker Compose puts them together, replicas as
processes that start by their command with their settings and secrets, PostgreSQL, an API on a socket, an
authorization server that others wrote, and clients that sign in over TLS. Only addresses differ: each replica
has one of its own on loopback, as each container has, and a DNS server knows them in place of the engine's.
"""

import json
import os
import re
import secrets
import ssl
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_server, inet_aton, socket
from subprocess import DEVNULL
from typing import Any

import anyio
import httpx2 as httpx
from anyio.abc import Process, SocketAttribute, UDPSocket
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import make_url

from tests.clients.signing_in import Person, Program, authorization_server
from tests.clients.test_deployment import DEPLOY, certificate, compose
from tests.support.haproxy import program
from tests.support.postgres import new_database
from tests.support.wire import SECONDS, Mode, Running, environment, running

KEYS = "account-1", "account-2"
"""Keys of the API, which has an account for each."""

_MCP = re.compile(r'(replica\d) .* "POST \S*/mcp HTTP|(replica\d) changed its IP from \S+ to (\S+) by')


class Direct(httpx.AsyncHTTPTransport):
    """The way to one replica past the proxy, as the proxy goes it."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", netloc=self._address.encode())
        sent = httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        return await super().handle_async_request(sent)


@dataclass
class Stack:
    """What runs, and where.

    Attributes:
        home: Where the files are.
        url: The public URL.
        issuer: The issuer of the tokens.
        service: The replicas, as the compose file describes them.
        here: What the example's files say → what holds on this machine.
        variables: What replicas are told beyond the compose file.
        network: The first three bytes of their addresses.
        port: Their port.
        parts: Ends what runs.
        stranger: A browser or program without a token, at the public address.
        addresses: Name → address, of every replica that was started.
        running: Name → replica, of those that have not ended.

    """

    home: Path
    url: str
    issuer: str
    service: Mapping[str, Any]
    here: Mapping[str, str]
    variables: Mapping[str, str]
    network: str
    port: int
    parts: AsyncExitStack
    stranger: httpx.AsyncClient
    addresses: dict[str, str] = field(default_factory=dict[str, str])
    running: dict[str, Running] = field(default_factory=dict[str, Running])

    def adapted(self, text: str) -> str:
        """Return a text of the example for this machine."""
        for there, here in self.here.items():
            text = text.replace(there, here)
        return text

    def command(self, *arguments: str) -> list[str]:
        """Return the command of a container, with arguments as `docker compose run` adds them."""
        return [*(self.adapted(part.replace("$$", "$")) for part in self.service["entrypoint"]), *arguments]

    def environment(self, home: Path, address: str) -> dict[str, str]:
        """Return the environment of a container, whose server is to listen at an address."""
        chosen = {key: self.adapted(value) for key, value in self.service["environment"].items()}
        chosen |= {**self.variables, "TELEFONIE_HTTP": f"{address}:{self.port}"}
        chosen["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return environment(home, **chosen)

    async def complaints(self) -> list[str]:
        """Return what `doctor` complains of, run as `docker compose run` does."""
        trusted = {"SSL_CERT_FILE": str(self.home / "authority")}
        variables = self.environment(self.home, f"{self.network}.1") | trusted
        done = await anyio.run_process(self.command("doctor", "--json"), env=variables, check=False)
        return [each["text"] for each in json.loads(done.stdout)["checks"] if each["status"] != "ok"]

    async def start(self, name: str) -> None:
        """Start a replica, by the compose file's command, with its environment."""
        self.addresses[name] = address = f"{self.network}.{len(self.addresses) + 2}"
        (home := self.home / name).mkdir()
        errors = self.parts.enter_context((home / "log").open("w+b"))
        process = await anyio.open_process(
            self.command(), env=self.environment(home, address), stdin=DEVNULL, stdout=DEVNULL, stderr=errors
        )
        self.parts.push_async_callback(_killed, process)
        replica = Running(process, errors)
        await replica.address()
        self.running[name] = replica

    async def until_ready(self, name: str) -> None:
        """Wait until a replica says that it should get requests."""
        async with httpx.AsyncClient(transport=self.direct(name), timeout=SECONDS) as client:
            while (await client.get("http://localhost/readyz")).status_code != 200:
                await anyio.sleep(0.02)

    def direct(self, name: str) -> Direct:
        """Return the way to a replica past the proxy."""
        return Direct(f"{self.addresses[name]}:{self.port}")

    async def kill(self, name: str) -> None:
        """Kill a replica, as a machine that fails does."""
        await _killed(self.running.pop(name).process)

    async def stop(self, name: str) -> None:
        """Stop a replica, as the container engine does, and see it end well."""
        self.running[name].process.terminate()
        assert await self.running[name].end() == 0
        del self.running[name]

    def write(self, secret: str, content: str) -> None:
        """Write a secret into its file, as docs/hosting.md says: in place, since a container has the file."""
        file = self.home / "secrets" / secret
        file.touch(0o600)
        file.write_text(f"{content}\n")

    async def name(self, names: UDPSocket) -> None:
        """Answer HAProxy as the container engine's DNS server does, with the replicas that run."""
        async for query, (host, port) in names:
            question = query[12 : query.index(b"\0", 12) + 5]
            of_four_bytes = question[-4:] == b"\0\1\0\1"
            found = [inet_aton(self.addresses[each]) for each in self.running] if of_four_bytes else []
            records = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + each for each in found)
            header = query[:2] + b"\x84\0\0\1" + len(found).to_bytes(2) + b"\0\0\0\0"
            await names.sendto(header + question + records, host, port)

    @property
    def served(self) -> list[str]:
        """Which replica answered each request for MCP, in their order, by the log of HAProxy."""
        names = {address: name for name, address in self.addresses.items()}
        places: dict[str, str] = {}
        served: list[str] = []
        for answered, changed, address in _MCP.findall((self.home / "haproxy.log").read_text()):
            if changed:
                places[changed] = names[address]
            else:
                served.append(places[answered])
        return served

    @asynccontextmanager
    async def client(
        self, who: Person | Program, mode: Mode = "auto", asked: ElicitationFnT | None = None, at: str = ""
    ) -> AsyncGenerator[Client]:
        """Connect a client that signs in, through the proxy or `at` a replica."""
        origin = self.url.removesuffix("/mcp")
        direct = {origin: self.direct(at)} if at else {}
        async with (
            httpx.AsyncClient(
                auth=who.auth(self.url, self.issuer),
                verify=trusting(self.home),
                timeout=SECONDS,
                mounts=direct,
            ) as http,
            Client(
                streamable_http_client(self.url, http_client=http), mode=mode, elicitation_callback=asked
            ) as client,
        ):
            yield client


def trusting(home: Path) -> ssl.SSLContext:
    """Trust the certificate of the proxy."""
    return ssl.create_default_context(cafile=str(home / "authority"))


async def _killed(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


@asynccontextmanager
async def stack_of(
    *files: str, postgresql: str, home: Path, replicas: tuple[str, ...] = ("one", "two"), **variables: str
) -> AsyncGenerator[Stack]:
    """Start the stack of compose files.

    Args:
        files: Their names.
        postgresql: A server for the ledger.
        home: An empty directory.
        replicas: Their names.
        variables: Settings of the replicas beyond those of the files, without what they begin with.

    """
    described = json.loads(compose(home, *files, "config", "--format", "json"))["services"]["numbers"]
    ledger = make_url(new_database(postgresql))
    assert ledger.username == "telefonie"  # as in the compose file
    pem = certificate("localhost")
    (home / "authority").write_bytes(pem[: pem.index(b"-----BEGIN PRIVATE")])
    (home / "secrets").mkdir()
    async with AsyncExitStack() as parts:
        parts.enter_context(anyio.fail_after(SECONDS))
        listening = parts.enter_context(create_server(("127.0.0.1", 0)))
        # Nobody else can listen at the port on all addresses, as long as it is taken on this one.
        network = f"127.{secrets.randbelow(200) + 1}.{secrets.randbelow(250) + 1}"
        taken = parts.enter_context(socket())
        taken.bind((f"{network}.1", 0))
        names = await parts.enter_async_context(await anyio.create_udp_socket(local_host="127.0.0.1"))
        url = f"https://localhost:{listening.getsockname()[1]}/mcp"
        issuer = await parts.enter_async_context(authorization_server(url, home))
        (home / "api").mkdir()
        api = await parts.enter_async_context(running("sandbox", "--port", "0", home=home / "api"))
        port = taken.getsockname()[1]
        here = {
            "/run/secrets": str(home / "secrets"),
            "/etc/telefonie-mcp": str(home),
            "@postgres/telefonie": f"@/{ledger.database}?host={ledger.query['host']}",
            "bind :443": f"bind fd@{listening.fileno()}",
            "127.0.0.11:53": f"127.0.0.1:{names.extra(SocketAttribute.local_port)}",
            "numbers:8000": f"numbers:{port}",
            "https://numbers.example.com/mcp": url,
            "https://login.example.com/realms/team": issuer,
        }
        own = {f"TELEFONIE_{name}": value for name, value in variables.items()}
        own["TELEFONIE_BASE_URL"] = await api.address()
        stranger = await parts.enter_async_context(
            httpx.AsyncClient(verify=trusting(home), timeout=SECONDS, base_url=url.removesuffix("/mcp"))
        )
        stack = Stack(home, url, issuer, described, here, own, network, port, parts, stranger)
        for secret, content in {
            "certificate": pem.decode(),
            "postgres_password": str(ledger.password),
            "state_keys": "0451" * 8,
            "api_key": KEYS[0],
            "sales_api_key": KEYS[0],
            "support_api_key": KEYS[1],
        }.items():
            stack.write(secret, content)
        for file in ("haproxy.cfg", "tenants.toml"):
            (home / file).write_text(stack.adapted((DEPLOY / file).read_text()))
        tasks = await parts.enter_async_context(anyio.create_task_group())
        parts.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(stack.name, names)
        async with anyio.create_task_group() as starting:
            for name in replicas:
                starting.start_soon(stack.start, name)
        for name in replicas:
            await stack.until_ready(name)
        with (home / "haproxy.log").open("ab") as log:
            command = [program(), "-db", "-f", str(home / "haproxy.cfg")]
            proxy = await anyio.open_process(command, stdout=log, stderr=log, pass_fds=[listening.fileno()])
        parts.push_async_callback(_killed, proxy)
        while (await stranger.post("/mcp")).status_code != 401:  # the proxy has not found the replicas yet
            await anyio.sleep(0.02)
        yield stack
