"""The operations of the Number Management API, apart from HTTP.

Each takes an account and a parsed request, returns the JSON that the document describes, and raises a
`Problem` where it cannot. All of them block on SQLite: call them in a thread.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice, zip_longest
from typing import Final

from telefonie_mcp.sandbox import triggers
from telefonie_mcp.sandbox.inventory import Filter, find
from telefonie_mcp.sandbox.numbering_plan import display, exists, locate
from telefonie_mcp.sandbox.parsing import OwnedNumbersQuery, Purchase, Search
from telefonie_mcp.sandbox.pricing import Requirement, terms
from telefonie_mcp.sandbox.problems import Problem, rate_limited
from telefonie_mcp.sandbox.store import NumberSetting, Order, OwnedNumber, Refusal, Store
from telefonie_mcp.sandbox.triggers import Fault, Faulty
from telefonie_mcp.sandbox.values import Json

STARTING_BALANCE: Final = Decimal("1000.00")
"""What a new account has, in USD, unless the sandbox is created with another balance."""

_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")
_EMBEDDED_KEY: Final = ""  # no header can open this account


@dataclass(frozen=True, slots=True)
class Account:
    """An account, by its number in the store. A `verified` one meets every regulatory requirement."""

    id: int
    verified: bool = True


class Service:
    """The API over one store. New accounts start with `balance` (USD); `clock` dates the purchases."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime], balance: Decimal) -> None:
        self._store = store
        self._clock = clock
        self._balance = balance

    def embedded(self) -> Account:
        """Return the only account of an embedded sandbox."""
        return Account(self._store.account(_EMBEDDED_KEY, self._balance))

    def account(self, key: str | None) -> Account:
        """Return the account of an API key; a well-formed key opens its account at first use."""
        if key is None or not _KEY.fullmatch(key):
            raise Problem("unauthorized")
        triggers.check_key(key)
        balance = Decimal(0) if key == triggers.BROKE_KEY else self._balance
        return Account(self._store.account(key, balance), verified=key != triggers.UNVERIFIED_KEY)

    def search(self, account: Account, request: Search) -> Json:
        """`GET /available`: free numbers, alternating between types."""
        found: list[list[Json]] = []
        for number_type in request.types:
            offer = terms(request.country, number_type)
            if request.sms in {None, offer.sms} and request.voice in {None, offer.voice}:
                wanted = Filter(request.country, number_type, request.area_code, request.contains)
                found.append(
                    [_available(number, wanted) for number in self._free(account, wanted, request.limit)]
                )
        turns = chain.from_iterable(zip_longest(*found))
        return {"available_numbers": list(islice((number for number in turns if number), request.limit))}

    def owned_numbers(self, account: Account, request: OwnedNumbersQuery) -> Json:
        """`GET /owned`: a page in the order of purchase; beyond the last one it is empty."""
        offset = (request.page - 1) * request.page_size
        numbers, total = self._store.owned(account.id, request.type, limit=request.page_size, offset=offset)
        return {"numbers": [_owned(number) for number in numbers], "total": total}

    def purchase(self, account: Account, request: Purchase) -> Json | Faulty:
        """`POST /owned`: the new number, perhaps with a fault that its response is to have."""
        trigger = triggers.TRIGGERS.get(request.number)
        if trigger and trigger.problem:
            raise triggers.problem(trigger.problem)
        fault = trigger.fault if trigger else None
        if fault is Fault.FIRST_ATTEMPT_LIMITED and self._store.first_attempt(account.id, request.number):
            raise rate_limited(seconds=1)
        location = triggers.TEST_NUMBERS if trigger else locate(request.number)
        if location is None:
            code = "number_unavailable" if exists(request.number) else "invalid_number"
            raise Problem(code, field="phone_number")
        offer = terms(*location)
        if not account.verified:
            _check_regulation(offer.requires)
        order = Order(
            number=request.number,
            country=location.country,
            type=location.type,
            monthly_rate=offer.monthly_rate,
            private=trigger is not None,
            **request.settings,
        )
        match self._store.purchase(account.id, order, self._clock()):
            case OwnedNumber() as number:
                return Faulty(_owned(number), fault) if fault else _owned(number)
            case Refusal.ALREADY_OWNED:
                raise Problem("already_owned")
            case Refusal.UNAVAILABLE:
                raise Problem("number_unavailable")
            case Refusal.INSUFFICIENT_FUNDS:
                raise Problem("insufficient_funds")

    def get(self, account: Account, number: str) -> Json:
        """`GET /owned/{phone_number}`."""
        return _owned(_mine(self._store.get(account.id, number)))

    def update(self, account: Account, number: str, changes: Mapping[NumberSetting, str | None]) -> Json:
        """`POST /owned/{phone_number}`: only the given settings change."""
        return _owned(_mine(self._store.update(account.id, number, changes)))

    def release(self, account: Account, number: str) -> None:
        """`DELETE /owned/{phone_number}`: the number is available again at once."""
        if not self._store.release(account.id, number):
            raise Problem("number_not_owned")

    def _free(self, account: Account, wanted: Filter, limit: int) -> list[str]:
        test_numbers = triggers.found_by(wanted)
        taken = self._store.taken(account.id, test_numbers)
        found = find(
            wanted,
            limit=limit,
            purchases=self._store.purchases(wanted.country, wanted.type),
            taken=lambda numbers: self._store.taken(account.id, numbers),
        )
        return [*(number for number in test_numbers if number not in taken), *found][:limit]


def _mine(number: OwnedNumber | None) -> OwnedNumber:
    if number is None:
        raise Problem("number_not_owned")
    return number


def _check_regulation(requirement: Requirement) -> None:
    match requirement:
        case Requirement.NOTHING:
            return
        case Requirement.ADDRESS:
            raise Problem("address_required")
        case Requirement.BUNDLE:
            raise Problem("bundle_required")


def _available(number: str, wanted: Filter) -> Json:
    offer = terms(wanted.country, wanted.type)
    return {
        "phone_number": number,
        "friendly_name": display(number),
        "country_code": wanted.country,
        "type": wanted.type,
        "capabilities": offer.capabilities(),
        "monthly_rate": str(offer.monthly_rate),
    }


def _owned(number: OwnedNumber) -> Json:
    webhooks = {"voice_url": number.voice_url, "sms_url": number.sms_url}
    return {
        "phone_number": number.number,
        "friendly_name": number.friendly_name or display(number.number),
        "type": number.type,
        "country_code": number.country,
        "capabilities": terms(number.country, number.type).capabilities(),
        **{name: url for name, url in webhooks.items() if url},
        "date_created": number.date_created,
        "monthly_rate": str(number.monthly_rate),
    }
