"""LangChain's tools, as its agents run them: a session, and over stdio a server, for every call."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# The types of LangGraph are not published with it.

import asyncio
from dataclasses import dataclass
from typing import Any

from langchain.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.sessions import StdioConnection, StreamableHttpConnection
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from remote import Answer, obey, target


@dataclass
class Driver:
    client: MultiServerMCPClient
    known: list[BaseTool]

    def __post_init__(self) -> None:
        graph = StateGraph(MessagesState)
        graph.add_node("tools", ToolNode(self.known)).set_entry_point("tools")
        self.graph = graph.compile()

    async def tools(self) -> list[str]:
        return [tool.name for tool in self.known]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        request = AIMessage("", tool_calls=[{"id": "1", "name": tool, "args": arguments}])
        message = (await self.graph.ainvoke({"messages": [request]}))["messages"][-1]
        assert isinstance(message, ToolMessage)
        refused = "a `ToolMessage` of status `error`" if message.status == "error" else None
        return {"text": message.text, "structured": None, "refused": refused}

    async def read(self, uri: str) -> str:
        (blob,) = await self.client.get_resources("telefonie", uris=uri)
        return blob.as_string()

    async def prompt(self, name: str, arguments: dict[str, str]) -> str:
        (message,) = await self.client.get_prompt("telefonie", name, arguments=arguments)
        return message.text


async def main() -> None:
    to = target()
    command, *arguments = to["command"]
    if to["url"]:
        server = StreamableHttpConnection(transport="streamable_http", url=to["url"])
    else:
        server = StdioConnection(transport="stdio", command=command, args=arguments, env=to["env"])
    client = MultiServerMCPClient({"telefonie": server})
    info = (await client.get_server_info())["telefonie"]
    driver = Driver(client, await client.get_tools())
    names = "langchain", "langchain-mcp-adapters", "mcp"
    await obey(driver, *names, protocol=info.protocolVersion)


asyncio.run(main())
