"""The ledger in a database: SQLite for the processes of one machine, PostgreSQL for several machines.

Every method is one transaction and blocks; callers run it in a thread. :meth:`Ledger.begin` checks the
budgets and records the intent in the same transaction, serialised per account, so that two servers that
share a ledger cannot overspend between them.
"""

import json
import os
import platform
import secrets
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, Row, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from telefonie_mcp.ledger.records import (
    OPEN,
    ApprovalUsedError,
    Effect,
    Entry,
    InProgressError,
    Intent,
    LedgerError,
    LimitReachedError,
    Limits,
    State,
)
from telefonie_mcp.ledger.schema import accounts, entries, migrate

__all__ = ["Ledger"]

_DAY: Final = 24 * 60 * 60 * 1000
_SCALE: Final = 10_000
_BUSY_SECONDS: Final = 20
_COUNTED: Final = (*OPEN, "done")
_HOST: Final = platform.node()
_OWNER: Final = f"{_HOST}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger."""

    engine: Engine

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """Open the ledger at ``url``, creating or migrating it.

        Args:
            url: ``:memory:``, the path of a SQLite file, or an SQLAlchemy URL such as
                ``postgresql+psycopg://user:password@host/database``.

        Raises:
            LedgerError: it cannot be opened, or a newer release has written it.

        """
        with _explained("opened"):
            ledger = cls(_engine(url))
            with ledger.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(
                        "SELECT pg_advisory_xact_lock(7320451)"
                    )  # one migration at a time
                migrate(connection)
        return ledger

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
        now = _now()
        rate = None if intent.monthly_rate is None else int(intent.monthly_rate * _SCALE)
        with _explained("written"), self.engine.begin() as connection:
            _lock(connection, intent.account, now)
            same = (entries.c.account == intent.account) & (entries.c.subject == intent.subject)
            if connection.execute(select(entries.c.id).where(same, entries.c.state.in_(OPEN))).first():
                raise InProgressError(f"another write about {intent.subject} has no outcome yet")
            _check_limits(connection, intent, limits, rate or 0, now)
            values = {
                "created": now,
                "updated": now,
                "account": intent.account,
                "caller": intent.caller[:200],
                "owner": _OWNER,
                "lease": now + int(intent.lease * 1000),
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
            }
            try:
                result = connection.execute(entries.insert().values(values))
            except IntegrityError as error:
                raise ApprovalUsedError("the approval has already been used") from error
            return cast("tuple[int]", result.inserted_primary_key)[0]

    def finish(
        self, entry: int, state: State, *, reason: str = "", monthly_rate: Decimal | None = None
    ) -> None:
        """Record the outcome of an intent, and release or keep its share of the budget.

        Raises:
            LedgerError: it cannot be recorded; the entry stays open and will be looked up.

        """
        with _explained("written"), self.engine.begin() as connection:
            row = connection.execute(select(entries).where(entries.c.id == entry)).one()
            changes: dict[str, Any] = {"updated": _now(), "state": state, "reason": reason}
            if monthly_rate is not None:
                changes["rate"] = int(monthly_rate * _SCALE)
            if state in {"refused", "not_done"}:
                changes["held"] = False
            connection.execute(entries.update().where(entries.c.id == entry).values(changes))
            if row.effect == "dispose" and state == "done":
                held = (
                    (entries.c.account == row.account) & (entries.c.subject == row.subject) & entries.c.held
                )
                connection.execute(entries.update().where(held).values(held=False))

    def unfinished(self, account: str) -> list[Entry]:
        """Return the entries without a final outcome that nobody is working on any more, oldest first.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        query = (
            select(entries)
            .where(entries.c.account == account, entries.c.state.in_(OPEN))
            .order_by(entries.c.id)
        )
        with _explained("read"), self.engine.connect() as connection:
            return [entry for row in connection.execute(query) if (entry := _entry(row)).abandoned]

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

        Raises:
            LedgerError: the ledger cannot be read.

        """
        query = select(entries).order_by(entries.c.id.desc()).limit(limit)
        filters = {"account": account, "subject": subject, "tool": tool, "state": state}
        for column, value in filters.items():
            if value is not None:
                query = query.where(entries.c[column] == value)
        if since is not None:
            query = query.where(entries.c.created >= int(since.timestamp() * 1000))
        with _explained("read"), self.engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def forget(self, account: str) -> None:
        """Remove the entries of an account, as when the sandbox it was about is emptied.

        Raises:
            LedgerError: it cannot be written.

        """
        with _explained("written"), self.engine.begin() as connection:
            connection.execute(entries.delete().where(entries.c.account == account))


