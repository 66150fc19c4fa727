"""The servers of the soak, as real processes: what they hold, and what calls their tools."""

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from telefonie_mcp.sandbox.service import Service
from telefonie_mcp.sandbox.store import Store
from tests.bench.load import answers
from tests.bench.sessions import ERAS, Era, Http, Stdio, listening, resident_megabytes, started
from tests.support.ports import reserved_port

__all__ = ["COUNTED", "Counted", "Opened", "http", "stdio"]

COUNTED: Final = (sys.executable, "-m", "tests.soak.counted")
"""Starts a server whose tasks can be counted."""

_FORTUNE: Final = Decimal(1_000_000)
"""USD on the sandbox's account: each life of a number costs its first month."""

_AT_ONCE: Final = 2
"""Calls that are made at the same time, at first. Its pool then has as many threads as two calls need: one is
taken while the thread of the call before is on its way back."""

_LOOKS: Final = 20
_PAUSE: Final = 0.01
"""Seconds between two looks: what the last answer needed may be about to end."""

_SECONDS: Final = 300
_READ: Final[dict[str, Any]] = {
    "name": "search_available_numbers",
    "arguments": {"country_code": "US", "limit": 1},
}

Exchange = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Calls a tool, and returns what the answer's result says, be it an error."""


@dataclass(frozen=True)
class Counted:
    """A process whose resources are counted."""

    process: int
    file: Path

    def resources(self) -> dict[str, float]:
        """Return its memory, open files and tasks."""
        looks = [(self._tasks(), self._held("fd")) for _ in range(_LOOKS)]
        tasks, descriptors = map(min, zip(*looks, strict=True))
        return {
            "MiB": round(resident_megabytes(self.process), 1),
            "descriptors": descriptors,
            "tasks": tasks,
        }

    def threads(self) -> int:
        """Return the number of its threads now."""
        return self._held("task")

    def _held(self, what: str) -> int:
        return len([*Path(f"/proc/{self.process}/{what}").iterdir()])

    def _tasks(self) -> int:
        time.sleep(_PAUSE)
        self.file.unlink(missing_ok=True)
        os.kill(self.process, signal.SIGUSR1)
        deadline = time.monotonic() + _SECONDS
        while not self.file.exists():
            assert time.monotonic() < deadline, "the server does not count its tasks"
            time.sleep(_PAUSE)
        return int(self.file.read_text())


@dataclass(frozen=True)
class Opened:
    """A server, and what calls its tools."""

    counted: Counted
    call: Exchange
    renew: Callable[[], None] = field(default=lambda: None)
    """End a client's session and begin another."""
    rest: Callable[[], None] = field(default=lambda: None)
    """Close the clients' connections until the next call: the server would, if a look takes its seconds."""


def _variables(home: Path) -> dict[str, str]:
    """Return the settings of a server whose sandbox has money for every life."""
    store = Store(database := home / "sandbox.sqlite3")
    Service(store, clock=lambda: datetime.now(UTC), balance=_FORTUNE).embedded()
    store.close()
    return {
        "COUNTED": str(home / "tasks"),
        "HOME": str(home),
        "TELEFONIE_MAX_CALLS_PER_MINUTE": "1000000000",
        "TELEFONIE_SANDBOX_DB": str(database),
        "TELEFONIE_STATE_DIR": str(home),
    }


@contextmanager
def stdio(home: Path) -> Generator[Opened]:
    """Start a server over stdio, with a client of 2025."""
    with started(COUNTED, _variables(home)) as process:
        session = Stdio(process, "legacy")
        session.open()
        session.ask_at_once("tools/call", [_READ] * _AT_ONCE)

        def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            return session.exchange("tools/call", name=tool, arguments=arguments)["result"]

        yield Opened(Counted(process.pid, home / "tasks"), call)


@contextmanager
def http(home: Path) -> Generator[Opened]:
    """Start a server over HTTP, whose calls come in turn from a client of 2025 and one of 2026."""
    with (
        reserved_port() as port,
        started((*COUNTED, "--http", f"127.0.0.1:{port}"), _variables(home)) as process,
    ):
        listening(port, process)
        sessions = {era: _opened(port, era) for era in ERAS}
        crowd = [_opened(port, era) for era in islice(_turns(), _AT_ONCE)]
        answers(port, [[each.prepared("tools/call", **_READ)] for each in crowd])
        for each in crowd:
            each.close()
        turns = _turns()

        def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            return sessions[next(turns)].exchange("tools/call", name=tool, arguments=arguments)["result"]

        def rest() -> None:
            for session in sessions.values():
                session.renew()

        def renew() -> None:
            sessions["legacy"].close()
            sessions["legacy"] = _opened(port, "legacy")

        yield Opened(Counted(process.pid, home / "tasks"), call, renew, rest)


def _turns() -> Iterator[Era]:
    return cycle(ERAS)


def _opened(port: int, era: Era) -> Http:
    session = Http(port, era)
    session.open()
    return session
