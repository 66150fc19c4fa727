# /// script
# requires-python = ">=3.11"
# dependencies = ["mcp==2.3.0"]
# ///
"""Buy a number and give it back, with the official MCP client, on the sandbox: nothing costs money.

With ``telefonie-mcp`` installed, run it with ``python examples/python_client.py``, or with
``uv run examples/python_client.py``, which brings the client.
"""

import asyncio
import json
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent

SERVER = StdioServerParameters(command="telefonie-mcp", args=["--sandbox", "--sandbox-db", ":memory:"])


def refusal(result: CallToolResult) -> dict[str, Any]:
    """Return what an error result says: its text is one JSON object."""
    (part,) = result.content
    if not isinstance(part, TextContent):
        raise TypeError(part)
    return json.loads(part.text)


async def main() -> None:
    """Search, look at the preview, confirm exactly what it names, and release the number."""
    async with Client(stdio_client(SERVER)) as client:
        result = await client.call_tool("search_available_numbers", {"country_code": "GB", "limit": 1})
        assert result.structured_content
        number = result.structured_content["available_numbers"][0]["phone_number"]

        preview = refusal(
            await client.call_tool("purchase_number", {"phone_number": number, "confirm": False})
        )
        print(preview["message"])

        # An agent asks its user here; this example says yes.
        next_call = preview["next_call"]
        bought = await client.call_tool(next_call["name"], next_call["arguments"])
        print("Bought:", bought.structured_content)

        released = await client.call_tool("release_number", {"phone_number": number, "confirm": True})
        print("Released:", released.structured_content)


if __name__ == "__main__":
    asyncio.run(main())
