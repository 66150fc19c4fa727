"""Sessions of 2025-11-25 that their clients open and leave, on a server whose clock moves ahead."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp.server.streamable_http_manager import DEFAULT_SESSION_IDLE_TIMEOUT

from tests.bench.later import Elsewhere, elsewhere
from tests.bench.sessions import Http
from tests.support.wire import SECONDS, serving_http

__all__ = ["LeftSessions", "left_sessions"]

_PAUSE: Final = 0.01
_LOOKS: Final = 5


@dataclass(frozen=True)
class LeftSessions:
    """How many asyncio tasks a server had, before sessions, with them, and after their idle time.

    Attributes:
        known: Whether it still knew a session then.

    """

    before: int
    open: int
    after: int
    known: bool


def left_sessions(home: Path, count: int) -> LeftSessions:
    """Open so many sessions, leave them, and let the time pass after which the SDK ends idle ones."""
    with elsewhere() as server, server.portal.wrap_async_context_manager(serving_http(home)) as url:
        port = int(url.split(":")[2].partition("/")[0])
        sessions = [Http(port, "legacy") for _ in range(count)]
        first = Http(port, "legacy")
        first.open()
        first.close()  # what the first of all needs stays
        before = min(_look(server) for _ in range(_LOOKS))
        for session in sessions:
            session.open()
            session.renew()
        opened = server.tasks()
        server.pass_seconds(DEFAULT_SESSION_IDLE_TIMEOUT + 1)
        after = _settled(server, before)
        known = sessions[0].known()
        sessions[0].renew()
        return LeftSessions(before, opened, after, known)


def _settled(server: Elsewhere, most: int) -> int:
    """Return how many tasks the server has when it has no more than so many, or after a long time."""
    deadline = time.monotonic() + SECONDS
    while (tasks := _look(server)) > most and time.monotonic() < deadline:
        pass
    return tasks


def _look(server: Elsewhere) -> int:
    time.sleep(_PAUSE)
    return server.tasks()
