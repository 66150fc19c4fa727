"""The official Python SDK, version 2."""

import asyncio
from dataclasses import dataclass
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent, TextResourceContents
from remote import Answer, obey, target


@dataclass
class Driver:
    client: Client

    async def tools(self) -> list[str]:
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        result = await self.client.call_tool(tool, arguments)
        (part,) = result.content
        assert isinstance(part, TextContent)
        refused = "`isError`" if result.is_error else None
        return {"text": part.text, "structured": result.structured_content, "refused": refused}

    async def read(self, uri: str) -> str:
        (part,) = (await self.client.read_resource(uri)).contents
        assert isinstance(part, TextResourceContents)
        return part.text

    async def prompt(self, name: str, arguments: dict[str, str]) -> str:
        (message,) = (await self.client.get_prompt(name, arguments)).messages
        assert isinstance(message.content, TextContent)
        return message.content.text


async def main() -> None:
    to = target()
    command, *arguments = to["command"]
    stdio = stdio_client(StdioServerParameters(command=command, args=arguments, env=to["env"]))
    mode = "legacy" if to["era"] == "legacy" else "auto"
    async with Client(to["url"] or stdio, mode=mode) as client:
        await obey(Driver(client), "mcp", protocol=client.protocol_version)


asyncio.run(main())
