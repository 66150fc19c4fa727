"""Foreign clients as seen from a test: each is told what to do and answers with what it shows its agent."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryFile
from typing import Any, Literal, Protocol

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.clients.support import TOOLS, npm_version, python_of, run
from tests.support.wire import COMMAND, environment, running

Transport = Literal["stdio", "http"]
Era = Literal["modern", "legacy"]

ROOT = Path(__file__).parents[2]
DRIVERS = Path(__file__).parent / "drivers"
SECONDS = 300
"""How long a scenario may take: a slow client starts itself and a server for every step."""


@dataclass(frozen=True)
class Client:
    """A client of others: how to run it, and where its exact version stands."""

    name: str
    driver: str | None = None
    pinned: str | None = None
    """The example whose header names the packages, unless the driver's own does."""
    era: Era = "modern"
    """What to ask for, where a client can be asked."""
    arguments: tuple[str, ...] = ()

    @property
    def environment(self) -> Path:
        """The script whose header names the packages of a Python driver."""
        assert self.driver
        return ROOT / self.pinned if self.pinned else DRIVERS / self.driver

    def command(self) -> list[str]:
        """Return the program that runs the driver."""
        assert self.driver
        script = str(DRIVERS / self.driver)
        if script.endswith(".mjs"):
            return [str(TOOLS / "node"), script, *self.arguments]
        return [python_of(self.environment), script]


_SDK = "examples/python_client.py"

CLIENTS = {
    "python": Client("Python SDK 2", "python_sdk.py", _SDK),
    "python-legacy": Client("Python SDK 2", "python_sdk.py", _SDK, era="legacy"),
    "python-v1": Client("Python SDK 1", "python_sdk_v1.py"),
    "typescript": Client("TypeScript SDK 2", "typescript.mjs", arguments=("v2",)),
    "typescript-legacy": Client("TypeScript SDK 2", "typescript.mjs", arguments=("v2",), era="legacy"),
    "typescript-v1": Client("TypeScript SDK 1", "typescript.mjs", arguments=("v1",)),
    "inspector": Client("MCP Inspector, command line"),
    "inspector-legacy": Client("MCP Inspector, command line", era="legacy"),
    "fastmcp": Client("FastMCP", "fastmcp_client.py"),
    "langchain": Client("LangChain", "langchain_tools.py", "examples/langchain_agent.py"),
    "openai": Client("OpenAI Agents SDK", "openai_servers.py", "examples/openai_agents.py"),
    "pydantic": Client("Pydantic AI", "pydantic_toolset.py", "examples/pydantic_ai_agent.py"),
}
"""Every client that is tested; the order is that of the table in docs/clients.md."""


@dataclass(frozen=True)
class Answer:
    """What a client shows its agent of a result, or what it raises instead."""

    shown: dict[str, Any]

    @property
    def json(self) -> dict[str, Any]:
        """What the server said, from whichever form there is."""
        if structured := self.shown.get("structured"):
            return structured
        text: str = self.shown["text"]
        return json.loads(text[text.index("{") : text.rindex("}") + 1])

    @property
    def form(self) -> str:
        """In which form a result arrives."""
        forms = {"text": "text", "structured": "structured content"}
        return " and ".join(words for form, words in forms.items() if self.shown.get(form))

    @property
    def refusal(self) -> str:
        """By what a refusal is told from a result."""
        raised = self.shown.get("raised")
        return f"raises `{raised}`" if raised else self.shown["refused"] or "its text alone"


class Remote(Protocol):
    """A connected client."""

    versions: Mapping[str, str]
    protocol: str | None

    async def ask(self, what: str, *arguments: Any) -> Any:
        """Return the driver's answer to a request."""
        ...


