"""Statements of the ledger, and how its rows become values."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Any, Final, TypeVar, cast, get_args

from sqlalchemy import Connection, Integer, Select, and_, bindparam, func, or_, select
from sqlalchemy import cast as as_type

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.budgets import DAY
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.owner import gone
from telefonie_mcp.ledger.prepared import Prepared
from telefonie_mcp.ledger.records import OPEN, VOID, Effect, Entry, State, Usage
from telefonie_mcp.ledger.schema import SCALE, entries, identity, lock_account

_T = TypeVar("_T")

_LATEST: Final = 253_402_300_799_999
"""The last millisecond of the year 9999; what is later is no time."""

THIS: Final = entries.c.id == bindparam("entry")
_OURS: Final = entries.c.account == bindparam("whose")
_SAME: Final = _OURS & (entries.c.subject == bindparam("what"))
_STILL_OPEN: Final = or_(*(entries.c.state == state for state in OPEN))
_NEWEST: Final = func.max(entries.c.id).label("newest")


def _to_set(*names: str) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}


LOCK_ACCOUNT: Final = Prepared(lock_account)
KNOWN: Final = Prepared(
    select(
        identity.c.id.label("ledger"), select(_NEWEST).where(_SAME).scalar_subquery().label("newest"), entries
    )
    .select_from(identity.outerjoin(entries, _OURS & _STILL_OPEN))
    .order_by(entries.c.id)
)
"""The ledger's id and the newest entry about a subject, beside each entry without an outcome, or alone."""

ABOUT: Final = Prepared(
    select(
        select(_NEWEST).where(_SAME).scalar_subquery().label("newest"),
        # Of the account's open entries, which are few, and not of all about a number, which may be thousands:
        # an expression, unlike the column, makes no database look for the subject in an index first.
        select(func.count())
        .where(_OURS, _STILL_OPEN, entries.c.subject.concat("") == bindparam("what"))
        .scalar_subquery()
        .label("unsettled"),
        select(identity.c.id).scalar_subquery().label("ledger"),
    )
)
HELD: Final = Prepared(select(entries).where(_OURS, entries.c.held, entries.c.subject != bindparam("what")))
BEGUN: Final = Prepared(
    select(entries.c.id, entries.c.created)
    .where(
        _OURS,
        entries.c.effect == bindparam("effect"),
        entries.c.created > bindparam("since"),
        and_(*(entries.c.state != state for state in VOID)),
    )
    .order_by(entries.c.created)
)
PRICE: Final = Prepared(entries.update().where(THIS, entries.c.rate.is_(None)).values(_to_set("rate")))
BEGIN: Final = Prepared(
    entries.insert().values(_to_set(*(column.key for column in entries.c if column is not entries.c.id)))
)
LOCKED: Final = Prepared(select(entries).where(THIS).with_for_update())
FINISH: Final = Prepared(
    entries.update().where(THIS).values(_to_set("updated", "state", "reason", "rate", "held"))
)
LET_GO: Final = Prepared(
    entries.update().where(_SAME, entries.c.held, entries.c.id < bindparam("entry")).values(held=False)
)
EARLIER: Final = select(entries.c.account).where(entries.c.account.startswith("live ")).distinct()
IDENTITY: Final = select(identity.c.id)
DAMAGED: Final = (
    select(entries.c.id)
    .where(
        or_(
            entries.c.state.not_in(get_args(State)),
            entries.c.effect.not_in(get_args(Effect)),
            ~entries.c.created.between(1, _LATEST),
            entries.c.rate < 0,
            as_type(entries.c.held, Integer).not_in((0, 1)),
        )
    )
    .order_by(entries.c.id)
    .limit(1)
)
"""The first entry that budgets cannot be told from. Finding it takes reading all of them."""


