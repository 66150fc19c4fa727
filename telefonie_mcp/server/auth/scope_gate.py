"""Refuses a request whose token does not allow it (403), and says which scopes it needs.

What a request asks for is read from its body in both protocol eras. The headers ``Mcp-Method`` and
``Mcp-Name`` decide nothing: a client of 2025 could forge them. The same rule holds again inside the call
(:mod:`telefonie_mcp.calls.pipeline`), for what this gate could read differently than the SDK does.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telefonie_mcp.server.auth.challenges import Challenges
from telefonie_mcp.server.auth.principal import Principal
from telefonie_mcp.tools.catalog import Catalog
from telefonie_mcp.tools.scopes import READ, allows, named, needed

__all__ = ["ScopeGate", "needs"]


def needs(body: bytes, catalog: Catalog) -> list[str]:
    """Return the scopes that a request's body needs; what cannot be read does nothing, and needs to read."""
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        return [READ]
    messages = cast("list[Any]", message) if isinstance(message, list) else [message]
    return [*dict.fromkeys([READ, *_calls(messages, catalog)])]


def _calls(messages: list[Any], catalog: Catalog) -> Iterator[str]:
    for message in messages:
        match message:
            case {"method": "tools/call", "params": {"name": str(name), **given}}:
                arguments: Any = given.get("arguments")
                if tool := catalog.everything.get(name):
                    yield needed(
                        tool, cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {}
                    )
            case _:
                pass


class ScopeGate:
    """ASGI middleware behind the gate that knows the principal, and behind one that bounds bodies.

    Args:
        app: The application.
        catalog: Returns the tools.
        challenges: The answers of the resource.
        most: Bytes of a body that are read; a larger one is left to the application, which refuses it.

    """

    def __init__(
        self, app: ASGIApp, catalog: Callable[[], Catalog], challenges: Challenges, most: int
    ) -> None:
        self._app = app
        self._catalog = catalog
        self._challenges = challenges
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http" or not scope["path"].startswith("/mcp"):
            await self._app(scope, receive, send)
            return
        principal = Principal.in_scope(scope)
        if principal is None:  # nobody comes here past the other gate
            await self._challenges.unauthenticated(READ)(scope, receive, send)
            return
        messages: deque[Message] = deque()
        body = b""
        if scope["method"] == "POST":
            body = await self._read(receive, messages)
        missing = [each for each in needs(body, self._catalog()) if not allows(principal.scopes, each)]
        if missing:
            every = dict.fromkeys(part for each in missing for part in named(each))
            await self._challenges.insufficient_scope([*every])(scope, receive, send)
            return

        async def replay() -> Message:
            return messages.popleft() if messages else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive, messages: deque[Message]) -> bytes:
        """Return the body, and keep the messages that bring it."""
        body = bytearray()
        while len(body) <= self._most:
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        return bytes(body)
