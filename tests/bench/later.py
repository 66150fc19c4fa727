"""An event loop on which an hour passes at once, so that what ends after a while need not be waited for."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from anyio.from_thread import BlockingPortal, start_blocking_portal


class LaterLoop(asyncio.SelectorEventLoop):
    """A loop whose clock can be moved ahead; its timers are due by that clock."""

    ahead = 0.0

    def time(self) -> float:
        """Return the seconds of its clock."""
        return super().time() + self.ahead


@dataclass(frozen=True)
class Elsewhere:
    """A loop that runs in a thread of its own."""

    portal: BlockingPortal
    loop: LaterLoop

    def tasks(self) -> int:
        """Return how many tasks it has, but for the one that counts them."""
        return self.portal.call(lambda: len(asyncio.all_tasks()) - 1)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""

        def move() -> None:
            self.loop.ahead += seconds

        self.portal.call(move)


@contextmanager
def elsewhere() -> Generator[Elsewhere]:
    """Run a loop in another thread."""
    with start_blocking_portal("asyncio", {"loop_factory": LaterLoop}) as portal:
        loop = portal.call(asyncio.get_running_loop)
        assert isinstance(loop, LaterLoop)
        yield Elsewhere(portal, loop)
