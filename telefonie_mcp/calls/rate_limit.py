"""Rate limit of tool calls by token buckets (MCP 2026-07-28, "Tools": servers must rate limit).

Each caller has a bucket, and all callers share another one: whoever has many sessions is many callers, so the
limit per caller alone could be evaded. Callers are kept as digests, whose length they cannot choose.

The replicas of a hosted server share the buckets of their database. While that does not answer, each decides
by its own buckets, which see every call of the replica all the time.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from telefonie_mcp.errors import NOTHING_DONE, ToolError

if TYPE_CHECKING:
    from telefonie_mcp.ledger.shared_buckets import SharedBuckets

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
        shared: Buckets that this server shares with its replicas.
        tenant: Whose calls these are: tenants share no bucket.

    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        shared: "SharedBuckets | None" = None,
        tenant: str = "",
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._callers: OrderedDict[bytes, _Bucket] = OrderedDict()
        self._everybody = _full_bucket(SHARED_FACTOR * per_minute, clock())
        self._shared = shared
        self._tenant = tenant

    async def take(self, caller: str) -> None:
        """Take a token for one call of ``caller``; a refused call takes none.

        Raises:
            ToolError: ``rate_limited``, with the seconds to wait.

        """
        key = _digest(self._tenant, caller)
        seconds: float | None = self._take_here(key)
        if self._shared:
            everybody = _digest(self._tenant)
            factor = SHARED_FACTOR * self._per_minute
            answered = await self._shared.take(key, self._per_minute, everybody, factor)
            seconds = seconds if answered is None else answered
        if seconds:
            seconds = math.ceil(seconds * 10) / 10
            raise ToolError(
                f"{NOTHING_DONE}: too many calls; this server allows "
                f"{self._per_minute} a minute to each caller.",
                code="rate_limited",
                hint=f"Wait {seconds} s before the next call.",
                retryable=True,
                retry_after=seconds,
            )

    def _take_here(self, key: bytes) -> float:
        """Take a token of this process's own buckets, or return the seconds to wait."""
        now = self._clock()
        own = self._callers.pop(key, None) or _full_bucket(self._per_minute, now)
        self._callers[key] = own
        if len(self._callers) > _MAX_BUCKETS:
            self._callers.popitem(last=False)  # least recently used, so its bucket is full or nearly full
        if seconds := max(own.wait(now), self._everybody.wait(now)):
            return seconds
        own.tokens -= 1
        self._everybody.tokens -= 1
        return 0


def _full_bucket(capacity: float, now: float) -> _Bucket:
    return _Bucket(capacity, capacity, now)


def _digest(*parts: str) -> bytes:
    """Return a key that tells these parts from all others, and from fewer or more of them."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        encoded = part.encode(errors="replace")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()
