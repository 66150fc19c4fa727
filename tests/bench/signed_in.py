"""What a hosted server costs beside the same without authorization, in processor time of its own process."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Final

from anyio.from_thread import start_blocking_portal

from tests.bench.contestants import OURS, Contestant
from tests.bench.rounds import Measure, Sample
from tests.bench.sessions import VERSIONS, Era, Http, free_port, listening, processor_seconds, started
from tests.bench.targets import SIGNED_IN
from tests.support.issuer import issuing

__all__ = ["measures"]

_CALLS: Final = 10
"""How many times as many calls a sample has: the system counts processor time in hundredths of a second."""

_ARGUMENTS: Final = {"country_code": "US", "limit": 1}


def measures(ours: Contestant, *, calls: int) -> list[Measure]:
    """Return what can be measured of a server that needs a token."""
    return [
        Measure(
            f"signed-in-{era}",
            f"processor time of a read call, HTTP, {VERSIONS[era]}",
            "ms",
            OURS,
            {
                OURS: partial(_open_to_all, ours, era, calls * _CALLS),
                SIGNED_IN: partial(_signed_in, ours, era, calls * _CALLS),
            },
        )
        for era in ours.eras
    ]


@contextmanager
def _open_to_all(ours: Contestant, era: Era, calls: int) -> Generator[Sample]:
    with _reading(ours, free_port(), era, calls, "") as sample:
        yield sample


@contextmanager
def _signed_in(ours: Contestant, era: Era, calls: int) -> Generator[Sample]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(issuing()) as issuer:
        hosted = ours.with_variables(TELEFONIE_PUBLIC_URL=url, TELEFONIE_ISSUER=issuer.url)
        token = issuer.token(url, exp=2**33)
        with _reading(hosted, port, era, calls, token) as sample:
            yield sample


@contextmanager
def _reading(ours: Contestant, port: int, era: Era, calls: int, token: str) -> Generator[Sample]:
    with started(ours.on(port), ours.variables) as process:
        listening(port, process)
        session = Http(port, era, token)
        session.open()

        def sample() -> float:
            session.renew()
            before = processor_seconds(process.pid)
            for _ in range(calls):
                session.ask("tools/call", name=ours.tool, arguments=_ARGUMENTS)
            return (processor_seconds(process.pid) - before) * 1000 / calls

        yield sample
