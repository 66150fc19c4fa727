"""Deadlines, and how the time of one tool call (``TELEFONIE_TIMEOUT``) is divided.

Every fraction is one of this table, so that their sum can be checked by reading it.
"""

from dataclasses import dataclass
from typing import Final, Self

import anyio

__all__ = [
    "CONNECTING",
    "DISBELIEF",
    "FAIR_ATTEMPT",
    "LIVE_LOOKUP",
    "READ_ATTEMPT",
    "RECOVERY",
    "SETTLING",
    "Deadline",
]

RECOVERY: Final = 1 / 3
"""Of a call: what the recovery of earlier writes may take of it."""

READ_ATTEMPT: Final = 1 / 3
"""Of a call: one attempt of a read, so that a hanging one can be repeated; the least time for a write."""

LIVE_LOOKUP: Final = 1 / 4
"""Of a call: the requests behind a live lookup; less than one attempt of a read, so that silence shows."""

SETTLING: Final = 1 / 3
"""Of what is left when a write is sent: kept for finding out what became of it."""

DISBELIEF: Final = 1 / 10
"""Of the time for settling: how long it is not believed that nothing happened, or that nothing changed."""

FAIR_ATTEMPT: Final = 1 / 2
"""Of an attempt: the least time for which it is worth beginning: one that is cut off answers worse."""

CONNECTING: Final = 1 / 3
"""Of an attempt: establishing the connection, so that a request that never left is known as such."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, on the event loop's clock in seconds, at which a call must have its result."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the deadline ``seconds`` from now."""
        return cls(anyio.current_time() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - anyio.current_time())

    def earlier(self, seconds: float) -> "Deadline":
        """Return a deadline that leaves ``seconds`` of this one for something else."""
        return Deadline(self.at - seconds)
