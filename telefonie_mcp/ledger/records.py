"""The ledger's vocabulary; pure values, cheap to import.

An entry begins as an ``intent``, recorded before anything is sent. It ends as ``done``, ``refused`` (the
API said no), ``not_done`` (it was looked up, and did not happen) or ``unverified`` (nobody can look it up).
``unknown`` is looked up again before the next write. Nothing here ever holds a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from telefonie_mcp.errors import TelefonieError

__all__ = [
    "OPEN",
    "VOID",
    "ApprovalUsedError",
    "Effect",
    "Entry",
    "InProgressError",
    "Intent",
    "LedgerError",
    "LimitReachedError",
    "Limits",
    "State",
]

Effect = Literal["acquire", "dispose", "change"]
State = Literal["intent", "done", "refused", "not_done", "unknown", "unverified"]

OPEN: tuple[State, ...] = ("intent", "unknown")
"""States without a final outcome; they keep their share of the budget."""

VOID: tuple[State, ...] = ("refused", "not_done")
"""Outcomes by which nothing has happened; they give their share of the budget back."""


class LedgerError(TelefonieError):
    """The ledger cannot be opened, read or written; the message says why, without a password in it."""


class LimitReachedError(TelefonieError):
    """A budget does not allow the intent.

    Args:
        setting: Name of the limit, as a setting.
        limit: What it allows.
        used: What is used already.

    """

    def __init__(self, setting: str, *, limit: Decimal | int, used: Decimal | int) -> None:
        super().__init__(f"{setting} allows {limit} and {used} is used")
        self.setting = setting
        self.limit = limit
        self.used = used


class InProgressError(TelefonieError):
    """Another write about the same subject has no outcome yet."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"another write about {subject} has no outcome yet")


class ApprovalUsedError(TelefonieError):
    """The approval was good for one execution, which has been."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of an account; ``None`` sets no limit.

    Attributes:
        monthly_spend: Sum of the monthly rates of what this ledger bought and still holds.
        purchases_per_day: Purchases and submitted ports in any 24 hours.
        releases_per_day: Releases and cancelled ports in any 24 hours.

    """

    monthly_spend: Decimal | None = None
    purchases_per_day: int | None = None
    releases_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that is about to be sent.

    Attributes:
        account: Whose numbers: sandbox or live, which API, which key (as a fingerprint).
        subject: What the write is about, such as a number in E.164.
        monthly_rate: What it would cost, where that is known.
        previous: The facts before the write, so that it can be understood and undone.
        caller: Who asked: the client's name, or ``call`` for the command line.
        approval: The approval it spends, if a person was asked.
        lease: Seconds after which an intent without an outcome counts as abandoned.

    """

    account: str
    tool: str
    operation: str
    effect: Effect
    subject: str
    arguments: Mapping[str, Any]
    caller: str
    lease: float
    monthly_rate: Decimal | None = None
    previous: Mapping[str, Any] | None = None
    approval: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded write.

    Attributes:
        abandoned: It has no outcome, and nobody is working on it any more.

    """

    id: int
    created: datetime
    updated: datetime
    account: str
    caller: str
    tool: str
    operation: str
    effect: Effect
    subject: str
    state: State
    monthly_rate: Decimal | None
    reason: str
    abandoned: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    previous: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as JSON, for people and agents."""
        return {
            "id": self.id,
            "created": self.created.isoformat(timespec="milliseconds"),
            "updated": self.updated.isoformat(timespec="milliseconds"),
            "account": self.account,
            "caller": self.caller,
            "tool": self.tool,
            "subject": self.subject,
            "state": self.state,
            **({} if self.monthly_rate is None else {"monthly_rate": str(self.monthly_rate)}),
            **({"reason": self.reason} if self.reason else {}),
            "arguments": dict(self.arguments),
            **({} if self.previous is None else {"previous": dict(self.previous)}),
        }
