"""Accounts and the numbers they own, in one SQLite file that threads and processes share.

Guarantees:

- A number has one owner. Purchases run in `BEGIN IMMEDIATE` transactions over a unique key, so of several
  buyers in any number of threads and processes exactly one wins. (A test number is private: one owner per
  account.)
- The cost of a query does not grow with the numbers owned: look-ups go by key, and counts are stored. Only
  pages far into a list cost more, by the rows they skip.
- Money is integer cents (USD).

Failures of the database raise `sqlite3.Error`.
"""

import hashlib
import sqlite3
import weakref
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from pathlib import Path
from threading import RLock
from typing import Any, Final, Literal, NamedTuple

from telefonie_mcp.numbering.number_types import NumberType
from telefonie_mcp.sandbox.database import open_database, writing

_SELECT: Final = (
    "SELECT number, country, type, friendly_name, voice_url, sms_url, monthly_rate, date_created, id "
    "FROM numbers"
)
# With the scope, SQLite looks the number up; by the account alone it would read all that the account owns.
_MINE: Final = "number = ? AND scope IN (0, ?) AND account = ?"

_PAGE_ENDS: Final = 1000  # listings whose last page is remembered at most

NumberSetting = Literal["friendly_name", "voice_url", "sms_url"]
"""What an owner can change about a number; also the names of the columns."""

Execute = Callable[[str, tuple[str | int | None, ...]], sqlite3.Cursor]


class Refusal(Enum):
    """Why a purchase did not happen."""

    ALREADY_OWNED = auto()
    UNAVAILABLE = auto()
    INSUFFICIENT_FUNDS = auto()


@dataclass(frozen=True, slots=True)
class OwnedNumber:
    """A number as its owner configured it; `monthly_rate` in USD is fixed at purchase."""

    number: str
    country: str
    type: NumberType
    friendly_name: str | None
    voice_url: str | None
    sms_url: str | None
    monthly_rate: Decimal
    date_created: str
    """RFC 3339, UTC."""


@dataclass(frozen=True, slots=True)
class Order:
    """A number to assign, with its first settings. A `private` number can be owned by several accounts."""

    number: str
    country: str
    type: NumberType
    monthly_rate: Decimal
    private: bool = False
    friendly_name: str | None = None
    voice_url: str | None = None
    sms_url: str | None = None


class _PageEnd(NamedTuple):
    """The end of a page: the database's version then, how many rows come up to it, and the last one's id."""

    version: int
    position: int
    id: int


