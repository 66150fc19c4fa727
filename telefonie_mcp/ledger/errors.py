"""What a ledger refuses, and why it cannot be used; cheap to import."""

from datetime import datetime
from decimal import Decimal

from telefonie_mcp.errors import TelefonieError

__all__ = [
    "ApprovalUsedError",
    "ChangedError",
    "InProgressError",
    "LedgerError",
    "LimitReachedError",
    "UnpricedError",
]


class LedgerError(TelefonieError):
    """The ledger cannot be opened, read or written; the message says why, without a password in it."""


class LimitReachedError(TelefonieError):
    """A budget does not allow the intent.

    Args:
        setting: Name of the limit, as a setting.
        limit: What it allows.
        used: What is used already.
        frees_up: When one more write fits, where that is a matter of time.

    """

    def __init__(
        self, setting: str, *, limit: Decimal | int, used: Decimal | int, frees_up: datetime | None = None
    ) -> None:
        super().__init__(f"{setting} allows {limit} and {used} is used")
        self.setting = setting
        self.limit = limit
        self.used = used
        self.frees_up = frees_up


class UnpricedError(TelefonieError):
    """What is held already has no known monthly rate, so a spend limit cannot be applied.

    Args:
        subjects: What is held so.

    """

    def __init__(self, subjects: tuple[str, ...]) -> None:
        super().__init__(
            f"TELEFONIE_MAX_MONTHLY_SPEND is set, and the monthly rate of {', '.join(subjects)} is unknown"
        )
        self.subjects = subjects


class ChangedError(TelefonieError):
    """Another write about the same subject was recorded after its current state was read."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"another call wrote to {subject} after its current state was read")


class InProgressError(TelefonieError):
    """Another write about the same subject has no outcome yet."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"another write about {subject} has no outcome yet")


class ApprovalUsedError(TelefonieError):
    """The approval was good for one execution, which has been."""
