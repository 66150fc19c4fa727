"""Rate limit of tool calls by token buckets (MCP 2026-07-28, "Tools": servers must rate limit).

Each caller has a bucket, and all callers share another one: whoever has many sessions is many callers, so the
limit per caller alone could be evaded. Callers are kept as digests, whose length they cannot choose.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from telefonie_mcp.errors import NOTHING_DONE, ToolError

__all__ = ["SHARED_FACTOR", "RateLimit"]

SHARED_FACTOR: Final = 10
"""The limit of all callers together, as a multiple of the limit per caller."""

_MINUTE_SECONDS: Final = 60.0
_DIGEST_BYTES: Final = 16
_MAX_BUCKETS: Final = 1024
"""Callers whose buckets are kept; bounds the memory that claimed identities can take."""


@dataclass(slots=True)
class _Bucket:
    """A token bucket; ``updated`` is the clock's time of the latest refill in seconds."""

    capacity: float
    tokens: float
    updated: float

    def wait(self, now: float) -> float:
        """Refill the bucket, and return the seconds until it has a token."""
        rate = self.capacity / _MINUTE_SECONDS
        self.tokens = min(self.capacity, self.tokens + (now - self.updated) * rate)
        self.updated = now
        return max(0.0, (1 - self.tokens) / rate)


class RateLimit:
    """Allows each caller ``per_minute`` calls a minute, also in one burst.

    Args:
        per_minute: Calls per minute and caller.
        clock: Returns monotonic time in seconds.

    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._callers: OrderedDict[bytes, _Bucket] = OrderedDict()
        self._shared = self._full_bucket(SHARED_FACTOR * per_minute)

    def take(self, caller: str) -> None:
        """Take a token for one call of ``caller``; a refused call takes none.

        Raises:
            ToolError: ``rate_limited``, with the seconds to wait.

        """
        now = self._clock()
        key = blake2b(caller.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()
        own = self._callers.pop(key, None) or self._full_bucket(self._per_minute)
        self._callers[key] = own
        if len(self._callers) > _MAX_BUCKETS:
            self._callers.popitem(last=False)  # least recently used, so its bucket is full or nearly full
        if seconds := max(own.wait(now), self._shared.wait(now)):
            seconds = math.ceil(seconds * 10) / 10
            raise ToolError(
                f"{NOTHING_DONE}: too many calls; this server allows "
                f"{self._per_minute} a minute to each caller.",
                code="rate_limited",
                hint=f"Wait {seconds} s before the next call.",
                retryable=True,
                retry_after=seconds,
            )
        own.tokens -= 1
        self._shared.tokens -= 1

    def _full_bucket(self, capacity: float) -> _Bucket:
        return _Bucket(capacity, capacity, self._clock())
