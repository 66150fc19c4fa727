# /// script
# requires-python = ">=3.11"
# dependencies = ["openai-agents==0.24.0", "mcp==2.3.0"]
# ///
"""An agent of the OpenAI Agents SDK buys a phone number at an agreed price, and gives it back.

It works on the sandbox, where nothing costs money. With ``telefonie-mcp`` installed, run it with
``uv run examples/openai_agents.py``. The model is scripted: it needs no key, and makes exactly the
calls that a real one should. For a real one, name it:
``EXAMPLE_MODEL=gpt-5 OPENAI_API_KEY=… uv run examples/openai_agents.py``.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Generator
from typing import Any

from agents import (
    Agent,
    ItemHelpers,
    MessageOutputItem,
    Model,
    ModelResponse,
    RunItem,
    Runner,
    SQLiteSession,
    ToolCallItem,
    ToolCallOutputItem,
    Usage,
    set_tracing_disabled,
)
from agents.items import TResponseInputItem, TResponseStreamEvent
from agents.mcp import MCPServerStdio, MCPServerStdioParams
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

SERVER = MCPServerStdioParams(command="telefonie-mcp", args=["--sandbox", "--sandbox-db", ":memory:"])
USER = (
    "Buy a San Francisco number if one costs under 3 dollars a month.",
    "We are moving: give it back.",
    "Yes.",
)


async def main() -> None:
    """Let the user talk with the agent, and show what is said and called."""
    set_tracing_disabled(disabled=True)
    async with MCPServerStdio(SERVER, client_session_timeout_seconds=60) as server:
        model = os.environ.get("EXAMPLE_MODEL") or ScriptedModel()
        instructions = server.session.instructions if server.session else None
        agent = Agent("Telefonie", model=model, instructions=instructions, mcp_servers=[server])
        session = SQLiteSession("example")
        for words in USER:
            print("user:", words)
            for item in (await Runner.run(agent, words, session=session)).new_items:
                show(item)


def show(item: RunItem) -> None:
    """Print one step of the agent."""
    match item:
        case ToolCallItem(raw_item=ResponseFunctionToolCall() as call):
            print(f"  calls {call.name} {call.arguments}")
        case ToolCallOutputItem():
            print("  gets", item.output["text"][:200])
        case MessageOutputItem():
            print("agent:", ItemHelpers.text_message_output(item))
        case _:
            pass


class ScriptedModel(Model):
    """A model that follows the script below."""

    async def get_response(
        self,
        system_instructions: str | None,  # noqa: ARG002 - called by name
        input: str | list[TResponseInputItem],  # noqa: A002 - called by name
        *_: Any,
        **__: Any,
    ) -> ModelResponse:
        """Make the next move."""
        last: Any = input[-1]
        output = last.get("output")
        move = MOVES.send(json.loads(output[0]["text"]) if output else last["content"])
        if isinstance(move, str):
            text = ResponseOutputText(type="output_text", text=move, annotations=[])
            item = ResponseOutputMessage(
                type="message", id="", role="assistant", status="completed", content=[text]
            )
        else:
            tool, arguments = move
            item = ResponseFunctionToolCall(
                type="function_call", call_id=str(len(input)), name=tool, arguments=json.dumps(arguments)
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[TResponseStreamEvent]:
        """Stream nothing: the example runs without."""
        raise NotImplementedError


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
