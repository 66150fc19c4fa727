"""The sandbox's clock: the real time plus the offset by which it was moved.

The offset is in the database, so all processes that serve the file agree. Time only goes forward: purchases,
ports and events are dated, and none of their dates may come to lie in the future.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from telefonie_mcp.sandbox.database import MEMORY, SandboxError, open_database, writing
from telefonie_mcp.sandbox.store import Store

Now = Callable[[], datetime]

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}
_DISTANCE: Final = re.compile(r"([+-]?)(\d{1,4})([dhm])")
_FURTHEST: Final = timedelta(days=3660)
_AHEAD: Final = "SELECT ahead FROM clock"
_LATER: Final = (
    "SELECT 1 FROM (SELECT at FROM port_events UNION ALL SELECT at FROM inbound_events "
    "UNION ALL SELECT unixepoch(date_created) FROM numbers) "
    "WHERE at > ? LIMIT 1"
)


def real_time() -> datetime:
    """Return the real time, in UTC."""
    return datetime.now(UTC)


def sandbox_time(store: Store, real: Now) -> Now:
    """Return the clock of the sandbox over `store`."""

    def now() -> datetime:
        return real().astimezone(UTC) + timedelta(seconds=sum(ahead for (ahead,) in store.rows(_AHEAD)))

    return now


def clock(database: str | Path) -> datetime:
    """Return the time in the sandbox over the file `database`.

    Raises `SandboxError` if the file cannot be used.
    """
    return real_time() + _move(database, timedelta(0))


def move_clock(database: str | Path, by: timedelta) -> datetime:
    """Move the clock of the sandbox over the file `database` forward, and return its time.

    What falls due on the way happens with the next request to the sandbox, at its own time.

    Raises `SandboxError` for a move backwards, for one to more than ten years ahead of the real time, or if
    the file cannot be used.
    """
    if by < timedelta(0):
        raise SandboxError("The sandbox's clock only goes forward. To start over, reset the sandbox.")
    return real_time() + _move(database, by)


def reset_clock(database: str | Path) -> datetime:
    """Return to the real time, unless something in the sandbox is dated later.

    Raises `SandboxError` if something did, or if the file cannot be used.
    """
    real = real_time()
    with closing(_opened(database)) as connection, writing(connection):
        if connection.execute(_LATER, (int(real.timestamp()),)).fetchone():
            raise SandboxError(
                "Something in this sandbox happened later than the real time, so its clock only goes "
                "forward. To start over, reset the sandbox."
            )
        connection.execute("DELETE FROM clock")
    return real


def distance(text: str) -> timedelta:
    """Read a distance such as +3d, 12h or -30m; raises `ValueError` for anything else."""
    match = _DISTANCE.fullmatch(text)
    if match is None:
        raise ValueError("Write the distance like +3d, +12h or +30m.")
    sign, count, unit = match.groups()
    length = timedelta(**{_UNITS[unit]: int(count)})
    return -length if sign == "-" else length


def _move(database: str | Path, by: timedelta) -> timedelta:
    """Move the clock and return its new offset."""
    with closing(_opened(database)) as connection, writing(connection):
        ahead = by + timedelta(seconds=sum(seconds for (seconds,) in connection.execute(_AHEAD)))
        if ahead > _FURTHEST:
            raise SandboxError("The sandbox's clock can be at most ten years ahead of the real time.")
        if by:
            connection.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (int(ahead.total_seconds()),))
    return ahead


def _opened(database: str | Path) -> sqlite3.Connection:
    if str(database) == MEMORY:
        raise SandboxError("A sandbox in memory has no clock to be moved from outside. Use a file.")
    return open_database(database)
