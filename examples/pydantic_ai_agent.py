# /// script
# requires-python = ">=3.11"
# dependencies = ["pydantic-ai-slim[mcp]==2.68.0", "mcp==2.3.0"]
# ///
"""A Pydantic AI agent buys a phone number at an agreed price, and gives it back.

It works on the sandbox, where nothing costs money. With ``telefonie-mcp`` installed, run it with
``uv run examples/pydantic_ai_agent.py``. The model is scripted: it needs no key, and makes exactly the
calls that a real one should. For a real one, name it as ``Agent`` does:
``EXAMPLE_MODEL=openai:gpt-5 uv run --with 'pydantic-ai-slim[openai]' examples/pydantic_ai_agent.py``.
"""

import asyncio
import json
import os
from collections.abc import Generator
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import (
    Agent,
    ModelMessage,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.function import AgentInfo, FunctionModel

SERVER = StdioTransport("telefonie-mcp", ["--sandbox", "--sandbox-db", ":memory:"])
USER = (
    "Buy a San Francisco number if one costs under 3 dollars a month.",
    "We are moving: give it back.",
    "Yes.",
)


async def main() -> None:
    """Let the user talk with the agent, and show what is said and called."""
    # "failed" tells the model what a refusal says; "retry", the default, would ask it to call again.
    tools = MCPToolset(SERVER, tool_error_behavior="failed", include_instructions=True, init_timeout=60)
    async with Agent(os.environ.get("EXAMPLE_MODEL") or FunctionModel(next_move), toolsets=[tools]) as agent:
        messages: list[ModelMessage] = []
        for words in USER:
            result = await agent.run(words, message_history=messages)
            messages = result.all_messages()
            for message in result.new_messages():
                show(message)


def show(message: ModelMessage) -> None:
    """Print the parts of one message."""
    for part in message.parts:
        match part:
            case UserPromptPart():
                print("user:", part.content)
            case ToolCallPart():
                print(f"  calls {part.tool_name} {part.args_as_json_str()}")
            case ToolReturnPart():
                print("  gets", part.model_response_str()[:200])
            case TextPart():
                print("agent:", part.content)
            case _:
                pass


def next_move(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """Follow the script below."""
    match messages[-1].parts[-1]:
        case ToolReturnPart() as answer:
            move = MOVES.send(json.loads(answer.model_response_str(wrap_if_error=False)))
        case last:
            move = MOVES.send(getattr(last, "content", None))
    return ModelResponse([TextPart(move) if isinstance(move, str) else ToolCallPart(*move)])


def script() -> Generator[str | tuple[str, dict[str, Any]], Any, None]:
    """Yield what the model says, and get the user's reply, or what it calls, and get the tool's answer."""
    yield ""
    found = yield "search_available_numbers", {"country_code": "US", "area_code": "415", "limit": 1}
    number = found["available_numbers"][0]["phone_number"]
    # The user named a price, which is a yes to any number up to it: no preview, no second question.
    agreed = {"phone_number": number, "max_monthly_rate": 2.99, "confirm": True}
    bought = yield "purchase_number", agreed
    yield "update_owned_number", {"phone_number": number, "voice_url": "https://example.com/voice"}
    yield f"{number} is yours for {bought['monthly_rate']} per month, and calls to it go to example.com."
    refused = yield "release_number", {"phone_number": number, "confirm": False}
    reply = yield f"{number} would be gone for good. Shall I release it?"
    if reply == "Yes.":
        released = yield refused["next_call"]["name"], refused["next_call"]["arguments"]
        yield f"{released['message']}: {released['phone_number']}."


MOVES = script()
next(MOVES)

if __name__ == "__main__":
    asyncio.run(main())
