"""What is measured, from the outside: processes, requests, bytes.

Every function yields a :data:`~tests.bench.rounds.Sample` for one contestant.
"""

import json
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from itertools import count
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.request import urlopen

from tests.bench.contestants import CALL, ECHO, FASTMCP, JSON, OURS, Contestant
from tests.bench.load import calls_per_second
from tests.bench.rounds import Measure, Sample
from tests.bench.sessions import (
    ERAS,
    VERSIONS,
    Era,
    Http,
    Stdio,
    free_port,
    listening,
    peak_megabytes,
    started,
)
from tests.bench.targets import PREVIEWED

__all__ = ["measures"]

CONCURRENT: Final = 32
ARGUMENTS: Final = {"country_code": "US"}
BOUGHT: Final = {"phone_number": "+14155550100"}
_TURNS: Final = 6
"""Turns of a round in which calls come one by one: a sample is ten calls."""

_SANDBOX: Final = f"{OURS}, sandbox used"


def measures(everybody: dict[str, Contestant], *, calls: int) -> list[Measure]:
    """Return what can be measured of ``everybody``, with so many ``calls`` in each sample."""
    ours = everybody[OURS]
    few = max(calls // _TURNS, 1)

    def of(sample: Any, floor: str, era: Era, *, http: bool = False, without: str) -> dict[str, Any]:
        return {
            each.name: partial(sample, each, era)
            for each in everybody.values()
            if era in each.eras
            and each.name != without
            and (each.port_option if http else each.name != JSON)
            and (each.name == floor or each.name not in {ECHO, CALL})
        }

    found: list[Measure] = []
    for era in ERAS:
        version = VERSIONS[era]
        found += [
            Measure(
                f"cold-list-{era}",
                f"process start → first tools/list answered, stdio, {version}",
                "ms",
                ECHO,
                of(_cold_list, ECHO, era, without=CALL),
            ),
            Measure(
                f"cold-call-{era}",
                f"process start → first tools/call answered, stdio, {version}",
                "ms",
                CALL,
                of(_cold_call, CALL, era, without=ECHO),
            ),
            Measure(
                f"read-stdio-{era}",
                f"a read call, stdio, {version}",
                "ms",
                CALL,
                of(partial(_read_stdio, calls=few), CALL, era, without=ECHO),
                turns=_TURNS,
            ),
            Measure(
                f"read-http-{era}",
                f"a read call, HTTP, {version}",
                "ms",
                CALL,
                of(partial(_read_http, calls=few), CALL, era, http=True, without=ECHO),
                turns=_TURNS,
            ),
            Measure(
                f"throughput-http-{era}",
                f"{CONCURRENT} concurrent read calls, HTTP, {version}",
                "calls/s",
                CALL,
                of(partial(_throughput, calls=calls), CALL, era, http=True, without=ECHO),
            ),
        ]
    found += [
        Measure(
            "cold-uncached",
            "process start → first tools/list answered, stdio, no bytecode cached",
            "ms",
            ECHO,
            {
                each.name: partial(_cold_uncached, each)
                for each in everybody.values()
                if each.name in {ECHO, OURS, FASTMCP}
            },
            most_rounds=3,
        ),
        Measure(
            "purchase",
            "a purchase, its ledger on disk, beside a read call",
            "ms",
            OURS,
            {
                OURS: partial(_read_stdio, ours, "modern", calls=few),
                "purchase": partial(_purchase, ours, calls=few),
                "purchase, its ledger in memory": partial(
                    _purchase, ours.with_variables(TELEFONIE_LEDGER=":memory:"), calls=few
                ),
                "two commits of SQLite alone": partial(_commits, calls=few),
            },
            turns=_TURNS,
        ),
        Measure(
            "requests",
            "requests of a purchase through its preview",
            "requests",
            "a read call",
            {
                "a read call": partial(_requests, ours, "search_available_numbers", ARGUMENTS),
                "a purchase": partial(_requests, ours, "purchase_number", {**BOUGHT, "confirm": True}),
                PREVIEWED: partial(_requests, ours, "purchase_number", {**BOUGHT, "confirm": False}),
            },
            most_rounds=1,
        ),
        Measure(
            "memory",
            "peak memory, stdio, after tools/list",
            "MB",
            ECHO,
            {
                **of(_memory, ECHO, "legacy", without=CALL),
                _SANDBOX: partial(_memory_of_sandbox, ours),
            },
            most_rounds=3,
        ),
        Measure(
            "tokens",
            "tools/list of the six operations, bytes / 4",
            "tokens",
            ECHO,
            {
                **of(_tokens, ECHO, "legacy", without=CALL),
                OURS: partial(_tokens, ours.with_variables(TELEFONIE_TOOLSETS="numbers"), "legacy"),
            },
            most_rounds=1,
        ),
    ]
    return found


@contextmanager
def _stdio(contestant: Contestant, era: Era) -> Generator[Stdio]:
    with started(contestant.command, contestant.variables) as process:
        session = Stdio(process, era)
        session.open()
        yield session


@contextmanager
def _serving(contestant: Contestant) -> Generator[int]:
    port = free_port()
    with started(contestant.on(port), contestant.variables) as process:
        listening(port, process)
        yield port


def _cold(contestant: Contestant, era: Era, method: str, **params: Any) -> float:
    began = time.perf_counter()
    with _stdio(contestant, era) as session:
        session.ask(method, **params)
        return (time.perf_counter() - began) * 1000


def _cold_list(contestant: Contestant, era: Era) -> Any:
    return nullcontext(partial(_cold, contestant, era, "tools/list"))


def _cold_call(contestant: Contestant, era: Era) -> Any:
    call = partial(_cold, contestant, era, "tools/call")
    return nullcontext(partial(call, name=contestant.tool, arguments=ARGUMENTS))


def _cold_uncached(contestant: Contestant) -> Any:
    def sample() -> float:
        with TemporaryDirectory() as empty:
            return _cold(
                contestant.with_variables(PYTHONPYCACHEPREFIX=empty, PYTHONDONTWRITEBYTECODE="1"),
                "legacy",
                "tools/list",
            )

    return nullcontext(sample)


def _median_of(session: Stdio | Http, contestant: Contestant, calls: int) -> float:
    times: list[float] = []
    for _ in range(calls):
        began = time.perf_counter()
        session.ask("tools/call", name=contestant.tool, arguments=ARGUMENTS)
        times.append(time.perf_counter() - began)
    return median(times) * 1000


@contextmanager
def _read_stdio(contestant: Contestant, era: Era, calls: int) -> Generator[Sample]:
    with _stdio(contestant, era) as session:
        session.ask("tools/list")
        yield partial(_median_of, session, contestant, calls)


@contextmanager
def _read_http(contestant: Contestant, era: Era, calls: int) -> Generator[Sample]:
    with _serving(contestant) as port:
        session = Http(port, era)
        session.open()

        def sample() -> float:
            session.renew()
            return _median_of(session, contestant, calls)

        yield sample


@contextmanager
def _throughput(contestant: Contestant, era: Era, calls: int) -> Generator[Sample]:
    with _serving(contestant) as port:
        sessions = [Http(port, era) for _ in range(CONCURRENT)]
        for session in sessions:
            session.open()
            session.renew()
        messages = [
            session.prepared("tools/call", name=contestant.tool, arguments=ARGUMENTS) for session in sessions
        ]
        yield partial(calls_per_second, port, messages, max(calls // 3, 3))


@contextmanager
def _purchase(contestant: Contestant, calls: int) -> Generator[Sample]:
    numbers = (f"+1415{number:07}" for number in count(5550000))
    with _stdio(contestant, "modern") as session:

        def sample() -> float:
            times: list[float] = []
            for _ in range(calls):
                arguments = {"phone_number": next(numbers), "confirm": True}
                began = time.perf_counter()
                session.ask("tools/call", name="purchase_number", arguments=arguments)
                times.append(time.perf_counter() - began)
            return median(times) * 1000

        yield sample


@contextmanager
def _commits(calls: int) -> Generator[Sample]:
    """Commit as durably as the ledger, before and after a purchase, and do nothing else."""
    with TemporaryDirectory() as directory, closing(sqlite3.connect(f"{directory}/bare.sqlite3")) as database:
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE entries (x)")

        def sample() -> float:
            times: list[float] = []
            for _ in range(calls):
                began = time.perf_counter()
                for _ in range(2):
                    with database:
                        database.execute("INSERT INTO entries VALUES (1)")
                times.append(time.perf_counter() - began)
            return median(times) * 1000

        yield sample


def _requests(ours: Contestant, tool: str, arguments: dict[str, Any]) -> Any:
    """Count the requests of a call, and of the one that its preview hands out; no ledger knows the number."""

    def before() -> int:
        with urlopen(f"{ours.variables['TELEFONIE_BASE_URL']}/requests") as answer:
            return json.load(answer)["requests"]

    def sample() -> float:
        with _stdio(ours.with_variables(TELEFONIE_LEDGER=":memory:"), "modern") as session:
            begun = before()
            call: dict[str, Any] | None = {"name": tool, "arguments": arguments}
            while call:
                result = session.exchange("tools/call", **call)["result"]
                told = json.loads(result["content"][0]["text"])
                call = told.get("next_call")
                assert call or not result["isError"], told
            return before() - begun - 1

    return nullcontext(sample)


def _memory(contestant: Contestant, era: Era) -> Any:
    def sample() -> float:
        with _stdio(contestant, era) as session:
            session.ask("tools/list")
            return peak_megabytes(session.process.pid)

    return nullcontext(sample)


def _memory_of_sandbox(ours: Contestant) -> Any:
    def sample() -> float:
        with (
            TemporaryDirectory() as home,
            started(ours.command, {"TELEFONIE_SANDBOX_DB": f"{home}/sandbox.sqlite3"}) as process,
        ):
            session = Stdio(process, "legacy")
            session.open()
            session.ask("tools/list")
            session.ask("tools/call", name=ours.tool, arguments=ARGUMENTS)
            session.ask("tools/call", name="list_owned_numbers", arguments={})
            return peak_megabytes(process.pid)

    return nullcontext(sample)


def _tokens(contestant: Contestant, era: Era) -> Any:
    def sample() -> float:
        with _stdio(contestant, era) as session:
            tools = session.ask("tools/list")["tools"]
        return len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode()) / 4

    return nullcontext(sample)
