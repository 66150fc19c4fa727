"""Pydantic AI's toolset."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import TextContent
from pydantic_ai.mcp import MCPToolset
from remote import Answer, obey, target


@dataclass
class Driver:
    toolset: MCPToolset[None]

    async def tools(self) -> list[str]:
        return [tool.name for tool in await self.toolset.list_tools()]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        output = await self.toolset.direct_call_tool(tool, arguments)
        return {"text": None, "structured": output, "refused": None}

    async def read(self, uri: str) -> str:
        text = await self.toolset.read_resource(uri)
        assert isinstance(text, str)
        return text

    async def prompt(self, name: str, arguments: dict[str, str]) -> str:
        (message,) = (await self.toolset.get_prompt(name, arguments)).messages
        assert isinstance(message.content, TextContent)
        return message.content.content


async def main() -> None:
    to = target()
    command, *arguments = to["command"]
    stdio = StdioTransport(command, arguments, env=to["env"], keep_alive=False)
    async with MCPToolset[None](to["url"] or stdio, init_timeout=300) as toolset:
        protocol = toolset.client.protocol_version
        await obey(Driver(toolset), "pydantic-ai-slim", "mcp", protocol=protocol)


asyncio.run(main())
