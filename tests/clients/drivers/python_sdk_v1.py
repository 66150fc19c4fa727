# /// script
# requires-python = ">=3.11"
# dependencies = ["mcp==1.30.0"]
# ///
"""The official Python SDK, version 1."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent, TextResourceContents
from pydantic import AnyUrl
from remote import Answer, obey, target


@dataclass
class Driver:
    session: ClientSession

    async def tools(self) -> list[str]:
        return [tool.name for tool in (await self.session.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        result = await self.session.call_tool(tool, arguments)
        (part,) = result.content
        assert isinstance(part, TextContent)
        refused = "`isError`" if result.isError else None
        return {"text": part.text, "structured": result.structuredContent, "refused": refused}

    async def read(self, uri: str) -> str:
        (part,) = (await self.session.read_resource(AnyUrl(uri))).contents
        assert isinstance(part, TextResourceContents)
        return part.text

    async def prompt(self, name: str, arguments: dict[str, str]) -> str:
        (message,) = (await self.session.get_prompt(name, arguments)).messages
        assert isinstance(message.content, TextContent)
        return message.content.text


async def main() -> None:
    to = target()
    command, *arguments = to["command"]
    async with AsyncExitStack() as stack:
        if to["url"]:
            read, write, _ = await stack.enter_async_context(streamable_http_client(to["url"]))
        else:
            server = StdioServerParameters(command=command, args=arguments, env=to["env"])
            read, write = await stack.enter_async_context(stdio_client(server))
        session = await stack.enter_async_context(ClientSession(read, write))
        protocol = (await session.initialize()).protocolVersion
        await obey(Driver(session), "mcp", protocol=protocol)


asyncio.run(main())
