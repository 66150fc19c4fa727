"""The OpenAI Agents SDK's MCP servers."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from agents import RunContextWrapper
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp, MCPUtil
from mcp_types import TextContent, TextResourceContents, Tool
from remote import Answer, obey, target


@dataclass
class Driver:
    server: MCPServerStdio | MCPServerStreamableHttp

    async def tools(self) -> list[str]:
        return [tool.name for tool in await self.server.list_tools()]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        named = Tool(name=tool, input_schema={"type": "object"})
        context = RunContextWrapper[None](None)
        output = await MCPUtil.invoke_mcp_tool(self.server, named, context, json.dumps(arguments))
        assert isinstance(output, dict)
        return {"text": output.get("text"), "structured": None, "refused": None}

    async def read(self, uri: str) -> str:
        (part,) = (await self.server.read_resource(uri)).contents
        assert isinstance(part, TextResourceContents)
        return part.text

    async def prompt(self, name: str, arguments: dict[str, str]) -> str:
        (message,) = (await self.server.get_prompt(name, arguments)).messages
        assert isinstance(message.content, TextContent)
        return message.content.text


async def main() -> None:
    to = target()
    command, *arguments = to["command"]
    stdio = MCPServerStdio({"command": command, "args": arguments, "env": to["env"]})
    server = MCPServerStreamableHttp({"url": to["url"]}) if to["url"] else stdio
    server.client_session_timeout_seconds = 300
    async with server:
        protocol = server.session.protocol_version if server.session else None
        await obey(Driver(server), "openai-agents", "mcp", protocol=protocol)


asyncio.run(main())
