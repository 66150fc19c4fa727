"""The least that a server on the SDK can be: one tool, nothing checked.

``floor echo`` (E) answers with a constant; ``floor call`` (F) with what one request to ``UPSTREAM`` answers.
With a second argument it serves Streamable HTTP on that port, otherwise stdio.
"""

import json
import os
import sys
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler

_ECHOED = {"available_numbers": [{"phone_number": "+14155550100", "country_code": "US", "type": "local"}]}


def _server(*, calls: bool) -> Server[Any]:
    client: Any = None

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        schema = {"type": "object", "properties": {"country_code": {"type": "string"}}}
        tool = types.Tool(name="search", input_schema=schema, output_schema={"type": "object"})
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        _: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        nonlocal client
        content: dict[str, Any] = _ECHOED
        if calls:
            if client is None:
                import httpx2 as httpx  # noqa: PLC0415 - as the first call needs it

                client = httpx.AsyncClient(headers={"X-API-Key": os.environ["API_KEY"]})
            url = f"{os.environ['UPSTREAM']}/available"
            response = await client.get(url, params=params.arguments)
            content = response.json()
        return types.CallToolResult(
            content=[types.TextContent(text=json.dumps(content))], structured_content=content
        )

    return Server(
        "floor",
        version="1",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_subscriptions_listen=ListenHandler(InMemorySubscriptionBus(), max_subscriptions=10_000),
    )


async def _stdio(server: Server[Any]) -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def main(kind: str, port: str | None = None) -> None:
    server = _server(calls=kind == "call")
    if port is None:
        anyio.run(_stdio, server)
    else:
        import uvicorn  # noqa: PLC0415 - only HTTP needs it

        uvicorn.run(server.streamable_http_app(), port=int(port), log_level="critical", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
