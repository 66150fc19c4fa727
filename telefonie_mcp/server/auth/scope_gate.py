"""Refuses a request whose token does not allow it (403), and says which scopes it needs.

What a request asks for is read from its body in both protocol eras. The headers ``Mcp-Method`` and
``Mcp-Name`` decide nothing: a client of 2025 could forge them. The same rule holds again inside the call
(:mod:`telefonie_mcp.calls.pipeline`), for what this gate could read differently than the SDK does.

An event stream without an end of its own is ended when its token expires; the client comes again with
another one.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telefonie_mcp.resources.exposed import readable_resources
from telefonie_mcp.server.auth.challenges import Challenges
from telefonie_mcp.server.auth.principal import Principal
from telefonie_mcp.server.limits import BODY
from telefonie_mcp.tools.catalog import Catalog
from telefonie_mcp.tools.scopes import READ, allows, named, needed, scope_of

__all__ = ["ScopeGate", "messages_in", "needs"]

_LISTEN: Final = "subscriptions/listen"


def messages_in(body: bytes) -> list[Any]:
    """Return the messages of a body; what cannot be read does nothing, and is none."""
    try:
        found: Any = json.loads(body) if body else []
    except (ValueError, RecursionError):
        return []
    return cast("list[Any]", found) if isinstance(found, list) else [found]


def needs(messages: Sequence[Any], catalog: Catalog) -> list[str]:
    """Return the scopes that messages need: to read, and more for calls that write."""
    return [*dict.fromkeys([READ, *_needs(messages, catalog)])]


def _needs(messages: Sequence[Any], catalog: Catalog) -> Iterator[str]:
    for message in messages:
        match message:
            case {"method": "tools/call", "params": {"name": str(name), **given}}:
                arguments: Any = given.get("arguments")
                known = cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {}
                if tool := catalog.everything.get(name):
                    yield needed(tool, known)
            case {"method": "resources/read" | "resources/subscribe", "params": {"uri": str(uri)}}:
                yield from _needs_of_resource(uri, catalog)
            case _:
                pass


def _listens(messages: Sequence[Any]) -> bool:
    """Return whether a message asks for an event stream without an end."""
    return any(
        cast("dict[str, Any]", each).get("method") == _LISTEN for each in messages if isinstance(each, dict)
    )


def _needs_of_resource(uri: str, catalog: Catalog) -> Iterator[str]:
    """Yield the scopes of the reads that a resource is made of."""
    for each in readable_resources(catalog):
        if each.uri.match(uri) is not None:
            yield from (scope_of(part.tool) for part in each.parts)


class ScopeGate:
    """ASGI middleware behind the gate that knows the principal, and behind the one that reads bodies.

    Args:
        app: The application.
        catalog: Returns the tools.
        challenges: The answers of the resource.
        clock: Seconds since 1970.

    """

    def __init__(
        self,
        app: ASGIApp,
        catalog: Callable[[], Catalog],
        challenges: Challenges,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._catalog = catalog
        self._challenges = challenges
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http" or not scope["path"].startswith("/mcp"):
            await self._app(scope, receive, send)
            return
        principal = Principal.in_scope(scope)
        if principal is None:  # nobody comes here past the other gate
            await self._challenges.unauthenticated(READ)(scope, receive, send)
            return
        messages = messages_in(scope.pop(BODY)) if scope["method"] == "POST" else []
        missing = [each for each in needs(messages, self._catalog()) if not allows(principal.scopes, each)]
        if missing:
            every = dict.fromkeys(part for each in missing for part in named(each))
            await self._challenges.insufficient_scope([*every])(scope, receive, send)
            return

        endless = scope["method"] == "GET" or _listens(messages)
        del messages, missing  # an event stream would keep them as long as it is open
        expires = scope["user"].access_token.expires_at
        if expires is not None and endless:
            await self._until(expires, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _until(self, expires: float, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a stream until its token expires, as if the client left then, and complete the response."""
        unfinished = False

        async def listen() -> Message:
            with anyio.move_on_after(max(0.0, expires - self._clock())):
                return await receive()
            return {"type": "http.disconnect"}

        async def watch(message: Message) -> None:
            nonlocal unfinished
            await send(message)
            unfinished = message["type"] == "http.response.start" or message.get("more_body", False)

        await self._app(scope, listen, watch)
        if unfinished:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
