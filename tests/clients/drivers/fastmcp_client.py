# /// script
# requires-python = ">=3.11"
# dependencies = ["fastmcp==4.2.3", "mcp==2.3.0"]
# ///
"""FastMCP's client."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp_types import TextContent, TextResourceContents
from remote import Answer, obey, target


@dataclass
class Driver:
    client: Client[Any]

    async def tools(self) -> list[str]:
        return [tool.name for tool in await self.client.list_tools()]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        result = await self.client.call_tool(tool, arguments)
        (part,) = result.content
        assert isinstance(part, TextContent)
        return {"text": part.text, "structured": result.structured_content, "refused": None}

    async def read(self, uri: str) -> str:
        (part,) = await self.client.read_resource(uri)
        assert isinstance(part, TextResourceContents)
        return part.text

    async def prompt(self, name: str, arguments: dict[str, str]) -> str:
        (message,) = (await self.client.get_prompt(name, arguments)).messages
        assert isinstance(message.content, TextContent)
        return message.content.text


async def main() -> None:
    to = target()
    command, *arguments = to["command"]
    stdio = StdioTransport(command, arguments, env=to["env"], keep_alive=False)
    async with Client(StreamableHttpTransport(to["url"]) if to["url"] else stdio) as client:
        await obey(Driver(client), "fastmcp", "mcp", protocol=client.protocol_version)


asyncio.run(main())
