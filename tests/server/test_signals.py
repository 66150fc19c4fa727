import signal
import threading

import anyio
import pytest

from telefonie_mcp.server.signals import ending_on_signal
from tests.support.wire import SECONDS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_wakes_a_server_in_which_nothing_else_happens(number: signal.Signals) -> None:
    """As when it comes just before the event loop waits; here, a thread that the loop ignores gets it."""
    before = signal.getsignal(number)
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
    assert signal.getsignal(number) is before