def newest(  # noqa: D417 - the rest is in Ledger.recent
    *,
    since: datetime | None = None,
    limit: int = 100,
    named: str | None = None,
    principal: str | None = None,
    **equal: str | None,
) -> Select[Any]:
    """Return the statement for the newest entries, filtered by what is given.

    Args:
        equal: Column → its value.

    """
    query = select(entries).order_by(entries.c.id.desc()).limit(limit)
    for column, value in equal.items():
        if value is not None:
            query = query.where(entries.c[column] == value)
    if named is not None:
        own = entries.c.account.startswith(f"{named} ", autoescape=True)
        query = query.where((entries.c.account == named) | own)
    if principal is not None:
        its = entries.c.principal.endswith(f" {principal}", autoescape=True)
        query = query.where((entries.c.principal == principal) | its)
    return query if since is None else query.where(entries.c.created >= milliseconds(since))


def used(connection: Connection, account: str, subject: str, limits: Limits, now: datetime) -> Usage:
    """Return what is used of the budgets that are limited; of the others, nothing is looked up."""
    spend, unpriced = Decimal(0), tuple[Entry, ...]()
    if limits.monthly_spend is not None:
        held = HELD.execute(connection, whose=account, what=subject)
        spend = Decimal(sum(scaled(rate_of(row)) or 0 for row in held)) / SCALE
        unpriced = tuple(entry_of(row, milliseconds(now)) for row in held if row.rate is None)

    def begun(effect: Effect, limit: int | None) -> tuple[datetime, ...]:
        if limit is None:
            return ()
        rows = BEGUN.execute(connection, whose=account, effect=effect, since=milliseconds(now - DAY))
        return tuple(_time_of(row, "created") for row in rows)

    return Usage(
        spend,
        unpriced,
        begun("acquire", limits.purchases_per_day),
        begun("dispose", limits.releases_per_day),
    )


def entry_of(row: Any, now: int) -> Entry:
    """Return a row of the entries as a value; ``now`` is in milliseconds.

    Raises:
        LedgerError: the row is damaged; the message names the entry.

    """

    def text(name: str) -> str:
        value = getattr(row, name)
        if not isinstance(value, str):
            raise _damaged(row, name)
        return value

    def one_of(name: str, values: tuple[str, ...]) -> Any:
        if text(name) not in values:
            raise _damaged(row, name)
        return getattr(row, name)

    state = one_of("state", get_args(State))
    lapsed = state == "intent" and _checked(row, "owner", lambda: row.lease < now or gone(row.owner))
    return Entry(
        id=row.id,
        created=_time_of(row, "created"),
        updated=_time_of(row, "updated"),
        account=text("account"),
        caller=text("caller"),
        tool=text("tool"),
        operation=text("operation"),
        effect=one_of("effect", get_args(Effect)),
        subject=text("subject"),
        state=state,
        monthly_rate=rate_of(row),
        reason=text("reason"),
        abandoned=state == "unknown" or lapsed,
        key=text("key_fingerprint"),
        principal=text("principal"),
        client=text("client"),
        arguments=_object_of(row, "arguments"),
        previous=None if row.previous is None else _object_of(row, "previous"),
    )


def _time_of(row: Any, name: str) -> datetime:
    def read() -> datetime:
        time = getattr(row, name)
        if not 0 < time <= _LATEST:
            raise ValueError(name)
        return datetime.fromtimestamp(time / 1000, UTC)

    return _checked(row, name, read)


def rate_of(row: Any) -> Decimal | None:
    """Return the monthly rate of a row; a negative one would be a budget that nobody has granted."""
    if row.rate is None:
        return None
    if not isinstance(row.rate, int) or row.rate < 0:
        raise _damaged(row, "rate")
    return amount(row.rate)


def _object_of(row: Any, name: str) -> dict[str, Any]:
    value = _checked(row, name, lambda: json.loads(getattr(row, name)))
    if not isinstance(value, dict):
        raise _damaged(row, name)
    return cast("dict[str, Any]", value)


def _checked(row: Any, name: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except (ValueError, TypeError, AttributeError, ArithmeticError, OSError, RecursionError):
        raise _damaged(row, name) from None


def _damaged(row: Any, name: str) -> LedgerError:
    return LedgerError(f"entry {row.id} of the ledger is damaged: its {name} cannot be read")


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
