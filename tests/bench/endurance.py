"""What many calls and many idle sessions leave behind: the soak in small, and sessions that nobody closes."""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.bench.contestants import CALL, FASTMCP, OURS, Contestant
from tests.bench.idle import LeftSessions, left_sessions
from tests.bench.rounds import Measure, Sample
from tests.bench.sessions import Http, free_port, listening, resident_megabytes, started
from tests.bench.targets import AT_FIRST, AT_THE_END, TRANSPORTS
from tests.soak.calls import AFTER, BEFORE, P99, under_calls
from tests.soak.servers import Opened, http, stdio

__all__ = ["measures"]

SESSIONS: Final = 500

_SERVERS: Final[Mapping[str, Callable[[Path], AbstractContextManager[Opened]]]] = {
    "stdio": stdio,
    "http": http,
}
_COUNTED: Final = (
    ("soak-latency", P99, "the slowest call of a hundred", "ms"),
    ("soak-memory", "MiB", "memory", "MB"),
    ("soak-open", "descriptors", "open files", "files"),
    ("soak-threads", "threads", "threads", "threads"),
    ("soak-tasks", "tasks", "asyncio tasks", "tasks"),
)


def measures(everybody: Mapping[str, Contestant], *, calls: int) -> list[Measure]:
    """Return what can be measured after so many ``calls``, and of idle sessions of 2025-11-25."""
    found: list[Measure] = []
    for transport in TRANSPORTS:
        soak = _Soak(transport, calls)
        for name, counted, what, unit in _COUNTED:
            title = f"{calls:,} calls of all kinds, {transport}: {what}"
            opened = {when: partial(nullcontext, partial(soak.count, counted, when)) for when in _MOMENTS}
            contestants: dict[str, Any] = opened
            found.append(Measure(f"{name}-{transport}", title, unit, AT_FIRST, contestants, most_rounds=1))
    servers = [everybody[name] for name in (CALL, OURS, FASTMCP) if name in everybody]
    return [
        *found,
        Measure(
            "sessions",
            f"memory of one of {SESSIONS} idle sessions, HTTP, 2025-11-25",
            "kB",
            CALL,
            {each.name: partial(_idle_sessions, each) for each in servers},
            most_rounds=1,
        ),
        Measure(
            "sessions-left",
            f"{SESSIONS} idle sessions, HTTP, 2025-11-25: asyncio tasks after their idle time",
            "tasks",
            AT_FIRST,
            {
                AT_FIRST: partial(nullcontext, lambda: _left().before),
                AT_THE_END: partial(nullcontext, lambda: _left().after),
            },
            most_rounds=1,
        ),
    ]


@cache
def _left() -> LeftSessions:
    with TemporaryDirectory() as home:
        left = left_sessions(Path(home), SESSIONS)
    assert left.open >= left.before + SESSIONS
    return left


_MOMENTS: Final = {AT_FIRST: BEFORE, AT_THE_END: AFTER}


class _Soak:
    """Many calls over one transport, made when the first figure of them is wanted."""

    def __init__(self, transport: str, calls: int) -> None:
        self._transport = transport
        self._calls = calls

    @cached_property
    def _counts(self) -> Mapping[str, float]:
        with TemporaryDirectory() as home:
            figures = under_calls(self._transport, _SERVERS[self._transport](Path(home)), self._calls)
        assert not figures.faults["wrong answers"], figures
        return figures.counts

    def count(self, what: str, when: str) -> float:
        """Return a figure at a moment."""
        return self._counts[f"{what}{_MOMENTS[when]}"]


@contextmanager
def _idle_sessions(contestant: Contestant) -> Generator[Sample]:
    def sample() -> float:
        port = free_port()
        with started(contestant.on(port), contestant.variables) as process:
            listening(port, process)
            _opened(port, 10)  # what the first session loads stays
            before = resident_megabytes(process.pid)
            _opened(port, SESSIONS)
            return (resident_megabytes(process.pid) - before) * 1024 / SESSIONS

    yield sample


def _opened(port: int, count: int) -> None:
    for _ in range(count):
        session = Http(port, "legacy")
        session.open()
        session.renew()
