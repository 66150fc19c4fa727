"""The ledger's vocabulary beside :mod:`accounts` and :mod:`errors`; pure values.

An entry begins as an ``intent``, recorded before anything is sent. It ends as ``done``, ``refused`` (the
API said no), ``not_done`` (it was looked up, and did not happen) or ``unverified`` (nobody can look it up).
``unknown`` is looked up again before the next write. Nothing here ever holds a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = [
    "OPEN",
    "VOID",
    "Effect",
    "Entry",
    "Intent",
    "State",
    "Survey",
    "Usage",
]

Effect = Literal["acquire", "dispose", "change"]
State = Literal["intent", "done", "refused", "not_done", "unknown", "unverified"]

OPEN: tuple[State, ...] = ("intent", "unknown")
"""States without a final outcome; they keep their share of the budget."""

VOID: tuple[State, ...] = ("refused", "not_done")
"""Outcomes by which nothing has happened; they give their share of the budget back."""


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