def _engine(url: str) -> Engine:
    if url == ":memory:":
        options: dict[str, Any] = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        engine = create_engine("sqlite://", **options)
    elif "://" in url:
        engine = create_engine(make_url(url), pool_pre_ping=True, pool_size=5, hide_parameters=True)
    else:
        path = Path(url).expanduser()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_immediate, not by the driver
    for pragma in (f"busy_timeout = {_BUSY_SECONDS * 1000}", "journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _explained(what: str) -> Generator[None]:
    """Turn whatever the database or the file system says into a :class:`LedgerError` without a secret."""
    try:
        yield
    except (SQLAlchemyError, ArgumentError, ImportError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, ArgumentError | ImportError):
            reason = "its URL is not usable; see the README for how to write it, and which driver it needs"
        else:
            reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else type(cause).__name__
            reason = f"{reason} ({cause})" if type(cause).__module__ == "sqlite3" else reason
        raise LedgerError(f"the ledger cannot be {what}: {reason}") from error


def _lock(connection: Connection, account: str, now: int) -> None:
    """Hold the account's row until the transaction ends; SQLite has locked the whole database already."""
    update = accounts.update().where(accounts.c.name == account).values(touched=now)
    if connection.execute(update).rowcount == 0:
        if connection.dialect.name == "postgresql":
            insert = "INSERT INTO ledger_accounts (name, touched) VALUES (%(name)s, 0) ON CONFLICT DO NOTHING"
            connection.exec_driver_sql(insert, {"name": account})
        else:
            connection.execute(accounts.insert().values(name=account, touched=now))
        connection.execute(update)


def _check_limits(connection: Connection, intent: Intent, limits: Limits, rate: int, now: int) -> None:
    if intent.effect == "acquire" and limits.monthly_spend is not None:
        held = (entries.c.account == intent.account) & entries.c.held
        used = int(
            connection.execute(select(func.coalesce(func.sum(entries.c.rate), 0)).where(held)).scalar_one()
        )
        if used + rate > limits.monthly_spend * _SCALE:
            spent = Decimal(used) / _SCALE
            raise LimitReachedError("TELEFONIE_MAX_MONTHLY_SPEND", limit=limits.monthly_spend, used=spent)
    daily: Mapping[Effect, tuple[str, int | None]] = {
        "acquire": ("TELEFONIE_MAX_PURCHASES_PER_DAY", limits.purchases_per_day),
        "dispose": ("TELEFONIE_MAX_RELEASES_PER_DAY", limits.releases_per_day),
        "change": ("", None),
    }
    setting, limit = daily[intent.effect]
    if limit is not None:
        counted = select(func.count()).where(
            entries.c.account == intent.account,
            entries.c.effect == intent.effect,
            entries.c.created > now - _DAY,
            entries.c.state.in_(_COUNTED),
        )
        used = connection.execute(counted).scalar_one()
        if used >= limit:
            raise LimitReachedError(setting, limit=limit, used=used)


def _entry(row: Row[Any]) -> Entry:
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
        monthly_rate=None if row.rate is None else Decimal(row.rate) / _SCALE,
        reason=row.reason,
        abandoned=row.state == "unknown"
        or (row.state == "intent" and (row.lease < _now() or _gone(row.owner))),
        arguments=json.loads(row.arguments),
        previous=None if row.previous is None else json.loads(row.previous),
    )


def _gone(owner: str) -> bool:
    """Whether ``owner`` is a process of this machine that no longer runs."""
    host, pid, _ = owner.rsplit(":", 2)
    if host != _HOST or sys.platform == "win32":  # os.kill would end the process there; the lease decides
        return False
    if int(pid) == os.getpid():
        return owner != _OWNER
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it runs, as somebody else
        return False
    return False


def _now() -> int:
    return time.time_ns() // 1_000_000
