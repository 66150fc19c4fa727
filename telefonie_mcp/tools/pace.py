"""How often a caller may call: a token bucket each (MCP 2026-07-28, "Tools": servers must rate limit)."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from telefonie_mcp.errors import NOTHING_DONE, ToolError

__all__ = ["Pace"]

_MINUTE: Final = 60.0
_CALLERS: Final = 1024


class Pace:
    """Allows ``per_minute`` calls a minute to each caller, all at once or spread.

    Args:
        per_minute: Calls a minute.
        clock: Seconds that only grow.

    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / _MINUTE
        self._most = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one call of ``caller``.

        Raises:
            ToolError: ``rate_limited``, with the seconds to wait.

        """
        now = self._clock()
        tokens, then = self._buckets.pop(caller, (self._most, now))
        tokens = min(self._most, tokens + (now - then) * self._rate)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - 1 if allowed else tokens, now)
        if (
            len(self._buckets) > _CALLERS
        ):  # the one that called longest ago has a full bucket anyway, or nearly
            self._buckets.popitem(last=False)
        if not allowed:
            seconds = round((1 - tokens) / self._rate, 1)
            raise ToolError(
                f"{NOTHING_DONE}: too many calls; this server allows {self._most:.0f} a minute.",
                code="rate_limited",
                hint=f"Wait {seconds} seconds before the next call.",
                retryable=True,
                retry_after=seconds,
            )
