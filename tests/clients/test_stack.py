"""The stack of `examples/deploy/compose.yaml`, started from its parts: there is no container engine here.

Real are HAProxy with its configuration, two replicas as processes with the file's settings, PostgreSQL, an
API on a socket, and clients of both eras that sign in over TLS. Only addresses differ, and an issuer on
loopback stands in for an authorization server of one's own.
"""

import json
import re
import ssl
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_server, socket
from subprocess import DEVNULL
from typing import Any

import anyio
import httpx2 as httpx
import yaml
from anyio.abc import Process
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.context import ClientRequestContext
from mcp.client.session import ElicitationFnT
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult

from tests.clients.test_deployment import certificate
from tests.documentation.pages import ROOT
from tests.support.haproxy import program
from tests.support.hosted import Memory
from tests.support.issuer import Issuer, issuing
from tests.support.postgres import GROUP, new_schema
from tests.support.wire import COMMAND, SECONDS, Mode, Running, answer_of, environment, running

pytestmark = GROUP
DEPLOY = ROOT / "examples/deploy"
SETTINGS: dict[str, str] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["numbers"][
    "environment"
]
PURCHASES = 4
KEYS = "account-1", "account-2"
"""Keys of the API; to this server they are one account, whose key was rotated."""


@dataclass
class Stack:
    """What runs, and where.

    Attributes:
        url: The public URL.
        replicas: Name in HAProxy's configuration → the replica.

    """

    home: Path
    listening: socket
    issuer: Issuer
    variables: dict[str, str]
    parts: AsyncExitStack
    replicas: dict[str, Running] = field(default_factory=dict[str, Running])
    proxy: Process | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.listening.getsockname()[1]}/mcp"

    async def start(self, name: str, key: str = "") -> None:
        """Start a replica, with an API key of its own if one is given."""
        (self.home / name).mkdir()
        own = self.variables
        if key:
            own = {**own, "TELEFONIE_API_KEY_FILE": str(secret(self.home / f"{name}-key", key))}
        errors = self.parts.enter_context((self.home / f"{name}-log").open("w+b"))
        process = await anyio.open_process(
            COMMAND, env=environment(self.home / name, **own), stdin=DEVNULL, stdout=DEVNULL, stderr=errors
        )
        self.parts.push_async_callback(ended, process)
        self.replicas[name] = Running(process, errors)
        await self.replicas[name].address()

    async def kill(self, name: str) -> None:
        """Kill a replica, as a machine that fails does."""
        replica = self.replicas.pop(name)
        replica.process.kill()
        await replica.process.wait()

    async def balance(self) -> None:
        """Start HAProxy with the replicas that run, in place of one that was started before."""
        text = (DEPLOY / "haproxy.cfg").read_text()
        servers = [
            f"    server {name} {httpx.URL(await replica.address()).netloc.decode()}"
            for name, replica in self.replicas.items()
        ]
        for old, new in {
            r"^    server-template .*$": "\n".join(servers),
            r"bind :443": f"bind fd@{self.listening.fileno()}",
            r"/run/secrets": str(self.home),
            r" resolvers docker init-addr libc,none": "",
            r"^resolvers docker\n(    .*\n)+": "",
            r"stdout format raw daemon": "stdout format raw local0",
        }.items():
            text, changed = re.subn(old, new, text, flags=re.MULTILINE)
            assert changed == 1, old
        (self.home / "haproxy.cfg").write_text(text)
        if self.proxy:
            await ended(self.proxy)
        with (self.home / "haproxy.log").open("ab") as log:
            self.proxy = await anyio.open_process(
                [program(), "-db", "-f", str(self.home / "haproxy.cfg")],
                stdout=log,
                stderr=log,
                pass_fds=[self.listening.fileno()],
            )
        self.parts.push_async_callback(ended, self.proxy)

    @property
    def served(self) -> Counter[str]:
        """Which replica answered how many requests for MCP."""
        log = (self.home / "haproxy.log").read_text()
        return Counter(re.findall(r'replicas/(\w+) .*"POST \S*/mcp HTTP', log))

    @asynccontextmanager
    async def client(
        self, mode: Mode, name: str = "assistant", asked: ElicitationFnT | None = None
    ) -> AsyncGenerator[Client]:
        """Connect a client that trusts the certificate and signs in under a name."""
        trusting = ssl.create_default_context(cafile=str(self.home / "authority"))
        auth = ClientCredentialsOAuthProvider(self.url, Memory(), name, "a-secret", issuer=self.issuer.url)
        async with (
            httpx.AsyncClient(auth=auth, verify=trusting, timeout=SECONDS) as http,
            Client(
                streamable_http_client(self.url, http_client=http), mode=mode, elicitation_callback=asked
            ) as client,
        ):
            yield client


def secret(file: Path, content: str) -> Path:
    """Write a file that nobody else can read."""
    file.write_text(content)
    file.chmod(0o600)
    return file


async def ended(process: Process) -> None:
    """End a process, if it has not ended."""
    if process.returncode is None:
        process.terminate()
    await process.wait()


