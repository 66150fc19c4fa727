"""A small host of MCP Apps in Chromium: it shows the page of a real server, and can be any kind of client."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from mcp import Client
from mcp_types import TextResourceContents
from playwright.async_api import Browser, Frame, Page, expect

from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from tests.clients.support import TOOLS
from tests.support.wire import SECONDS

__all__ = ["EVERYTHING", "Host", "app_host", "axe_version", "result_of"]

EVERYTHING: Final[Mapping[str, Any]] = {
    "serverTools": {},
    "openLinks": {},
    "message": {"text": {}},
    "updateModelContext": {"text": {}},
}
"""What a host can that can everything."""

_HOST: Final = Path(__file__).with_name("app_host.html")
_AXE: Final = TOOLS.parent / "axe-core"


def result_of(content: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return a tool result with this structured content."""
    text = json.dumps(content, ensure_ascii=False)
    return {"content": [{"type": "text", "text": text}], "structuredContent": content, **members}


def axe_version() -> str:
    return json.loads((_AXE / "package.json").read_text())["version"]


@dataclass(frozen=True)
class Host:
    """The host's page, and the frame in it that shows the numbers.

    Attributes:
        page: The host.
        client: The MCP client that calls the server.
        requests: Every address that anything in the page has asked for.

    """

    page: Page
    client: Client
    requests: list[str]

    @property
    def frame(self) -> Frame:
        """The frame with the page of numbers."""
        return self.page.frames[-1]

    async def open(self, capabilities: Mapping[str, Any] = EVERYTHING, **context: Any) -> None:
        """Show the page anew, and wait until it has introduced itself."""
        (content,) = (await self.client.read_resource("ui://telefonie/numbers")).contents
        assert isinstance(content, TextResourceContents)
        await self.page.evaluate(
            "([capabilities, context, html]) => { Object.assign(host, { capabilities, context, seen: [] });"
            " frame.srcdoc = html; }",
            [capabilities, context, content.text],
        )
        await self.until("ui/notifications/initialized")

    async def give(self, result: Any, **arguments: Any) -> None:
        """Pass on a tool's arguments and result."""
        await self.notify("ui/notifications/tool-input", arguments=arguments)
        await self.send({"method": "ui/notifications/tool-result", "params": result})

    async def call(self, name: str, **arguments: Any) -> None:
        """Call a tool, as the assistant does, and pass the result on."""
        await self.give(await _call(self.client, name, arguments), **arguments)

    async def choose(self, result: Any, name: str = "Choose") -> None:
        """Show a search, choose a number of it, and leave the page's question for its price unanswered."""
        await self.open()
        await self.set(silent=["tools/call"])
        await self.give(result)
        await self.frame.get_by_role("button", name=name).click()
        await self.until("tools/call")

    async def notify(self, method: str, **params: Any) -> None:
        await self.send({"method": method, "params": params})

    async def send(self, message: Any) -> None:
        await self.page.evaluate("(message) => send(message)", message)

    async def set(self, **members: Any) -> None:
        """Change what the host does: which requests it leaves without an answer (`silent`) or refuses."""
        await self.page.evaluate("(members) => Object.assign(host, members)", members)

    async def answer_last(self, method: str, result: Any = None, **answer: Any) -> None:
        """Answer the last request with this method, which was left without an answer."""
        await self._answer(method, -1, {**({} if result is None else {"result": result}), **answer})

    async def answer_first(self, method: str, **answer: Any) -> None:
        """Answer the first request with this method, which was left without an answer."""
        await self._answer(method, 0, answer)

    async def _answer(self, method: str, place: int, answer: Mapping[str, Any]) -> None:
        await self.page.evaluate(
            "([method, place, answer]) => send("
            "{ id: host.seen.filter((each) => each.method === method).at(place).id, ...answer })",
            [method, place, answer],
        )

    async def seen(self, method: str) -> list[dict[str, Any]]:
        """Return the params of every message with this method that the page has sent."""
        messages: Sequence[dict[str, Any]] = await self.page.evaluate("() => host.seen")
        return [message.get("params", {}) for message in messages if message.get("method") == method]

    async def until(self, method: str, count: int = 1) -> None:
        """Wait until the page has sent that many messages with this method."""
        await self.page.wait_for_function(
            "([method, count]) => host.seen.filter((each) => each.method === method).length >= count",
            arg=[method, count],
        )

    async def violations(self) -> list[str]:
        """Return what axe-core finds against the rules of accessibility."""
        if not await self.frame.evaluate("() => 'axe' in window"):
            await self.frame.add_script_tag(content=(_AXE / "axe.min.js").read_text())
        found = await self.frame.evaluate("async () => (await axe.run()).violations")
        return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]

    async def picture(self) -> bytes:
        """Return a picture of the whole page, once the frame is as high as it."""
        await self.page.wait_for_function(
            "() => frame.clientHeight === host.seen.findLast(({ method }) => "
            "method === 'ui/notifications/size-changed').params.height"
        )
        return await self.page.screenshot(full_page=True, animations="disabled")

    async def status(self, text: str) -> None:
        """Wait until the page says this."""
        await expect(self.frame.get_by_role("status")).to_contain_text(text)


async def _call(client: Client, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(name, dict(arguments))
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


@asynccontextmanager
async def app_host(
    browser: Browser, width: int = 760, height: int = 900, *, settings: Settings | None = None, **changes: Any
) -> AsyncGenerator[Host]:
    """Open a host whose server is on a sandbox of its own, unless `settings` say otherwise."""
    server = create_server(settings or Settings(sandbox_db=":memory:", **changes))
    async with (
        Client(server) as client,
        await browser.new_page(viewport={"width": width, "height": height}) as page,
    ):
        page.set_default_timeout(1000 * SECONDS)
        host = Host(page, client, [])
        page.on("request", lambda request: host.requests.append(request.url))
        await page.expose_function("callTool", partial(_call, client))  # pyright: ignore[reportUnknownMemberType]
        await page.set_content(_HOST.read_text())
        yield host
