"""How often tools may be called: token buckets (MCP 2026-07-28, "Tools": servers must rate limit).

Each caller has a bucket, and all together have one, because over HTTP a caller says itself who it is.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from telefonie_mcp.errors import NOTHING_DONE, ToolError

__all__ = ["EVERYBODY", "RateLimit"]

EVERYBODY: Final = 10
"""How many times as many calls all callers together may make as one."""

_MINUTE: Final = 60.0
_CALLERS: Final = 1024


@dataclass(slots=True)
class _Bucket:
    most: float
    tokens: float
    then: float

    def wait(self, now: float) -> float:
        """Fill up, and return in how many seconds there is a token."""
        rate = self.most / _MINUTE
        self.tokens = min(self.most, self.tokens + (now - self.then) * rate)
        self.then = now
        return max(0.0, (1 - self.tokens) / rate)


class RateLimit:
    """Allows ``per_minute`` calls a minute to each caller, all at once or spread.

    Args:
        per_minute: Calls a minute.
        clock: Seconds that only grow.

    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._callers: OrderedDict[str, _Bucket] = OrderedDict()
        self._everybody = self._full(EVERYBODY * per_minute)

    def take(self, caller: str) -> None:
        """Count one call of ``caller``; a refused one does not count.

        Raises:
            ToolError: ``rate_limited``, with the seconds to wait.

        """
        now = self._clock()
        own = self._callers.pop(caller, None) or self._full(self._most)
        self._callers[caller] = own
        if len(self._callers) > _CALLERS:
            self._callers.popitem(last=False)  # called longest ago: its bucket is full anyway, or nearly
        if seconds := max(own.wait(now), self._everybody.wait(now)):
            seconds = math.ceil(seconds * 10) / 10
            raise ToolError(
                f"{NOTHING_DONE}: too many calls; this server allows {self._most} a minute to each caller.",
                code="rate_limited",
                hint=f"Wait {seconds} s before the next call.",
                retryable=True,
                retry_after=seconds,
            )
        own.tokens -= 1
        self._everybody.tokens -= 1

    def _full(self, most: float) -> _Bucket:
        return _Bucket(most, most, self._clock())