class Store:
    """One open database. Safe to share between threads; several may be open on one file.

    Raises `SandboxError` if the database cannot be used.
    """

    def __init__(self, database: str | Path) -> None:
        self.connection: Final = open_database(database)
        # SQLite has one writer at a time anyway and reads take microseconds: one connection is enough.
        self._lock: Final = RLock()
        self._page_ends: dict[tuple[int, NumberType | None], _PageEnd] = {}
        # Not left to a server's shutdown: an application may be started and stopped several times.
        self.close: Final = weakref.finalize(self, self.connection.close)

    def account(self, key: str, balance: Decimal) -> int:
        """Return the account that `key` opens, stored as a hash; a new one starts with `balance` (USD)."""
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        known = self.rows("SELECT id FROM accounts WHERE key_hash = ?", key_hash)
        if not known:
            with self.transaction() as execute:
                execute(
                    "INSERT INTO accounts (key_hash, balance) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    (key_hash, _cents(balance)),
                )
                known = execute("SELECT id FROM accounts WHERE key_hash = ?", (key_hash,)).fetchall()
        return known[0][0]

    def taken(self, account: int, numbers: Collection[str]) -> set[str]:
        """Return those of `numbers` that `account` cannot buy.

        Somebody, perhaps itself, owns them, or they are in service elsewhere and about to be ported.
        """
        marks = ", ".join("?" * len(numbers))
        known = f"SELECT number FROM numbers WHERE number IN ({marks}) AND scope IN (0, ?)"  # noqa: S608  # marks
        porting = f"SELECT number FROM port_numbers WHERE number IN ({marks}) AND open"  # noqa: S608  # marks
        found = self.rows(f"{known} UNION {porting}", *numbers, account, *numbers)
        return {number for (number,) in found}

    def purchases(self, country: str, number_type: NumberType) -> int:
        """Count the numbers of that country and type that were ever bought, released ones included."""
        rows = self.rows("SELECT count FROM purchases WHERE country = ? AND type = ?", country, number_type)
        return rows[0][0] if rows else 0

    def purchase(self, account: int, order: Order, at: datetime) -> OwnedNumber | Refusal:
        """Assign a number to `account` and charge its first month, or return why not."""
        scope = account if order.private else 0
        cents = _cents(order.monthly_rate)
        with self.transaction() as execute:
            owner = execute(
                "SELECT account FROM numbers WHERE number = ? AND scope = ?", (order.number, scope)
            )
            for (holder,) in owner.fetchall():
                return Refusal.ALREADY_OWNED if holder == account else Refusal.UNAVAILABLE
            if execute("SELECT 1 FROM port_numbers WHERE number = ? AND open", (order.number,)).fetchone():
                return Refusal.UNAVAILABLE
            payment = execute(
                "UPDATE accounts SET balance = balance - ? WHERE id = ? AND balance >= ?",
                (cents, account, cents),
            )
            if not payment.rowcount:
                return Refusal.INSUFFICIENT_FUNDS
            bought = assign(execute, account, order, at)
            execute(
                "INSERT INTO purchases (country, type, count) VALUES (?, ?, 1) "
                "ON CONFLICT (country, type) DO UPDATE SET count = count + 1",
                (bought.country, bought.type),
            )
        return bought

    def get(self, account: int, number: str) -> OwnedNumber | None:
        """Return the number, if `account` owns it."""
        rows = self.rows(f"{_SELECT} WHERE {_MINE}", number, account, account)
        return _owned(rows[0]) if rows else None

    def owned(
        self, account: int, number_type: NumberType | None, *, limit: int, offset: int
    ) -> tuple[list[OwnedNumber], int]:
        """Return a page of what `account` owns, in the order of purchase, and how many there are in all."""
        condition = "account = ?" if number_type is None else "account = ? AND type = ?"
        values = (account,) if number_type is None else (account, number_type)
        counted = f"SELECT coalesce(sum(count), 0) FROM owned WHERE {condition}"  # noqa: S608  # constants
        total: int = self.rows(counted, *values)[0][0]
        if offset >= total:
            return [], total
        filtered = account, number_type
        with self._lock:
            end = self._last_page_end(filtered, offset)
            page = f"{_SELECT} WHERE {condition} AND id > ? ORDER BY id LIMIT ? OFFSET ?"
            rows = self.rows(page, *values, end.id, limit, offset - end.position)
            if rows:
                if len(self._page_ends) >= _PAGE_ENDS:
                    self._page_ends.clear()
                self._page_ends[filtered] = _PageEnd(end.version, offset + len(rows), rows[-1][-1])
        return [_owned(row) for row in rows], total

    def _last_page_end(self, filtered: tuple[int, NumberType | None], offset: int) -> "_PageEnd":
        """Return where the page read before this one ended, if it still ends there.

        SQLite counts all rows before an offset, so a walk through all pages would read the first ones again
        and again. Purchases come at the end; releases, here or by another process, move positions.
        """
        ((version,),) = self.rows("PRAGMA data_version")
        end = self._page_ends.get(filtered)
        if end and end.version == version and end.position <= offset:
            return end
        return _PageEnd(version, 0, 0)

    def update(
        self, account: int, number: str, changes: Mapping[NumberSetting, str | None]
    ) -> OwnedNumber | None:
        """Change the given settings of a number that `account` owns; None if it does not."""
        if changes:
            assignments = ", ".join(f"{column} = ?" for column in changes)
            with self.transaction() as execute:
                update = f"UPDATE numbers SET {assignments} WHERE {_MINE}"  # noqa: S608  # columns
                execute(update, (*changes.values(), number, account, account))
        return self.get(account, number)

    def release(self, account: int, number: str) -> bool:
        """Release a number; False if `account` does not own it. Nothing is refunded."""
        with self.transaction() as execute:
            mine = f"SELECT id, type FROM numbers WHERE {_MINE}"  # noqa: S608  # a constant
            held = execute(mine, (number, account, account))
            for identity, number_type in held.fetchall():
                self._page_ends.clear()
                execute("DELETE FROM numbers WHERE id = ?", (identity,))
                execute(
                    "UPDATE owned SET count = count - 1 WHERE account = ? AND type = ?",
                    (account, number_type),
                )
                return True
        return False

    def first_attempt(self, account: int, number: str) -> bool:
        """Record that `account` tried to buy `number`; True for the first time."""
        with self.transaction() as execute:
            attempt = "INSERT INTO attempts (account, number) VALUES (?, ?) ON CONFLICT DO NOTHING"
            return bool(execute(attempt, (account, number)).rowcount)

    def rows(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self.connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Generator[Execute]:
        """Run a block as one transaction; yields the function that executes its statements."""
        with self._lock, writing(self.connection):
            yield self.connection.execute


def assign(execute: Execute, account: int, order: Order, at: datetime) -> OwnedNumber:
    """Make `account` the owner of a number that nobody owns, as part of a transaction."""
    assigned = OwnedNumber(
        number=order.number,
        country=order.country,
        type=order.type,
        friendly_name=order.friendly_name,
        voice_url=order.voice_url,
        sms_url=order.sms_url,
        monthly_rate=order.monthly_rate,
        date_created=at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    )
    scope = account if order.private else 0
    execute(
        "INSERT INTO numbers (number, scope, account, country, type, friendly_name, "
        "voice_url, sms_url, monthly_rate, date_created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(assigned.number, scope, account, assigned.country, assigned.type, assigned.friendly_name),
            *(assigned.voice_url, assigned.sms_url, _cents(assigned.monthly_rate), assigned.date_created),
        ),
    )
    execute(
        "INSERT INTO owned (account, type, count) VALUES (?, ?, 1) "
        "ON CONFLICT (account, type) DO UPDATE SET count = count + 1",
        (account, assigned.type),
    )
    return assigned


def _cents(dollars: Decimal) -> int:
    return int(dollars * 100)


def _owned(row: tuple[Any, ...]) -> OwnedNumber:
    number, country, number_type, friendly_name, voice_url, sms_url, cents, date_created, _ = row
    return OwnedNumber(
        number=number,
        country=country,
        type=number_type,
        friendly_name=friendly_name,
        voice_url=voice_url,
        sms_url=sms_url,
        monthly_rate=Decimal(cents).scaleb(-2),
        date_created=date_created,
    )
