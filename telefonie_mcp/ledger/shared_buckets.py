"""Token buckets in the ledger's database, exact for all servers that share it.

A bucket is one row: the time at which it will be full again. To take a token is to move that time by what one
token takes to come back, unless it would then be further away than a whole bucket takes (the generic cell
rate algorithm). The clock is the database's. The table is unlogged: after a crash of the database, every
bucket is full.
"""

import random
from typing import Final, LiteralString

from telefonie_mcp.ledger.statements import Statements

__all__ = ["TABLE", "SharedBuckets"]

_MINUTE: Final = 60_000_000
"""Microseconds in which an empty bucket fills."""

_CLEANING_FRACTION: Final = 1 / 1000
"""Of the calls: how many remove what is not needed any more."""

TABLE: Final[tuple[LiteralString, LiteralString]] = (
    "ledger_rate_limits",
    "CREATE UNLOGGED TABLE ledger_rate_limits (bucket bytea PRIMARY KEY, full_at bigint NOT NULL)",
)

_TAKE: Final[LiteralString] = """
WITH clock AS (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
), own AS (
    INSERT INTO ledger_rate_limits AS held SELECT %(own)s, now + %(own_token)s FROM clock
    ON CONFLICT (bucket) DO UPDATE
    SET full_at = greatest(held.full_at, (SELECT now FROM clock)) + %(own_token)s
    WHERE held.full_at + %(own_token)s <= (SELECT now FROM clock) + %(minute)s
    RETURNING bucket
), everybody AS (
    INSERT INTO ledger_rate_limits AS held SELECT %(all)s, now + %(all_token)s FROM clock, own
    ON CONFLICT (bucket) DO UPDATE
    SET full_at = greatest(held.full_at, (SELECT now FROM clock)) + %(all_token)s
    WHERE held.full_at + %(all_token)s <= (SELECT now FROM clock) + %(minute)s
    RETURNING bucket
)
SELECT (SELECT count(*) FROM own), (SELECT count(*) FROM everybody)
"""
"""Takes a token of the caller's own bucket and, if there was one, of that of all callers."""

_REFUSE: Final[LiteralString] = """
WITH returned AS (
    UPDATE ledger_rate_limits SET full_at = full_at - %(own_token)s WHERE %(taken)s AND bucket = %(own)s
)
SELECT coalesce(max(
    full_at - %(minute)s
    + CASE WHEN bucket = %(all)s THEN %(all_token)s WHEN %(taken)s THEN 0 ELSE %(own_token)s END
    - (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
), 0)
FROM ledger_rate_limits WHERE bucket IN (%(own)s, %(all)s)
"""
"""Gives the own token back if there was none of all callers, and says how many microseconds to wait."""

_CLEAN: Final[LiteralString] = """
DELETE FROM ledger_rate_limits WHERE bucket IN (
    SELECT bucket FROM ledger_rate_limits
    WHERE full_at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    LIMIT 10000 FOR UPDATE SKIP LOCKED
)
"""


class SharedBuckets:
    """Buckets in the database of ``statements``, which has :data:`TABLE`."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def take(self, own: bytes, per_minute: int, everybody: bytes, all_per_minute: int) -> float | None:
        """Take a token of both buckets, or of none.

        Args:
            own: Key of the caller's own bucket.
            per_minute: Tokens that it holds, and that come back in a minute.
            everybody: Key of the bucket that it shares.
            all_per_minute: The same of that one.

        Returns:
            The seconds to wait before another attempt, 0 if a token was taken; ``None`` if the database gives
            no answer in time.

        """
        buckets = {
            "own": own,
            "own_token": max(1, _MINUTE // per_minute),
            "all": everybody,
            "all_token": max(1, _MINUTE // all_per_minute),
            "minute": _MINUTE,
        }
        taken = await self._statements.run(_TAKE, buckets)
        if taken is None:
            return None
        if random.random() < _CLEANING_FRACTION:  # noqa: S311 - decides when to clean
            await self.clean()
        own_taken, all_taken = taken[0]
        if own_taken and all_taken:
            return 0
        waits = await self._statements.run(_REFUSE, {**buckets, "taken": bool(own_taken)})
        return None if waits is None else max(1, int(waits[0][0])) / 1e6

    async def clean(self) -> None:
        """Remove buckets that are full, which one without a row is as well."""
        await self._statements.run(_CLEAN, {})
