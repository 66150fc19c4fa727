"""Port orders in the sandbox's database.

Guarantees: a number is in at most one open order and cannot be bought meanwhile; an order is read and changed
in one transaction; ported numbers belong to the account from the moment of the port.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any, Final

from telefonie_mcp.sandbox.porting.orders import Attachment, PortEvent, PortOrder
from telefonie_mcp.sandbox.porting.states import OPEN, OrderState
from telefonie_mcp.sandbox.pricing import terms
from telefonie_mcp.sandbox.problems import Problem
from telefonie_mcp.sandbox.store import Execute, Order, Store, assign

_DATES: Final = ("requested_date", "foc_date")
_MOMENTS: Final = ("created", "due")
_IN_OTHER_TABLES: Final = ("numbers", "attachments", "events")
_COLUMNS: Final = tuple(member.name for member in fields(PortOrder) if member.name not in _IN_OTHER_TABLES)
_SELECT: Final = f"SELECT id, account, {', '.join(_COLUMNS)} FROM port_orders"  # noqa: S608  # constants


class PortStore:
    """The port orders of all accounts, over the sandbox's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, account: int, order: PortOrder) -> None:
        """Store a new order.

        Raises `Problem` if one of its numbers is owned or in another open order.
        """
        columns = _columns(order)
        with self._store.transaction() as execute:
            self._check_free(account, order.numbers)
            added = execute(
                f"INSERT INTO port_orders (account, {', '.join(columns)}) "  # noqa: S608  # constants
                f"VALUES (?{', ?' * len(columns)})",
                (account, *columns.values()),
            )
            assert added.lastrowid is not None
            _write_numbers(execute, added.lastrowid, order)
            _append(execute, added.lastrowid, order.attachments, order.events)

    def get(self, account: int, name: str) -> PortOrder:
        """Return an order of `account`; raises `Problem` if it has no such order."""
        return self._find(account, name)[1]

    def change(self, account: int, name: str, operation: Callable[[PortOrder], PortOrder]) -> PortOrder:
        """Apply `operation` to an order of `account`; store and return the result."""
        with self._store.transaction() as execute:
            identity, before = self._find(account, name)
            after = operation(before)
            self._keep(execute, account, identity, before, after)
        return after

    def page(
        self, account: int, state: OrderState | None, number: str | None, *, limit: int, offset: int
    ) -> tuple[list[PortOrder], int]:
        """Return a page of the orders of `account`, newest first, and how many there are in all."""
        condition = "account = ?"
        values: list[str | int] = [account]
        if state is not None:
            condition += " AND state = ?"
            values.append(state)
        if number is not None:
            condition += " AND id IN (SELECT port_order FROM port_numbers WHERE number = ?)"
            values.append(number)
        counted = f"SELECT count(*) FROM port_orders WHERE {condition}"  # noqa: S608  # constants
        total: int = self._store.rows(counted, *values)[0][0]
        if offset >= total:
            return [], total
        found = f"{_SELECT} WHERE {condition} ORDER BY id DESC LIMIT ? OFFSET ?"
        return [self._order(row) for row in self._store.rows(found, *values, limit, offset)], total

    def latest(self, account: int, number: str) -> PortOrder | None:
        """Return the newest order of `account` that has the number."""
        orders, _ = self.page(account, None, number, limit=1, offset=0)
        return orders[0] if orders else None

    def elsewhere(self, account: int, number: str) -> bool:
        """Return whether another account of the sandbox owns the number."""
        owned = "SELECT 1 FROM numbers WHERE number = ? AND scope = 0 AND account <> ?"
        return bool(self._store.rows(owned, number, account))

    def is_open(self, number: str) -> bool:
        """Return whether the number is in an open order of any account."""
        return bool(self._store.rows("SELECT 1 FROM port_numbers WHERE number = ? AND open", number))

    def next_due(self) -> datetime | None:
        """Return the earliest due time of all orders, if any has one."""
        ((due,),) = self._store.rows("SELECT min(due) FROM port_orders WHERE due IS NOT NULL")
        return None if due is None else _moment(due)

    def advance(self, now: datetime, step: Callable[[PortOrder, datetime], PortOrder]) -> None:
        """Apply `step` to every order that is due, of all accounts."""
        due = f"{_SELECT} WHERE due <= ? ORDER BY due, id"
        moment = int(now.timestamp())
        with self._store.transaction() as execute:
            for row in self._store.rows(due, moment):
                before = self._order(row)
                self._keep(execute, row[1], row[0], before, step(before, now))

    def _find(self, account: int, name: str) -> tuple[int, PortOrder]:
        rows = self._store.rows(f"{_SELECT} WHERE name = ? AND account = ?", name, account)
        if not rows:
            raise Problem("port_order_not_found")
        return rows[0][0], self._order(rows[0])

    def _order(self, row: tuple[Any, ...]) -> PortOrder:
        identity, _, *values = row
        columns = dict(zip(_COLUMNS, values, strict=True))
        columns |= {name: date.fromisoformat(columns[name]) for name in _DATES if columns[name]}
        columns |= {name: _moment(columns[name]) for name in _MOMENTS if columns[name] is not None}
        numbers = "SELECT number, type FROM port_numbers WHERE port_order = ? ORDER BY rowid"
        attachments = (
            "SELECT type, file_name, media_type, size, sha256, uploaded FROM port_documents "
            "WHERE port_order = ? ORDER BY id"
        )
        events = "SELECT at, kind, state, code FROM port_events WHERE port_order = ? ORDER BY id"
        rows = self._store.rows
        return PortOrder(
            **columns,
            numbers=dict(rows(numbers, identity)),
            attachments=tuple(_attachment(row) for row in rows(attachments, identity)),
            events=tuple(_event(row) for row in rows(events, identity)),
        )

    def _keep(
        self, execute: Execute, account: int, identity: int, before: PortOrder, after: PortOrder
    ) -> None:
        columns = _columns(after)
        assignments = ", ".join(f"{column} = ?" for column in columns)
        update = f"UPDATE port_orders SET {assignments} WHERE id = ?"  # noqa: S608  # constants
        execute(update, (*columns.values(), identity))
        if before.numbers != after.numbers:
            self._check_free(account, after.numbers.keys() - before.numbers.keys())
            execute("DELETE FROM port_numbers WHERE port_order = ?", (identity,))
            _write_numbers(execute, identity, after)
        if after.state not in OPEN:
            execute("UPDATE port_numbers SET open = 0 WHERE port_order = ?", (identity,))
        new_events = after.events[len(before.events) :]
        _append(execute, identity, after.attachments[len(before.attachments) :], new_events)
        if after.state == "ported" != before.state:
            _assign_numbers(execute, account, after)

    def _check_free(self, account: int, numbers: Collection[str]) -> None:
        for number in numbers:
            owners = "SELECT account FROM numbers WHERE number = ? AND scope IN (0, ?)"
            for (owner,) in self._store.rows(owners, number, account):
                if owner == account:
                    raise Problem("already_owned", f"This account owns {number} already. Nothing was done.")
                raise Problem("not_portable", f"{number} is in service here already. Nothing was done.")
            if self.is_open(number):
                raise Problem(
                    "port_in_progress",
                    f"{number} is in another open port order. Nothing was done. List the port orders with "
                    "phone_number to find it; cancel it first if it is yours.",
                    field="phone_numbers",
                )


