"""Sessions of clients of 2025-11-25 and earlier: bounded for each caller, or none at all.

A session stays for half an hour without a request. Somebody who opens one after the other would take the
memory of all: beyond a number, the one that the same caller has not used for the longest time is ended, as if
its client had ended it. A client finds that it is gone (404), and opens another (MCP 2025-11-25, "Session
Management").
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telefonie_mcp.server.auth.principal import Principal
from telefonie_mcp.server.fairness import Held
from telefonie_mcp.server.limits import refused

__all__ = ["NoSessions", "SessionLimit", "Sessions"]

_MOST: Final = 512
"""Sessions of one caller."""

_SECONDS: Final = 1800.0
"""How long the SDK keeps a session that nobody uses."""

_RETRY_SECONDS: Final = 60

_HEADER: Final = "mcp-session-id"
_PATH: Final = "/mcp"


@dataclass(slots=True)
class _Session:
    caller: str
    user: Any
    used: float
    requests: int = 0


class Sessions:
    """The sessions that a server keeps, as its answers tell.

    Args:
        clock: Returns monotonic time in seconds.

    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[str, _Session] = OrderedDict()
        self._held = Held()

    def __len__(self) -> int:
        return len(self._known)

    def __bool__(self) -> bool:
        """Whether a client may come back to its session."""
        self.forget_expired()
        return bool(self._known)

    def held(self, caller: str) -> int:
        """Return how many sessions a caller has."""
        return self._held.by(caller)

    def of(self, name: str, caller: str) -> _Session | None:
        """Return a caller's session, which is the most recently used one now."""
        known = self._known.get(name)
        if known is None or known.caller != caller:
            return None
        known.used = self._clock()
        self._known.move_to_end(name)
        return known

    def add(self, name: str, caller: str, user: Any) -> None:
        """Know of a session that was opened."""
        self.forget_expired()
        self._known[name] = _Session(caller, user, self._clock())
        self._held.take(caller)

    def forget(self, name: str) -> None:
        """Know no more of a session that has ended."""
        if known := self._known.pop(name, None):
            self._held.give_back(known.caller)

    def forget_expired(self) -> None:
        """Know no more of what nobody has used for so long that it is gone."""
        until = self._clock() - _SECONDS
        while self._known:
            name, oldest = next(iter(self._known.items()))
            if oldest.used > until:
                return
            if oldest.requests:
                self.of(name, oldest.caller)
            else:
                self.forget(name)

    def idle(self, caller: str) -> tuple[str, Any] | None:
        """Return the id and user of the caller's session without a request that was not used for longest."""
        return next(
            (
                (name, each.user)
                for name, each in self._known.items()
                if each.caller == caller and not each.requests
            ),
            None,
        )


class SessionLimit:
    """ASGI middleware before an MCP server that bounds the sessions of each caller.

    Args:
        app: The application.
        sessions: What it learns of its sessions.
        most: Sessions of one caller.

    """

    def __init__(self, app: ASGIApp, sessions: Sessions, most: int = _MOST) -> None:
        self._app = app
        self._sessions = sessions
        self._most = most
        self._opening = Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if not _is_legacy(scope):
            await self._app(scope, receive, send)
            return
        principal = Principal.in_scope(scope)
        caller = principal.name if principal else ""
        if given := Headers(scope=scope).get(_HEADER):
            await self._use(given, caller, scope, receive, send)
        elif scope["method"] == "POST":
            await self._open(caller, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _use(self, name: str, caller: str, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            status = message.get("status", 0)
            ended = scope["method"] == "DELETE" and status == HTTPStatus.OK
            if ended or status == HTTPStatus.NOT_FOUND:
                self._sessions.forget(name)
            await send(message)

        session = self._sessions.of(name, caller)
        if session is None:  # which the server may know better
            await self._app(scope, receive, send)
            return
        session.requests += 1
        try:
            await self._app(scope, receive, noting)
        finally:
            session.requests -= 1
            self._sessions.of(name, caller)

    async def _open(self, caller: str, scope: Scope, receive: Receive, send: Send) -> None:
        while self._sessions.held(caller) + self._opening.by(caller) >= self._most:
            if (idle := self._sessions.idle(caller)) is None:
                message = f"Too many sessions are in use; a caller may have {self._most}. End one of them"
                answer = refused(429, message, {"Retry-After": str(_RETRY_SECONDS)})
                await answer(scope, receive, send)
                return
            await self._end(*idle, scope)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < HTTPStatus.BAD_REQUEST:
                made = Headers(raw=message["headers"]).get(_HEADER)
                if made:
                    self._sessions.add(made, caller, scope.get("user"))
            await send(message)

        with self._opening.one_more(caller):
            await self._app(scope, receive, noting)

    async def _end(self, name: str, user: Any, scope: Scope) -> None:
        """End a session as its client would."""
        self._sessions.forget(name)
        headers = [(b"mcp-session-id", name.encode()), (b"mcp-protocol-version", b"2025-11-25")]

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Message) -> None:
            pass

        await self._app({**scope, "method": "DELETE", "headers": headers, "user": user}, receive, send)


class NoSessions:
    """ASGI middleware before an MCP server without sessions: there is no event stream, and nothing to end.

    The SDK would open a stream on which nothing can ever come, and which only holds a connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if _is_legacy(scope) and scope["method"] in {"GET", "DELETE"}:
            await PlainTextResponse("Method Not Allowed", 405, {"Allow": "POST"})(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_legacy(scope: Scope) -> bool:
    """Return whether the SDK takes a request for one of 2025-11-25 or earlier."""
    if scope["type"] != "http" or scope["path"] != _PATH:
        return False
    return Headers(scope=scope).get("mcp-protocol-version") in {None, *HANDSHAKE_PROTOCOL_VERSIONS}
