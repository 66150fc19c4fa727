import signal
import threading
from collections.abc import Generator

import anyio
import pytest

from telefonie_mcp.server.signals import ending_on_signal, reloading_on_hangup
from tests.support.wire import SECONDS


@pytest.fixture
def _handlers() -> Generator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_wakes_a_server_in_which_nothing_else_happens(number: signal.Signals) -> None:
    """As when it comes just before the event loop waits; here, a thread that the loop ignores gets it."""
    ended = anyio.Event()
    steps: list[str] = []

    async def drain() -> None:
        await anyio.lowlevel.checkpoint()
        steps.append("drained")

    def signal_itself() -> None:
        signal.pthread_kill(threading.get_ident(), number)

    with anyio.fail_after(SECONDS):
        async with ending_on_signal(drain, ended.set):
            signalling = threading.Timer(0.2, signal_itself)  # when the loop waits
            signalling.start()
            await ended.wait()
            signalling.join()
    assert steps == ["drained"]
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.raise_signal(each)  # which cannot disturb a process that is ending
    assert steps == ["drained"]


async def test_without_a_signal_everything_is_as_it_was() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with ending_on_signal(anyio.lowlevel.checkpoint, lambda: None):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] != before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_each_hangup_reloads_and_the_process_goes_on() -> None:
    before = signal.getsignal(signal.SIGHUP)
    reloads: list[str] = []
    reloaded = anyio.Event()

    async def reload() -> None:
        await anyio.lowlevel.checkpoint()
        reloads.append("reloaded")
        reloaded.set()

    with anyio.fail_after(SECONDS):
        async with reloading_on_hangup(reload):
            for count in (1, 2):
                reloaded = anyio.Event()
                signal.raise_signal(signal.SIGHUP)
                await reloaded.wait()
                assert len(reloads) == count
    assert signal.getsignal(signal.SIGHUP) is before
