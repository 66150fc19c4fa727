"""The operations of number portability, apart from HTTP; all of them block on SQLite."""

import secrets
from datetime import datetime
from typing import Any, Final

from telefonie_mcp.sandbox.clocks import Now
from telefonie_mcp.sandbox.numbering_plan import Location, exists, locate
from telefonie_mcp.sandbox.porting import lifecycle
from telefonie_mcp.sandbox.porting.attachments import read_attachment
from telefonie_mcp.sandbox.porting.calendar import business_day_from
from telefonie_mcp.sandbox.porting.carriers import Portability, portability
from telefonie_mcp.sandbox.porting.orders import Json, PortOrder
from telefonie_mcp.sandbox.porting.parsing import PortOrderFields, PortOrdersQuery, Upload
from telefonie_mcp.sandbox.porting.rejections import WORDS
from telefonie_mcp.sandbox.porting.store import PortStore
from telefonie_mcp.sandbox.problems import Problem
from telefonie_mcp.sandbox.service import Account
from telefonie_mcp.sandbox.store import Store

_INVALID: Final = ("INVALID_NUMBER", "This is not a valid phone number.")
_NOT_SOLD: Final = ("PHONE_NUMBER_NOT_PORTABLE", WORDS["PHONE_NUMBER_NOT_PORTABLE"])
_OWNED: Final = ("ALREADY_OWNED", "This account owns the number already.")
_IN_SERVICE: Final = ("PHONE_NUMBER_NOT_PORTABLE", "The number is in service here, with another account.")
_IN_PROGRESS: Final = ("PORT_IN_PROGRESS", "The number is in an open port order.")


class Porting:
    """Number portability over one store, at the time of `now`."""

    def __init__(self, store: Store, now: Now) -> None:
        self._numbers = store
        self._orders = PortStore(store)
        self._now = now

    def advance(self) -> None:
        """Apply everything that is due; every request begins with it."""
        due = self._orders.next_due()
        if due is not None and due <= (now := self._now()):
            self._orders.advance(now, lifecycle.advanced)

    def check(self, account: Account, numbers: tuple[str, ...]) -> Json:
        """`POST /portability-checks`: for each number, what a port requires or why it is impossible."""
        now = self._now()
        return {"results": [self._checked(account, number, now) for number in numbers]}

    def create(self, account: Account, given: PortOrderFields) -> Json:
        """`POST /port-orders`: create a draft."""
        assert given.numbers is not None
        now = self._now()
        order = PortOrder(
            name=f"port_{secrets.token_hex(8)}",
            state="draft",
            created=now.replace(microsecond=0),
            **_order_facts(given.numbers),
            **given.fields,
        )
        order = lifecycle.created(order, now)
        self._orders.add(account.id, order)
        return order.details(now)

    def port_orders(self, account: Account, request: PortOrdersQuery) -> Json:
        """`GET /port-orders`: a page, newest first; beyond the last one it is empty."""
        now = self._now()
        offset = (request.page - 1) * request.page_size
        orders, total = self._orders.page(
            account.id, request.state, request.number, limit=request.page_size, offset=offset
        )
        return {"port_orders": [order.summary(now) for order in orders], "total": total}

    def get(self, account: Account, name: str) -> Json:
        """`GET /port-orders/{port_order_id}`."""
        return self._orders.get(account.id, name).details(self._now())

    def update(self, account: Account, name: str, given: PortOrderFields) -> Json:
        """`POST /port-orders/{port_order_id}`: only what is given changes."""
        now = self._now()
        changes = {**given.fields, **(_order_facts(given.numbers) if given.numbers else {})}
        return self._orders.change(
            account.id, name, lambda order: lifecycle.updated(order, changes, now)
        ).details(now)

    def upload(self, account: Account, name: str, request: Upload) -> Json:
        """`POST /port-orders/{port_order_id}/documents`."""
        now = self._now()
        attachment = read_attachment(request.type, request.file_name, request.content, now)
        return self._orders.change(
            account.id, name, lambda order: lifecycle.with_attachment(order, attachment, now)
        ).details(now)

    def submit(self, account: Account, name: str) -> Json:
        """`POST /port-orders/{port_order_id}/submit`."""
        now = self._now()
        return self._orders.change(account.id, name, lambda order: lifecycle.submitted(order, now)).details(
            now
        )

    def cancel(self, account: Account, name: str) -> Json:
        """`POST /port-orders/{port_order_id}/cancel`."""
        now = self._now()
        return self._orders.change(account.id, name, lambda order: lifecycle.cancelled(order, now)).details(
            now
        )

    def status(self, account: Account, number: str) -> Json | None:
        """Return the account's newest port order for a number, with its state; None if there is none."""
        order = self._orders.latest(account.id, number)
        return order and {"port_order_id": order.name, "status": order.state}

    def _checked(self, account: Account, number: str, now: datetime) -> Json:
        location = locate(number)
        if location is None:
            return _impossible(number, *(_NOT_SOLD if exists(number) else _INVALID))
        facts = {"country_code": location.country, "type": location.type}
        found = portability(number, location)
        if not isinstance(found, Portability):
            return _impossible(number, found, WORDS[found]) | facts
        if self._numbers.get(account.id, number):
            return _impossible(number, *_OWNED) | facts
        if self._orders.elsewhere(account.id, number):
            return _impossible(number, *_IN_SERVICE) | facts
        if self._orders.is_open(number):
            return _impossible(number, *_IN_PROGRESS) | facts
        earliest = business_day_from(location.country, now.date(), found.lead_days)
        return {
            "phone_number": number,
            "portable": True,
            **facts,
            "losing_carrier": found.carrier,
            "required": [*found.fields, *found.attachments],
            "earliest_foc_date": earliest.isoformat(),
        }


def _order_facts(numbers: tuple[str, ...]) -> dict[str, Any]:
    """Return country, carrier and number types of an order; raise `Problem` if it needs several orders."""
    located: dict[str, Location] = {}
    carriers: dict[str, str] = {}
    for number in numbers:
        location = locate(number)
        if location is None:
            if not exists(number):
                raise Problem("invalid_number", f"{number} is not a valid number.", field="phone_numbers")
            raise _not_portable(number, "PHONE_NUMBER_NOT_PORTABLE")
        found = portability(number, location)
        if not isinstance(found, Portability):
            raise _not_portable(number, found)
        located[number], carriers[number] = location, found.carrier
    countries = {location.country for location in located.values()}
    if len(countries) > 1:
        raise Problem("several_countries", field="phone_numbers")
    if len(set(carriers.values())) > 1:
        whose = "; ".join(f"{number}: {carrier}" for number, carrier in carriers.items())
        raise Problem(
            "several_carriers",
            f"A port order is for one losing carrier. Nothing was done. Make an order for each. {whose}.",
            field="phone_numbers",
        )
    return {
        "country": countries.pop(),
        "carrier": carriers[numbers[0]],
        "numbers": {number: location.type for number, location in located.items()},
    }


def _not_portable(number: str, code: str) -> Problem:
    return Problem(
        "not_portable",
        f"{number} cannot be ported ({code}). Nothing was done. Check the numbers and leave it out.",
        field="phone_numbers",
    )


def _impossible(number: str, code: str, reason: str) -> Json:
    return {"phone_number": number, "portable": False, "code": code, "reason": reason}