def _columns(order: PortOrder) -> Mapping[str, str | int | None]:
    values: dict[str, Any] = {name: getattr(order, name) for name in _COLUMNS}
    values |= {name: day.isoformat() for name in _DATES if (day := values[name])}
    return values | {name: int(at.timestamp()) for name in _MOMENTS if (at := values[name])}


def _write_numbers(execute: Execute, identity: int, order: PortOrder) -> None:
    for number, number_type in order.numbers.items():
        execute("INSERT INTO port_numbers VALUES (?, ?, ?, 1)", (identity, number, number_type))


def _append(
    execute: Execute, identity: int, attachments: tuple[Attachment, ...], events: tuple[PortEvent, ...]
) -> None:
    for attachment in attachments:
        execute(
            "INSERT INTO port_documents (port_order, type, file_name, media_type, size, sha256, uploaded) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(identity, attachment.type, attachment.file_name, attachment.media_type, attachment.size),
                *(attachment.sha256, int(attachment.uploaded.timestamp())),
            ),
        )
    for event in events:
        execute(
            "INSERT INTO port_events (port_order, at, kind, state, code) VALUES (?, ?, ?, ?, ?)",
            (identity, int(event.at.timestamp()), event.kind, event.state, event.code),
        )


def _assign_numbers(execute: Execute, account: int, order: PortOrder) -> None:
    for number, number_type in order.numbers.items():
        arrived = Order(
            number=number,
            country=order.country,
            type=number_type,
            monthly_rate=terms(order.country, number_type).monthly_rate,
            friendly_name=order.friendly_name,
            voice_url=order.voice_url,
            sms_url=order.sms_url,
        )
        assign(execute, account, arrived, order.events[-1].at)


def _attachment(row: tuple[Any, ...]) -> Attachment:
    kind, file_name, media_type, size, sha256, uploaded = row
    return Attachment(kind, file_name, media_type, size, sha256, _moment(uploaded))


def _event(row: tuple[Any, ...]) -> PortEvent:
    at, kind, state, code = row
    return PortEvent(_moment(at), kind, state, code)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
