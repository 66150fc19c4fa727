"""The ledger: what may be done, what is being done, and what was done.

Every method is one transaction and blocks; callers run it in a thread. :meth:`Ledger.begin` checks the
budgets and records the intent in the same transaction, serialised per account, so that two servers that
share a ledger cannot overspend between them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Any, Final, assert_never, cast

from sqlalchemy import Connection, Engine, Row, Select, bindparam, func, select
from sqlalchemy.exc import IntegrityError

from telefonie_mcp.ledger.database import connect, reading, writing
from telefonie_mcp.ledger.owner import OWNER, gone
from telefonie_mcp.ledger.records import (
    OPEN,
    VOID,
    ApprovalUsedError,
    Entry,
    InProgressError,
    Intent,
    LedgerError,
    LimitReachedError,
    Limits,
    State,
)
from telefonie_mcp.ledger.schema import SCALE, entries, lock_account, migrate

__all__ = ["Ledger"]

_DAY: Final = timedelta(days=1)

_OURS: Final = entries.c.account == bindparam("whose")
_SAME: Final = _OURS & (entries.c.subject == bindparam("what"))
_THIS: Final = entries.c.id == bindparam("entry")
_STILL_OPEN: Final = entries.c.state.in_(OPEN)

# What every write executes, built once: building it takes SQLAlchemy longer than executing it.
_UNFINISHED: Final = select(entries).where(_OURS, _STILL_OPEN).order_by(entries.c.id)
_UNSETTLED: Final = select(entries.c.id).where(_SAME, _STILL_OPEN)
_BEGIN: Final = entries.insert()
_LOCKED: Final = select(entries).where(_THIS).with_for_update()
_FINISH: Final = entries.update().where(_THIS)
_LET_GO: Final = (
    entries.update().where(_SAME, entries.c.held, entries.c.id < bindparam("entry")).values(held=False)
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger.

    Attributes:
        engine: Its database.
        clock: What time it is. Machines that share a ledger should agree on it to within a lease.

    """

    engine: Engine
    clock: Callable[[], datetime] = _now

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] = _now) -> "Ledger":
        """Open the ledger at ``url``, creating or migrating it.

        Args:
            url: ``:memory:``, the path of a SQLite file, or a URL such as
                ``postgresql+psycopg://user:password@host/database``.
            clock: What time it is.

        Raises:
            LedgerError: it cannot be opened, or a newer release has written it.

        """
        engine = connect(url)
        try:
            with writing(engine, "opened") as connection:
                migrate(connection)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, clock)

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()

    def begin(self, intent: Intent, limits: Limits) -> int:
        """Record an intent and reserve its budget; return its id.

        Raises:
            LimitReachedError: a budget does not allow it.
            InProgressError: another write about the same subject has no outcome yet.
            ApprovalUsedError: its approval has been spent.
            LedgerError: it cannot be recorded.

        """
        with writing(self.engine) as connection:
            connection.execute(lock_account, {"name": intent.account})
            now = self.clock()
            _check_subject(connection, intent)
            _check_spend(connection, intent, limits)
            _check_day(connection, intent, limits, since=now - _DAY)
            values = {
                "created": _milliseconds(now),
                "updated": _milliseconds(now),
                "account": intent.account,
                "caller": intent.caller,
                "owner": OWNER,
                "lease": _milliseconds(now + timedelta(seconds=intent.lease)),
                "tool": intent.tool,
                "operation": intent.operation,
                "effect": intent.effect,
                "subject": intent.subject,
                "arguments": json.dumps(dict(intent.arguments)),
                "previous": None if intent.previous is None else json.dumps(dict(intent.previous)),
                "rate": _scaled(intent.monthly_rate),
                "held": intent.effect == "acquire",
                "state": "intent",
                "reason": "",
                "approval": intent.approval,
            }
            try:
                result = connection.execute(_BEGIN, values)
            except IntegrityError as error:
                raise ApprovalUsedError("the approval has already been used") from error
            return cast("tuple[int]", result.inserted_primary_key)[0]

    def finish(
        self, entry: int, state: State, *, reason: str = "", monthly_rate: Decimal | None = None
    ) -> None:
        """Record the outcome of an intent, and release or keep its share of the budget.

        ``done`` is final: what a slower look found at the same time does not undo it. A subject that was
        disposed of, or acquired again, is held by none of the earlier entries any more.

        Raises:
            LedgerError: it cannot be recorded; the entry stays open and will be looked up.

        """
        with writing(self.engine) as connection:
            row = connection.execute(_LOCKED, {"entry": entry}).first()
            if row is None:
                raise LedgerError(f"the ledger has no entry {entry} any more")
            if row.state == "done":
                return
            changes: dict[str, Any] = {
                "updated": _milliseconds(self.clock()),
                "state": state,
                "reason": reason,
                "rate": row.rate if monthly_rate is None else _scaled(monthly_rate),
                "held": row.effect == "acquire" and state not in VOID,
            }
            connection.execute(_FINISH, {"entry": entry, **changes})
            if state == "done" and row.effect != "change":
                connection.execute(_LET_GO, {"whose": row.account, "what": row.subject, "entry": entry})

    def unfinished(self, account: str) -> list[Entry]:
        """Return the entries without a final outcome that nobody is working on any more, oldest first.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        return [entry for entry in self._entries(_UNFINISHED, whose=account) if entry.abandoned]

    def recent(
        self,
        *,
        account: str | None = None,
        subject: str | None = None,
        tool: str | None = None,
        state: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Return the newest entries first, filtered by what is given.

        Args:
            account: Only about this account.
            subject: Only about this subject.
            tool: Only by this tool.
            state: Only in this state.
            since: Only begun at this time or later; with a time zone.
            limit: How many at most.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        query = select(entries).order_by(entries.c.id.desc()).limit(limit)
        filters = {"account": account, "subject": subject, "tool": tool, "state": state}
        for column, value in filters.items():
            if value is not None:
                query = query.where(entries.c[column] == value)
        if since is not None:
            query = query.where(entries.c.created >= _milliseconds(since))
        return self._entries(query)

    def forget(self, account: str) -> None:
        """Remove the entries of an account, as when the sandbox it was about is emptied.

        Raises:
            LedgerError: it cannot be written.

        """
        with writing(self.engine) as connection:
            connection.execute(entries.delete().where(entries.c.account == account))

    def _entries(self, query: Select[Any], **parameters: Any) -> list[Entry]:
        with reading(self.engine) as connection:
            rows = connection.execute(query, parameters).all()
        now = _milliseconds(self.clock())
        return [_entry(row, now) for row in rows]


def _check_subject(connection: Connection, intent: Intent) -> None:
    if connection.execute(_UNSETTLED, {"whose": intent.account, "what": intent.subject}).first():
        raise InProgressError(intent.subject)


def _check_spend(connection: Connection, intent: Intent, limits: Limits) -> None:
    if intent.effect != "acquire" or limits.monthly_spend is None:
        return
    held = select(func.sum(entries.c.rate)).where(
        entries.c.account == intent.account, entries.c.held, entries.c.subject != intent.subject
    )
    used = int(connection.execute(held).scalar() or 0)
    if used + (_scaled(intent.monthly_rate) or 0) > limits.monthly_spend * SCALE:
        raise LimitReachedError(
            "TELEFONIE_MAX_MONTHLY_SPEND", limit=limits.monthly_spend, used=Decimal(used) / SCALE
        )


def _check_day(connection: Connection, intent: Intent, limits: Limits, *, since: datetime) -> None:
    match intent.effect:
        case "acquire":
            setting, limit = "TELEFONIE_MAX_PURCHASES_PER_DAY", limits.purchases_per_day
        case "dispose":
            setting, limit = "TELEFONIE_MAX_RELEASES_PER_DAY", limits.releases_per_day
        case "change":
            return
        case _:
            assert_never(intent.effect)
    if limit is None:
        return
    counted = select(func.count()).where(
        entries.c.account == intent.account,
        entries.c.effect == intent.effect,
        entries.c.created > _milliseconds(since),
        entries.c.state.not_in(VOID),
    )
    used = connection.execute(counted).scalar_one()
    if used >= limit:
        raise LimitReachedError(setting, limit=limit, used=used)


def _entry(row: Row[Any], now: int) -> Entry:
    return Entry(
        id=row.id,
        created=datetime.fromtimestamp(row.created / 1000, UTC),
        updated=datetime.fromtimestamp(row.updated / 1000, UTC),
        account=row.account,
        caller=row.caller,
        tool=row.tool,
        operation=row.operation,
        effect=row.effect,
        subject=row.subject,
        state=row.state,
        monthly_rate=None if row.rate is None else Decimal(row.rate) / SCALE,
        reason=row.reason,
        abandoned=row.state == "unknown" or (row.state == "intent" and (row.lease < now or gone(row.owner))),
        arguments=json.loads(row.arguments),
        previous=None if row.previous is None else json.loads(row.previous),
    )


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _scaled(rate: Decimal | None) -> int | None:
    """Return ``rate`` as the tables keep it, rounded up so that no budget is overspent by a fraction."""
    return None if rate is None else int((rate * SCALE).to_integral_value(ROUND_UP))
