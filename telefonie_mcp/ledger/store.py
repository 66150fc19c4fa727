"""The ledger: what may be done, what is being done, and what was done.

Every method is one transaction and blocks; callers run it in a thread. :meth:`Ledger.begin` checks the
budgets and records the intent in the same transaction, serialised per account, so that two servers that
share a ledger cannot overspend between them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Select, select
from sqlalchemy.exc import IntegrityError

from telefonie_mcp.ledger import queries
from telefonie_mcp.ledger.accounts import Account, Limits
from telefonie_mcp.ledger.budgets import check_budgets
from telefonie_mcp.ledger.database import check_in_time, connect, reading, writing
from telefonie_mcp.ledger.errors import ApprovalUsedError, ChangedError, InProgressError, LedgerError
from telefonie_mcp.ledger.files import FileMark, check_remains, file_of
from telefonie_mcp.ledger.owner import OWNER
from telefonie_mcp.ledger.queries import amount, entry_of, greater, milliseconds, rate_of, scaled, used
from telefonie_mcp.ledger.records import VOID, Entry, Intent, State, Survey
from telefonie_mcp.ledger.schema import entries, migrate

__all__ = ["Ledger"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger.

    Attributes:
        engine: Its database.
        clock: What time it is. Machines that share a ledger should agree on it to within a lease.
        mark: Its SQLite file, if it has one: it must stay the same.
        identity: Its own id, as above.
        recorded: Account → id of the newest entry that was recorded here: later ones have greater ids.

    """

    engine: Engine
    clock: Callable[[], datetime] = _now
    mark: FileMark | None = None
    identity: str = ""
    recorded: dict[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] = _now) -> "Ledger":
        """Open the ledger at ``url``, creating or migrating it.

        Args:
            url: ``:memory:``, the path of a SQLite file, or a URL such as
                ``postgresql+psycopg://user:password@host/database``.
            clock: What time it is.

        Raises:
            LedgerError: it cannot be opened, a newer release has written it, or it was deleted or emptied.

        """
        if file := file_of(url):
            check_remains(file)
        engine = connect(url)
        try:
            mark = FileMark.of(file) if file else None
            with writing(engine, "opened") as connection:
                migrate(connection)
                identity = connection.execute(queries.IDENTITY).scalar_one()
            if mark:
                mark.check()
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, clock, mark, identity)

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()

    def check_entries(self) -> None:
        """Check that budgets can be told from every entry.

        Raises:
            LedgerError: one is damaged; the message names it.

        """
        with reading(self.engine, self.mark) as connection:
            damaged = connection.execute(queries.DAMAGED).scalar()
            if damaged is None:
                return
            row = connection.execute(select(entries).where(queries.THIS), {"entry": damaged}).one()
        entry_of(row, milliseconds(self.clock()))
        raise LedgerError(f"entry {damaged} of the ledger is damaged")

    def begin(self, intent: Intent, limits: Limits) -> int:
        """Record an intent and reserve its budget; return its id.

        Raises:
            LimitReachedError: a budget does not allow it.
            UnpricedError: a spend limit is set, and something is held at an unknown rate.
            ChangedError: another write about the same subject was recorded since its state was read.
            InProgressError: another write about the same subject has no outcome yet.
            ApprovalUsedError: its approval has been spent.
            LedgerError: it cannot be recorded.

        """
        with writing(self.engine, mark=self.mark) as connection:
            if connection.dialect.name != "sqlite":  # where a transaction that writes is alone already
                queries.LOCK_ACCOUNT.execute(connection, name=intent.account)
            now = self.clock()
            self._check_subject(connection, intent)
            usage = used(connection, intent.account, intent.subject, limits, now)
            rate = scaled(intent.monthly_rate)
            check_budgets(intent.effect, amount(rate), usage, limits)
            values = {
                "created": milliseconds(now),
                "updated": milliseconds(now),
                "account": intent.account,
                "caller": intent.caller,
                "owner": OWNER,
                "lease": milliseconds(now + timedelta(seconds=intent.lease)),
                "tool": intent.tool,
                "operation": intent.operation,
                "effect": intent.effect,
                "subject": intent.subject,
                "arguments": json.dumps(dict(intent.arguments)),
                "previous": None if intent.previous is None else json.dumps(dict(intent.previous)),
                "rate": rate,
                "held": intent.effect == "acquire",
                "state": "intent",
                "reason": "",
                "approval": intent.approval,
                "key_fingerprint": intent.key,
                "principal": intent.principal,
                "client": intent.client,
            }
            try:
                entry = queries.BEGIN.insert(connection, **values)
            except IntegrityError as error:
                raise ApprovalUsedError("the approval has already been used") from error
            if entry <= self.recorded.get(intent.account, 0):
                raise LedgerError(
                    "the ledger was set back to an earlier state while this server runs, and lacks what was "
                    "written since; restart the server to go on with what is there"
                )
            check_in_time()  # nothing will be sent for an intent that nobody waits for
        self.recorded[intent.account] = max(entry, self.recorded.get(intent.account, 0))
        return entry

    def finish(
        self, entry: int, state: State, *, reason: str = "", monthly_rate: Decimal | None = None
    ) -> None:
        """Record the outcome of an intent, and release or keep its share of the budget.

        ``done`` is final: what a slower look found at the same time does not undo it. A subject that was
        disposed of, or acquired again, is held by none of the earlier entries any more.

        Raises:
            LedgerError: it cannot be recorded; the entry stays open and will be looked up.

        """
        with writing(self.engine, mark=self.mark) as connection:
            rows = queries.LOCKED.execute(connection, entry=entry)
            if not rows:
                raise LedgerError(f"the ledger has no entry {entry} any more")
            row = rows[0]
            if row.state == "done":
                return
            changes: dict[str, Any] = {
                "updated": milliseconds(self.clock()),
                "state": state,
                "reason": reason,
                "rate": greater(scaled(rate_of(row)), scaled(monthly_rate)),
                "held": row.effect == "acquire" and state not in VOID,
            }
            queries.FINISH.execute(connection, entry=entry, **changes)
            if state == "done" and row.effect != "change":
                queries.LET_GO.execute(connection, whose=row.account, what=row.subject, entry=entry)

    def survey(self, account: str, subject: str, limits: Limits) -> Survey:
        """Return what is known before a write about ``subject``.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        with reading(self.engine, self.mark) as connection:
            rows = queries.KNOWN.some(connection, whose=account, what=subject)
            usage = used(connection, account, subject, limits, self.clock())
        now = milliseconds(self.clock())
        unfinished = [entry_of(row, now) for row in rows if row.id is not None]
        return Survey(
            rows[0].ledger,
            abandoned=tuple(entry for entry in unfinished if entry.abandoned),
            busy=any(entry.subject == subject and not entry.abandoned for entry in unfinished),
            newest=rows[0].newest,
            usage=usage,
        )

    def price(self, entry: int, monthly_rate: Decimal) -> None:
        """Record the monthly rate of an entry that had none.

        Raises:
            LedgerError: it cannot be written.

        """
        with writing(self.engine, mark=self.mark) as connection:
            queries.PRICE.execute(connection, entry=entry, rate=scaled(monthly_rate))

    def carry_over(self, account: Account, is_same: Callable[[str], bool]) -> None:
        """Give the entries of an earlier release, whose accounts were named by their key, to ``account``.

        Args:
            account: The account, under the name that outlives its key.
            is_same: Whether an account of an earlier release is this one.

        Raises:
            LedgerError: it cannot be written.

        """
        with reading(self.engine, self.mark) as connection:
            names = connection.execute(queries.EARLIER).scalars().all()
        for name in filter(is_same, names):
            with writing(self.engine, mark=self.mark) as connection:
                values = {"account": account.name, "key_fingerprint": account.key}
                connection.execute(entries.update().where(entries.c.account == name).values(values))

    def recent(self, **filters: Any) -> list[Entry]:
        """Return the newest entries first, filtered by what is given.

        Args:
            filters: ``account``, ``subject``, ``tool``, ``state``: only entries with exactly these.
                ``named``: only of accounts that the operator calls so, at whichever API. ``principal``: only
                of this issuer and subject, or of this subject. ``since``: only begun at this time or later,
                with a time zone. ``limit``: how many at most.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        return self._entries(queries.newest(**filters))

    def forget(self, account: str) -> None:
        """Remove the entries of an account, as when the sandbox it was about is emptied.

        Raises:
            LedgerError: it cannot be written.

        """
        with writing(self.engine, mark=self.mark) as connection:
            connection.execute(entries.delete().where(entries.c.account == account))

    def _entries(self, query: Select[Any], **parameters: Any) -> list[Entry]:
        with reading(self.engine, self.mark) as connection:
            rows = connection.execute(query, parameters).all()
        now = milliseconds(self.clock())
        return [entry_of(row, now) for row in rows]

    def _check_subject(self, connection: Connection, intent: Intent) -> None:
        (about,) = queries.ABOUT.some(connection, whose=intent.account, what=intent.subject)
        if about.ledger != self.identity:
            raise LedgerError(
                "the ledger was replaced by another one while this server runs; put it back, or restart the "
                "server to go on with what is there"
            )
        if about.unsettled:
            raise InProgressError(intent.subject)
        if about.newest != intent.newest:
            raise ChangedError(intent.subject)
