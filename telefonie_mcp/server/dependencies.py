"""What a server at a public address depends on beside the API: its ledger, and what replicas share."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.async_ledger import AsyncLedger
from telefonie_mcp.ledger.files import FileMark
from telefonie_mcp.ledger.source import LedgerSource
from telefonie_mcp.server.readiness import Reach
from telefonie_mcp.settings.fields import Settings

if TYPE_CHECKING:
    from telefonie_mcp.ledger.replicas import Replicas

__all__ = ["connected_replicas", "reach_ledger", "shares_a_ledger"]

_SECONDS: Final = 10
"""How long an attempt to open or read the ledger may take."""


def shares_a_ledger(settings: Settings) -> bool:
    """Return whether there may be replicas: a server at a public address, with its ledger in PostgreSQL.

    A server on a desk shares a ledger with those of other people, not a rate limit.
    """
    return settings.hosted and settings.ledger_url.startswith("postgresql")


@asynccontextmanager
async def connected_replicas(settings: Settings) -> "AsyncGenerator[Replicas | None]":
    """Be one of the replicas while the block runs, if there may be any.

    Raises:
        SettingsError: this is Windows, where psycopg has no connection that waits for notifications.

    """
    if not shares_a_ledger(settings):
        yield None
        return
    if sys.platform == "win32":
        raise SettingsError(
            "TELEFONIE_LEDGER: on Windows, a server at a public address has its ledger in a SQLite file; "
            "PostgreSQL and several replicas need Linux or macOS"
        )
    from telefonie_mcp.ledger.replicas import Replicas  # noqa: PLC0415 - few servers have any

    async with Replicas.connected(settings.ledger_url) as replicas:
        yield replicas


def reach_ledger(settings: Settings, replicas: "Replicas | None") -> Reach:
    """Return what opens the ledger, makes or migrates its tables, and later looks whether it answers."""
    source = LedgerSource(lambda: settings.ledger_url, FileMark.found(settings.ledger_url))
    ledger = AsyncLedger(source, Limits(), accounts=tuple)
    opened = False

    async def reach() -> bool:
        nonlocal opened
        if replicas is None or not opened:
            await ledger.recent(Deadline.after(_SECONDS), limit=1)
            opened = True
        if replicas is None:
            return True
        source.close()  # what is looked at from now on needs no thread
        return await replicas.reached()

    return reach
