"""Statements of the ledger, and how its rows become values.

What every write executes is built once: building it takes SQLAlchemy longer than executing it.
"""

import json
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, case, func, select

from telefonie_mcp.ledger.budgets import DAY
from telefonie_mcp.ledger.owner import gone
from telefonie_mcp.ledger.records import OPEN, VOID, Effect, Entry, Limits, Usage
from telefonie_mcp.ledger.schema import SCALE, entries, identity

OURS: Final = entries.c.account == bindparam("whose")
SAME: Final = OURS & (entries.c.subject == bindparam("what"))
THIS: Final = entries.c.id == bindparam("entry")
STILL_OPEN: Final = entries.c.state.in_(OPEN)

UNFINISHED: Final = select(entries).where(OURS, STILL_OPEN).order_by(entries.c.id)
NEWEST: Final = func.max(entries.c.id).label("newest")
KNOWN: Final = select(
    identity.c.id.label("ledger"), select(NEWEST).where(SAME).scalar_subquery().label("newest")
)
ABOUT: Final = select(NEWEST, func.count(case((STILL_OPEN, 1))).label("unsettled")).where(SAME)
HELD: Final = select(entries).where(OURS, entries.c.held, entries.c.subject != bindparam("what"))
BEGUN: Final = (
    select(entries.c.created)
    .where(
        OURS,
        entries.c.effect == bindparam("effect"),
        entries.c.created > bindparam("since"),
        entries.c.state.not_in(VOID),
    )
    .order_by(entries.c.created)
)
PRICE: Final = entries.update().where(THIS, entries.c.rate.is_(None)).values(rate=bindparam("rate"))
EARLIER: Final = select(entries.c.account).where(entries.c.account.startswith("live ")).distinct()
BEGIN: Final = entries.insert()
LOCKED: Final = select(entries).where(THIS).with_for_update()
FINISH: Final = entries.update().where(THIS)
LET_GO: Final = (
    entries.update().where(SAME, entries.c.held, entries.c.id < bindparam("entry")).values(held=False)
)


def used(connection: Connection, account: str, subject: str, limits: Limits, now: datetime) -> Usage:
    """Return what is used of the budgets that are limited; of the others, nothing is looked up."""
    spend, unpriced = Decimal(0), tuple[Entry, ...]()
    if limits.monthly_spend is not None:
        held = connection.execute(HELD, {"whose": account, "what": subject}).all()
        spend = Decimal(sum(row.rate or 0 for row in held)) / SCALE
        unpriced = tuple(entry_of(row, milliseconds(now)) for row in held if row.rate is None)

    def begun(effect: Effect, limit: int | None) -> tuple[datetime, ...]:
        if limit is None:
            return ()
        since = {"whose": account, "effect": effect, "since": milliseconds(now - DAY)}
        return tuple(time_of(each) for each in connection.execute(BEGUN, since).scalars())

    return Usage(
        spend,
        unpriced,
        begun("acquire", limits.purchases_per_day),
        begun("dispose", limits.releases_per_day),
    )


def entry_of(row: Row[Any], now: int) -> Entry:
    """Return a row of the entries as a value; ``now`` is in milliseconds."""
    return Entry(
        id=row.id,
        created=time_of(row.created),
        updated=time_of(row.updated),
        account=row.account,
        caller=row.caller,
        tool=row.tool,
        operation=row.operation,
        effect=row.effect,
        subject=row.subject,
        state=row.state,
        monthly_rate=amount(row.rate),
        reason=row.reason,
        abandoned=row.state == "unknown" or (row.state == "intent" and (row.lease < now or gone(row.owner))),
        key=row.key_fingerprint,
        arguments=json.loads(row.arguments),
        previous=None if row.previous is None else json.loads(row.previous),
    )


def time_of(milliseconds: int) -> datetime:
    """Return a time of the tables."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def milliseconds(time: datetime) -> int:
    """Return a time as the tables keep it."""
    return round(time.timestamp() * 1000)


def scaled(rate: Decimal | None) -> int | None:
    """Return ``rate`` as the tables keep it, rounded up so that no budget is overspent by a fraction."""
    return None if rate is None else int((rate * SCALE).to_integral_value(ROUND_UP))


def amount(rate: int | None) -> Decimal | None:
    """Return a rate of the tables as money."""
    return None if rate is None else Decimal(rate) / SCALE


def greater(first: int | None, second: int | None) -> int | None:
    """Return the greater of an offer's rate and an answer's, or the one that is known."""
    return max((rate for rate in (first, second) if rate is not None), default=None)