@dataclass
class Driver:
    """A client that is a process of its own; see drivers/remote.py."""

    process: Process
    lines: BufferedByteReceiveStream
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    protocol: str | None = None

    async def ask(self, what: str, *arguments: Any) -> Any:
        assert self.process.stdin
        await self.process.stdin.send(json.dumps([what, *arguments]).encode() + b"\n")
        return await self._answer()

    async def connect(self) -> None:
        """Wait until the driver says that it is connected."""
        hello = await self._answer()
        self.versions, self.protocol = hello["versions"], hello["protocol"]

    async def end(self) -> int:
        """Hang up, and return the driver's status."""
        assert self.process.stdin
        await self.process.stdin.aclose()
        return await self.process.wait()

    async def _answer(self) -> Any:
        return json.loads(await self.lines.receive_until(b"\n", 1 << 22))


@dataclass
class Inspector:
    """The Inspector's command line: a process for every request."""

    home: Path
    options: Sequence[str]
    versions: Mapping[str, str]
    protocol: str | None = None

    async def ask(self, what: str, *arguments: Any) -> Any:
        match what, arguments:
            case "tools", ():
                return [tool["name"] for tool in (await self.method("tools/list"))["tools"]]
            case "call", (name, given):
                tool = "--tool-name", name, "--tool-args-json", json.dumps(given)
                result = await self.method("tools/call", *tool)
                if "raised" in result:
                    return result
                return {
                    "text": result["content"][0]["text"],
                    "structured": result.get("structuredContent"),
                    "refused": "`isError`" if result.get("isError") else None,
                }
            case "read", (uri,):
                return (await self.method("resources/read", "--uri", uri))["contents"][0]["text"]
            case "prompt", (name, given):
                pairs = [f"{key}={value}" for key, value in given.items()]
                prompt = "--prompt-name", name, "--prompt-args", *pairs
                return (await self.method("prompts/get", *prompt))["messages"][0]["content"]["text"]
            case _:
                raise NotImplementedError(what)

    async def connect(self) -> None:
        """Find out which protocol it speaks with the server."""
        self.protocol = (await self.method("initialize"))["protocolVersion"]

    async def method(self, method: str, *arguments: str) -> dict[str, Any]:
        """Return a method's result, or the error that is told instead of one."""
        command = "--cli", *self.options, "--method", method, *arguments, "--format", "json"
        _, output, errors = await run(self.home, "mcp-inspector", *command)
        if output:
            return json.loads(output)["result"]
        error = json.loads(errors.splitlines()[-1])["error"]
        return {"raised": error["code"], "text": error["message"]}


@asynccontextmanager
async def foreign_client(client: Client, transport: Transport, home: Path) -> AsyncGenerator[Remote]:
    """Connect a client to a server whose sandbox is below `home`."""
    with anyio.fail_after(SECONDS):
        async with AsyncExitStack() as stack:
            url = None
            if transport == "http":
                server = await stack.enter_async_context(running("--http", "0", home=home, seconds=SECONDS))
                url = await server.address()
            if client.driver:
                yield await stack.enter_async_context(_driven(client, url, home))
            else:
                inspector = Inspector(
                    home,
                    [*([url] if url else COMMAND), "--protocol-era", client.era],
                    npm_version("@modelcontextprotocol/inspector"),
                )
                await inspector.connect()
                yield inspector


@asynccontextmanager
async def _driven(client: Client, url: str | None, home: Path) -> AsyncGenerator[Driver]:
    command = await anyio.to_thread.run_sync(client.command)
    target = {"url": url, "command": COMMAND, "env": environment(home), "era": client.era}
    with TemporaryFile() as errors:
        process = await anyio.open_process(
            [*command, json.dumps(target)],
            env=environment(home),
            cwd=home,
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
        )
        try:
            assert process.stdout
            driver = Driver(process, BufferedByteReceiveStream(process.stdout))
            await driver.connect()
            yield driver
            assert await driver.end() == 0
        except Exception as error:
            errors.seek(0)
            error.add_note(errors.read().decode()[-5000:])
            raise
        finally:
            if process.returncode is None:
                process.terminate()
            await process.aclose()
