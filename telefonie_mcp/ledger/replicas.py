"""What the replicas of a hosted server share beside the ledger, in its PostgreSQL: rate limits and news."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from telefonie_mcp.ledger.notifications import Notifications
from telefonie_mcp.ledger.shared_buckets import TABLE, SharedBuckets
from telefonie_mcp.ledger.statements import STATEMENT_SECONDS, Statements

__all__ = ["Replicas"]


@dataclass(frozen=True, slots=True)
class Replicas:
    """One process among replicas; all its tenants use it.

    Attributes:
        buckets: The rate limits.
        notifications: The news.
        statements: The connection of both.

    """

    buckets: SharedBuckets
    notifications: Notifications
    statements: Statements

    async def reached(self) -> bool:
        """Return whether the database answers, and news of the others arrive."""
        answers = await self.statements.run("SELECT 1", {})
        return answers is not None and self.notifications.listening.is_set()

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, *, seconds: float = STATEMENT_SECONDS) -> "AsyncGenerator[Replicas]":
        """Be one of the replicas on a ledger while the block runs.

        A database that is away is tried again and again, and holds nobody up.

        Args:
            url: The ledger's URL, of PostgreSQL.
            seconds: How long a statement may take.

        """
        statements = Statements(url, table=TABLE, seconds=seconds)
        notifications = Notifications(url, statements)
        try:
            async with notifications.running():
                yield cls(SharedBuckets(statements), notifications, statements)
        finally:
            await statements.aclose()
