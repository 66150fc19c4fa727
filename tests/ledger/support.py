"""What the ledger's tests share: intents to record, and a clock to move."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.errors import LimitReachedError
from telefonie_mcp.ledger.records import Entry, Intent
from telefonie_mcp.ledger.store import Ledger

ACCOUNT = "sandbox"
NUMBER = "+14155550100"
NO_LIMITS = Limits()
LEASE = 60.0


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


def buying(subject: str = NUMBER, rate: str | None = "1.15", **changes: Any) -> Intent:
    values: dict[str, Any] = {
        "account": ACCOUNT,
        "tool": "purchase_number",
        "operation": "purchaseNumber",
        "effect": "acquire",
        "subject": subject,
        "arguments": {"phone_number": subject},
        "caller": "test",
        "lease": LEASE,
        "monthly_rate": None if rate is None else Decimal(rate),
    }
    return Intent(**values | changes)


def releasing(subject: str = NUMBER, **changes: Any) -> Intent:
    fixed: dict[str, Any] = {"tool": "release_number", "operation": "releaseNumber", "effect": "dispose"}
    return buying(subject, None, **fixed | changes)


def begin(ledger: Ledger, intent: Intent, limits: Limits = NO_LIMITS) -> int:
    """Begin a write whose current state was read a moment ago, after everything that is recorded."""
    newest = ledger.survey(intent.account, intent.subject, NO_LIMITS).newest
    return ledger.begin(replace(intent, newest=newest), limits)


def abandoned(ledger: Ledger, account: str = ACCOUNT) -> list[Entry]:
    """Return the entries that the next write looks up."""
    return [*ledger.survey(account, "", NO_LIMITS).abandoned]


def bought(ledger: Ledger, subject: str = NUMBER, rate: str = "1.15") -> int:
    entry = begin(ledger, buying(subject, rate))
    ledger.finish(entry, "done")
    return entry


def used(ledger: Ledger, account: str = ACCOUNT) -> Decimal | int:
    """Return how much of the monthly budget is used, as a refusal tells it."""
    with pytest.raises(LimitReachedError) as refusal:
        ledger.begin(buying("probe", "0.0001", account=account), Limits(monthly_spend=Decimal(0)))
    return refusal.value.used
