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
    "Account",
    "ApprovalUsedError",
    "ChangedError",
    "Effect",
    "Entry",
    "InProgressError",
    "Intent",
    "LedgerError",
    "LimitReachedError",
    "Limits",
    "State",
    "Survey",
    "UnpricedError",
    "Usage",
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
        account: Whose numbers, under a name that outlives the API key.
        subject: What the write is about, such as a number in E.164.
        monthly_rate: What it would cost, where that is known.
        previous: The facts before the write, so that it can be understood and undone.
        caller: Who asked: the client's name, or ``call`` for the command line.
        approval: The approval it spends, if a person was asked.
        lease: Seconds after which an intent without an outcome counts as abandoned.
        key: Fingerprint of the API key that the write is sent with; empty without one.
        newest: Id of the newest entry about the subject when its current state was read; ``None`` for none.
        principal: Issuer and subject of the token that the write was asked with; empty without one.
        client: The token's ``client_id``, or the client's own word.

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
    key: str = ""
    newest: int | None = None
    principal: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose numbers a write is about.

    Attributes:
        name: Its name in the ledger, which outlives its API key and the spelling of the API's address.
        key: Fingerprint of the API key in use; empty without one.

    """

    name: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used of an account's budgets.

    Attributes:
        spend: Sum of the monthly rates of what is held, the subject of the write in question aside.
        unpriced: The entries that hold something at a rate which nobody knows.
        acquired: When the purchases and submitted ports of the last 24 hours were begun, the oldest first.
        disposed: When the releases and cancelled ports of the last 24 hours were begun, the oldest first.

    """

    spend: Decimal = Decimal(0)
    unpriced: "tuple[Entry, ...]" = ()
    acquired: tuple[datetime, ...] = ()
    disposed: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What the ledger knows before a write.

    Attributes:
        ledger: The ledger's own id, the same for everybody who shares it; empty where there is none yet.
        abandoned: The account's entries without an outcome that nobody is working on, the oldest first.
        busy: Somebody is working on another write about the subject.
        newest: Id of the newest entry about the subject; ``None`` for none.
        usage: What is used of the budgets that are limited.

    """

    ledger: str = ""
    abandoned: "tuple[Entry, ...]" = ()
    busy: bool = False
    newest: int | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded write.

    Attributes:
        abandoned: It has no outcome, and nobody is working on it any more.
        key: Fingerprint of the API key that it was sent with.
        principal: Issuer and subject of the token that it was asked with; empty without one.
        client: The token's ``client_id``, or the client's own word.

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
    key: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    previous: Mapping[str, Any] | None = None
    principal: str = ""
    client: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as JSON, for people and agents."""
        return {
            "id": self.id,
            "created": self.created.isoformat(timespec="milliseconds"),
            "updated": self.updated.isoformat(timespec="milliseconds"),
            "account": self.account,
            "caller": self.caller,
            **({"principal": self.principal} if self.principal else {}),
            **({"client": self.client} if self.client else {}),
            "tool": self.tool,
            "subject": self.subject,
            "state": self.state,
            **({} if self.monthly_rate is None else {"monthly_rate": str(self.monthly_rate)}),
            **({"reason": self.reason} if self.reason else {}),
            "arguments": dict(self.arguments),
            **({} if self.previous is None else {"previous": dict(self.previous)}),
        }