@asynccontextmanager
async def started(home: Path, ledger: str, **variables: str) -> AsyncGenerator[Stack]:
    """Start everything but replicas and HAProxy; `variables` are set as well, and unset if they are empty."""
    pem = certificate("localhost")
    (home / "certificate").write_bytes(pem)
    (home / "authority").write_bytes(pem[: pem.index(b"-----BEGIN PRIVATE")])
    with create_server(("127.0.0.1", 0)) as listening, anyio.fail_after(SECONDS):
        async with AsyncExitStack() as parts:
            issuer = await parts.enter_async_context(issuing())
            (home / "api").mkdir()
            api = await parts.enter_async_context(running("sandbox", "--port", "0", home=home / "api"))
            stack = Stack(home, listening, issuer, {}, parts)
            stack.variables = {
                **SETTINGS,
                "TELEFONIE_HTTP": "127.0.0.1:0",
                "TELEFONIE_PUBLIC_URL": stack.url,
                "TELEFONIE_ISSUER": issuer.url,
                "TELEFONIE_BASE_URL": await api.address(),
                "TELEFONIE_LEDGER": ledger,
                "TELEFONIE_STATE_KEYS": "0451" * 8,
                "TELEFONIE_MAX_PURCHASES_PER_DAY": str(PURCHASES),
            }
            stack.variables |= {f"TELEFONIE_{name}": value for name, value in variables.items()}
            yield stack


async def called(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    return answer_of(await client.call_tool(name, arguments))


async def offered(client: Client) -> list[str]:
    found = await called(client, "search_available_numbers", country_code="US", limit=20)
    return [number["phone_number"] for number in found["available_numbers"]]


async def bought(client: Client, number: str) -> dict[str, Any]:
    return await called(client, "purchase_number", phone_number=number, confirm=True)


async def test_two_replicas_behind_the_proxy_are_one_server(postgresql: str, tmp_path: Path) -> None:
    async with started(tmp_path, new_schema(postgresql)) as stack:
        for name in ("one", "two"):
            await stack.start(name, KEYS[0])
        await stack.balance()
        trusting = ssl.create_default_context(cafile=str(tmp_path / "authority"))
        async with httpx.AsyncClient(verify=trusting) as stranger:
            for path in ("/healthz", "/readyz", "/metrics", "/"):
                assert (await stranger.get(httpx.URL(stack.url).join(path))).status_code == 404
            assert (await stranger.post(stack.url)).status_code == 401
        async with stack.client("auto") as modern, stack.client("legacy") as legacy:
            first, second, third, fourth, fifth, *_ = await offered(modern)
            assert (await bought(modern, first))["phone_number"] == first
            assert (await bought(legacy, second))["phone_number"] == second
            while len(stack.served) < 2:  # each has had a call
                await offered(modern)
            assert (await called(legacy, "list_owned_numbers"))["total"] == 2

            lost = "one"
            await stack.kill(lost)
            assert (await bought(modern, third))["phone_number"] == third
            await stack.start("three", KEYS[1])
            await stack.kill("two")
            await stack.balance()
            await offered(modern)

        async with stack.client("auto") as modern:
            # The key was rotated, to one whose account at the API has no numbers: the budget is the ledger's.
            assert (await called(modern, "list_owned_numbers"))["total"] == 0
            assert (await bought(modern, fourth))["phone_number"] == fourth
            assert (await bought(modern, fifth))["code"] == "limit_reached"
            (log,) = (await modern.read_resource("telefonie://log")).contents
        written = json.loads(getattr(log, "text", ""))
        assert stack.served["three"]
    assert first in json.dumps(written)


async def test_tenants_share_the_replicas_and_nothing_else(postgresql: str, tmp_path: Path) -> None:
    asked: list[str] = []

    async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": True})

    tables = ""
    for name, key in zip(("sales", "support"), KEYS, strict=True):
        file = secret(tmp_path / f"{name}-key", key)
        tables += f'[tenants.{name}]\nclaim = "{name}"\napi_key_file = "{file}"\n'
    (tmp_path / "tenants.toml").write_text(f"{tables}max_purchases_per_day = 1\n")
    own = {"API_KEY_FILE": "", "ACCOUNT": "", "TENANTS": str(tmp_path / "tenants.toml"), "APPROVAL": "human"}
    async with started(tmp_path, new_schema(postgresql), **own) as stack:
        for name in ("one", "two"):
            await stack.start(name)
        await stack.balance()
        async with (
            stack.client("auto", "sales", yes) as sales,
            stack.client("legacy", "sales", yes) as legacy,
            stack.client("auto", "support", yes) as support,
        ):
            first, second, third, fourth, *_ = await offered(sales)
            while len(stack.served) < 2:  # a replica that was not ready when it was looked at gets none yet
                await offered(sales)
            # In 2026 an answer may go to another replica than the question; in 2025 the proxy finds the same.
            for client, number in ((sales, first), (legacy, second), (support, third)):
                assert (await bought(client, number))["phone_number"] == number
            assert len(asked) == 3
            assert (await bought(support, fourth))["code"] == "limit_reached"
            assert [await owned(client) for client in (sales, legacy, support)] == [
                {first, second},
                {first, second},
                {third},
            ]
            (log,) = (await support.read_resource("telefonie://log")).contents
            assert third in getattr(log, "text", "")
            assert first not in getattr(log, "text", "")


async def owned(client: Client) -> set[str]:
    listed = await called(client, "list_owned_numbers")
    return {number["phone_number"] for number in listed["numbers"]}
