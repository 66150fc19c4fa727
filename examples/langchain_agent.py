# /// script
# requires-python = ">=3.11"
# dependencies = ["langchain==1.5.2", "langchain-mcp-adapters==0.3.2", "mcp==1.30.0"]
# ///
"""A LangChain agent buys a phone number at an agreed price, and gives it back.

It works on the sandbox, where nothing costs money. With ``telefonie-mcp`` installed, run it with
``uv run examples/langchain_agent.py``. The model is scripted: it needs no key, and makes exactly the
calls that a real one should. For a real one, name it as ``init_chat_model``
does: ``EXAMPLE_MODEL=openai:gpt-5 uv run --with langchain-openai examples/langchain_agent.py``.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# LangChain's own types are not complete.

import asyncio
import json
import os
from collections.abc import Generator
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import BaseChatModel, init_chat_model
from langchain.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.sessions import StdioConnection
from langchain_mcp_adapters.tools import load_mcp_tools

SERVER = StdioConnection(
    transport="stdio", command="telefonie-mcp", args=["--sandbox", "--sandbox-db", ":memory:"]
)
USER = (
    "Buy a San Francisco number if one costs under 3 dollars a month.",
    "We are moving: give it back.",
    "Yes.",
)


async def main() -> None:
    """Let the user talk with the agent, and show what is said and called."""
    client = MultiServerMCPClient({"telefonie": SERVER})
    async with client.session("telefonie", auto_initialize=False) as session:  # one server for all calls
        server = await session.initialize()
        model = init_chat_model(name) if (name := os.environ.get("EXAMPLE_MODEL")) else ScriptedModel()
        agent = create_agent(model, await load_mcp_tools(session), system_prompt=server.instructions)
        messages: list[AnyMessage] = []
        for words in USER:
            seen = len(messages)
            messages = (await agent.ainvoke({"messages": [*messages, HumanMessage(words)]}))["messages"]
            for message in messages[seen:]:
                show(message)


def show(message: BaseMessage) -> None:
    """Print one message."""
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            print(f"  calls {call['name']} {json.dumps(call['args'])}")
    if message.text:
        print({"human": "user:", "ai": "agent:"}.get(message.type, "  gets"), message.text[:200])


class ScriptedModel(BaseChatModel):
    """A chat model that follows the script below."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, *_: Any, **__: Any) -> "ScriptedModel":
        """Do without the tools' schemas: the script knows them."""
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        last = messages[-1]
        move = MOVES.send(json.loads(last.text) if isinstance(last, ToolMessage) else last.text)
        if isinstance(move, str):
            message = AIMessage(move)
        else:
            tool, arguments = move
            message = AIMessage("", tool_calls=[{"id": str(len(messages)), "name": tool, "args": arguments}])
        return ChatResult(generations=[ChatGeneration(message=message)])


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
