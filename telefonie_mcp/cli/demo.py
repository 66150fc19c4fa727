"""``telefonie-mcp demo``: searches, buys, configures and releases a number with an MCP client over stdio.

The server is a process of its own on an in-memory sandbox, so nothing is left behind. All values shown come
from the server's responses.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

import click
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent

from telefonie_mcp.cli.terminal import columns_of, is_terminal, paragraph, say
from telefonie_mcp.errors import TelefonieError

__all__ = ["SERVER", "play"]

SERVER: Final = StdioServerParameters(
    command=sys.executable,
    args=["-m", "telefonie_mcp", "--sandbox", "--sandbox-db", ":memory:", "--log-level", "error"],
)


class _Presenter:
    """Calls tools, and prints the calls and their results."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._step = 0

    async def call(self, why: str, tool: str, *, refused: bool = False, **arguments: Any) -> dict[str, Any]:
        """Make one call and return its structured content, or the preview that was expected (``refused``).

        Raises:
            TelefonieError: the call failed unexpectedly, or succeeded although a preview was expected.

        """
        self._step += 1
        click.echo()
        say(f"{self._step}. {why}", bold=True)
        words = ", ".join(f"{name}={json.dumps(value)}" for name, value in arguments.items())
        _show(f"{tool}({words})", fg="cyan")
        result = await self._client.call_tool(tool, arguments)
        text = next(part.text for part in result.content if isinstance(part, TextContent))
        if bool(result.is_error) is not refused:
            raise TelefonieError(f"the demo's step {self._step} did not go as it should: {text}")
        if not refused:
            return result.structured_content or {}
        answer: dict[str, Any] = json.loads(text)
        if "next_call" not in answer:
            raise TelefonieError(f"the demo's step {self._step} did not go as it should: {text}")
        _show(f"refused: {answer['message']}", fg="yellow")
        return answer

    async def confirm(self, why: str, refused: dict[str, Any]) -> dict[str, Any]:
        """Make the call that a preview returned as ``next_call``."""
        return await self.call(why, refused["next_call"]["name"], **refused["next_call"]["arguments"])

    def show(self, text: str) -> None:
        """Print one line about a result."""
        _show(text, fg="green")


def _show(text: str, **style: Any) -> None:
    """Print a line that belongs to a step; on a terminal, as many as it needs."""
    if is_terminal(sys.stdout):
        for line in paragraph(text, columns_of(sys.stdout), "   ", "     "):
            click.secho(line, **style)
    else:
        click.echo(f"   {text}")


async def play(server: StdioServerParameters = SERVER) -> None:
    """Search, preview, buy, configure, list and release one number, and print every step.

    Args:
        server: The command that starts the server.

    Raises:
        TelefonieError: a step failed.

    """
    failure: TelefonieError | None = None
    async with Client(stdio_client(server)) as client:
        title = client.server_info.title if client.server_info else None
        tools = (await client.list_tools()).tools
        say(f"{title}, protocol {client.protocol_version}, {len(tools)} tools", bold=True)
        try:
            await _number_lifecycle(_Presenter(client))
        except TelefonieError as error:  # raised inside the block, it would be wrapped in an exception group
            failure = error
    if failure:
        raise failure
    click.echo()
    say("A number was bought, configured and released, in the sandbox. Nothing is left of it.", bold=True)


async def _number_lifecycle(presenter: _Presenter) -> None:
    wanted: dict[str, Any] = {"country_code": "US", "area_code": "415", "limit": 3}
    found = await presenter.call("Look for a number in San Francisco.", "search_available_numbers", **wanted)
    for offer in found["available_numbers"]:
        presenter.show(f"{offer['phone_number']}  {offer['type']}  {offer['monthly_rate']} per month")
    number = found["available_numbers"][0]["phone_number"]

    asked: dict[str, Any] = {"phone_number": number, "confirm": False}
    preview = await presenter.call("Try to buy it without a yes.", "purchase_number", refused=True, **asked)
    facts = preview["preview"]
    able = facts["current"]["capabilities"]
    presenter.show(f"it would cost {facts['monthly_rate']} per month and can do {able}")

    bought = await presenter.confirm("Buy it: exactly the call that the preview names.", preview)
    presenter.show(f"bought {bought['phone_number']} at {bought['monthly_rate']} per month")

    routing = {"voice_url": "https://example.com/voice", "sms_url": "https://example.com/sms"}
    named: dict[str, Any] = {"phone_number": number, "friendly_name": "Front desk", **routing}
    updated = await presenter.call("Route its calls and SMS.", "update_owned_number", **named)
    presenter.show(
        f"{updated['friendly_name']}: calls to {updated['voice_url']}, SMS to {updated['sms_url']}"
    )
    presenter.show(f"replaced: {_joined(updated['replaced'])}")

    owned = await presenter.call("List the account.", "list_owned_numbers")
    presenter.show(f"{owned['total']} number: {owned['numbers'][0]['phone_number']}")

    preview = await presenter.call(
        "Try to release it without a yes.", "release_number", refused=True, **asked
    )
    presenter.show(f"would be lost: {_joined(preview['preview']['would_be_lost'])}")

    released = await presenter.confirm("Release it.", preview)
    presenter.show(f"{released['message']}: {released['phone_number']}")

    owned = await presenter.call("List the account again.", "list_owned_numbers")
    presenter.show(f"{owned['total']} numbers")


def _joined(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value or '(none)'}" for name, value in values.items())
