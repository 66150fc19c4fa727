"""What open subscriptions of 2026-07-28 take, and that nothing of them is left when they close."""

import resource
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.bench.contestants import CALL, OURS, Contestant
from tests.bench.replicas import Database, Hosted, replicas
from tests.bench.rounds import Measure
from tests.bench.sessions import Http, free_port, listening, resident_megabytes, started
from tests.bench.targets import AT_FIRST, AT_THE_END
from tests.soak.servers import COUNTED, Counted

__all__ = ["measures"]

SUBSCRIPTIONS: Final = 2000

_PEOPLE: Final = 8
"""Callers among whom they are: one may not hold all connections."""

_FIRST: Final = 2_000_000
_SECONDS: Final = 120
_GONE: Final = ("descriptors", "tasks")
_LEFT: Final = (
    ("open", "descriptors", "open files", "files"),
    ("tasks", "tasks", "asyncio tasks", "tasks"),
    ("memory", "MiB", "memory, beside the first time", "MB"),
)


def measures(everybody: Mapping[str, Contestant], database: Database) -> list[Measure]:
    """Return what can be measured of subscriptions to one replica."""
    ours, floor = _Ours(everybody[OURS], database), everybody[CALL]
    what = f"{SUBSCRIPTIONS:,} subscriptions"

    def left(name: str, counted: str, title: str, unit: str) -> Measure:
        moments: dict[str, Any] = {
            when: partial(nullcontext, partial(ours.left, counted, when)) for when in (AT_FIRST, AT_THE_END)
        }
        return Measure(
            f"subscriptions-{name}",
            f"{what} opened and closed, HTTP, 2026-07-28: {title}",
            unit,
            AT_FIRST,
            moments,
            most_rounds=1,
        )

    return [
        Measure(
            "subscriptions",
            f"memory of one of {what}, HTTP, 2026-07-28",
            "kB",
            CALL,
            {
                CALL: partial(nullcontext, partial(_of_floor, floor)),
                OURS: partial(nullcontext, lambda: ours.kilobytes),
            },
            most_rounds=1,
        ),
        *(left(*each) for each in _LEFT),
    ]


def _of_floor(floor: Contestant) -> float:
    _allow_files()
    port = free_port()
    with started(floor.on(port), floor.variables) as process:
        listening(port, process)
        return _kilobytes(process.pid, [Http(port, "modern") for _ in range(SUBSCRIPTIONS)])


def _kilobytes(process: int, sessions: list[Http]) -> float:
    """Open a subscription in each of ``sessions``; return what one of them takes."""
    warm, *others = sessions
    _listen(warm, 0)
    before = resident_megabytes(process)
    for number, session in enumerate(others):
        _listen(session, number)
    return (resident_megabytes(process) - before) * 1024 / len(others)


def _listen(session: Http, number: int) -> None:
    uris = ["telefonie://log", f"telefonie://numbers/+1415{_FIRST + number}"]
    session.listen({"resourceSubscriptions": uris})


def _allow_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 5 * SUBSCRIPTIONS), hard))


@dataclass(frozen=True)
class _Found:
    """What was found of a server: what a subscription takes, and what it had before and afterwards."""

    kilobytes: float
    before: Mapping[str, float]
    after: Mapping[str, float]


class _Ours:
    """A hosted server to which subscriptions are opened and closed, twice, when a figure of it is wanted."""

    def __init__(self, ours: Contestant, database: Database) -> None:
        self._ours = ours
        self._database = database

    @cached_property
    def _found(self) -> "_Found":
        _allow_files()
        with TemporaryDirectory() as home:
            counts = Path(home) / "tasks"
            server = replace(self._ours, command=COUNTED).with_variables(COUNTED=str(counts))
            with replicas(server, self._database.url, 1) as hosted:
                counted = Counted(hosted.processes[0], counts)
                before = counted.resources()
                kilobytes, first = _opened_and_closed(hosted, counted, before)
                _, second = _opened_and_closed(hosted, counted, before)
        return _Found(kilobytes, {**before, "MiB": first["MiB"]}, second)

    @property
    def kilobytes(self) -> float:
        """What a subscription takes."""
        return self._found.kilobytes

    def left(self, what: str, when: str) -> float:
        """Return what the server has before subscriptions, or when they are closed."""
        return (self._found.before if when == AT_FIRST else self._found.after)[what]


def _opened_and_closed(
    hosted: Hosted, counted: Counted, before: Mapping[str, float]
) -> tuple[float, Mapping[str, float]]:
    """Return the memory of one of many subscriptions, and what the server has when all are closed."""
    sessions = [hosted.session(sub=f"person-{number % _PEOPLE}") for number in range(SUBSCRIPTIONS)]
    kilobytes = _kilobytes(counted.process, sessions)
    assert counted.resources()["descriptors"] >= SUBSCRIPTIONS
    for session in sessions:
        session.renew()
    deadline = time.monotonic() + _SECONDS
    found = counted.resources()
    while any(found[each] > before[each] for each in _GONE) and time.monotonic() < deadline:
        found = counted.resources()
    return kilobytes, found
