from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from telefonie_mcp.numbering.number_types import NumberType
from telefonie_mcp.sandbox.inventory import Filter, find
from telefonie_mcp.sandbox.store import Order, OwnedNumber, Refusal, Store

NOW = datetime(2026, 11, 24, 12, 30, 15, 999, tzinfo=UTC)
ORDER = Order(number="+14155550100", country="US", type="local", monthly_rate=Decimal("1.15"))


@pytest.fixture
def store() -> Store:
    return Store(":memory:")


def balance(store: Store, account: int) -> int:
    ((cents,),) = store.connection.execute("SELECT balance FROM accounts WHERE id = ?", (account,))
    return cents


def test_a_key_opens_the_same_account_every_time(store: Store) -> None:
    first = store.account("one", Decimal("5.00"))
    assert store.account("one", Decimal("9.00")) == first
    assert store.account("two", Decimal("9.00")) != first
    assert balance(store, first) == 500


def test_a_purchase_takes_the_first_month(store: Store) -> None:
    account = store.account("one", Decimal("2.00"))
    bought = store.purchase(account, replace(ORDER, voice_url="https://a.example/", friendly_name="x"), NOW)
    assert bought == OwnedNumber(
        number="+14155550100",
        country="US",
        type="local",
        friendly_name="x",
        voice_url="https://a.example/",
        sms_url=None,
        monthly_rate=Decimal("1.15"),
        date_created="2026-11-24T12:30:15Z",
    )
    assert store.get(account, "+14155550100") == bought
    assert balance(store, account) == 85


def test_an_account_can_spend_its_last_cent_and_no_more(store: Store) -> None:
    account = store.account("one", Decimal("2.30"))
    for last in range(2):
        order = replace(ORDER, number=f"+1415555010{last}")
        assert isinstance(store.purchase(account, order, NOW), OwnedNumber)
    assert balance(store, account) == 0
    assert store.purchase(account, replace(ORDER, number="+14155550109"), NOW) is Refusal.INSUFFICIENT_FUNDS
    assert store.get(account, "+14155550109") is None
    assert store.purchases("US", "local") == 2


def test_a_number_has_one_owner(store: Store) -> None:
    one, two = store.account("one", Decimal(10)), store.account("two", Decimal(10))
    store.purchase(one, ORDER, NOW)
    assert store.purchase(one, ORDER, NOW) is Refusal.ALREADY_OWNED
    assert store.purchase(two, ORDER, NOW) is Refusal.UNAVAILABLE
    assert balance(store, two) == 1000
    assert store.taken(two, [ORDER.number, "+14155550101"]) == {ORDER.number}


def test_a_private_number_has_one_owner_per_account(store: Store) -> None:
    one, two = store.account("one", Decimal(10)), store.account("two", Decimal(10))
    private = replace(ORDER, private=True)
    assert isinstance(store.purchase(one, private, NOW), OwnedNumber)
    assert store.taken(two, [ORDER.number]) == set()
    assert isinstance(store.purchase(two, private, NOW), OwnedNumber)
    assert store.purchase(two, private, NOW) is Refusal.ALREADY_OWNED
    assert store.release(one, ORDER.number)
    assert store.get(two, ORDER.number) is not None


def test_only_the_owner_sees_changes_and_releases_a_number(store: Store) -> None:
    one, two = store.account("one", Decimal(10)), store.account("two", Decimal(10))
    store.purchase(one, ORDER, NOW)
    assert store.get(two, ORDER.number) is None
    assert store.update(two, ORDER.number, {"voice_url": "https://evil.example/"}) is None
    assert not store.release(two, ORDER.number)
    kept = store.get(one, ORDER.number)
    assert kept is not None
    assert kept.voice_url is None


def test_an_update_changes_what_it_names(store: Store) -> None:
    account = store.account("one", Decimal(10))
    store.purchase(account, replace(ORDER, voice_url="https://a.example/", sms_url="https://b.example/"), NOW)
    changed = store.update(account, ORDER.number, {"voice_url": None, "friendly_name": "desk"})
    assert changed is not None
    assert (changed.voice_url, changed.sms_url, changed.friendly_name) == (None, "https://b.example/", "desk")
    assert store.update(account, ORDER.number, {}) == changed


def test_a_released_number_is_free_but_was_bought(store: Store) -> None:
    account = store.account("one", Decimal(10))
    store.purchase(account, ORDER, NOW)
    assert store.release(account, ORDER.number)
    assert not store.release(account, ORDER.number)
    assert store.taken(account, [ORDER.number]) == set()
    assert store.owned(account, None, limit=10, offset=0) == ([], 0)
    assert store.purchases("US", "local") == 1


def test_pages_follow_the_order_of_purchase(store: Store) -> None:
    account = store.account("one", Decimal(100))
    other = store.account("two", Decimal(100))
    orders = [
        replace(ORDER, number=f"+1415555{last:04}", type="toll-free" if last % 3 == 0 else "local")
        for last in (5, 3, 9, 1, 7)
    ]
    for hours, order in enumerate(orders):
        store.purchase(account, order, NOW - timedelta(hours=hours))
    store.purchase(other, replace(ORDER, number="+14155550999"), NOW)

    def page(offset: int) -> list[str]:
        return [each.number for each in store.owned(account, None, limit=2, offset=offset)[0]]

    expected = [order.number for order in orders]
    assert [*page(0), *page(2), *page(4), *page(6)] == expected
    toll_free, total = store.owned(account, "toll-free", limit=9, offset=0)
    assert ([each.number for each in toll_free], total) == (["+14155550003", "+14155550009"], 2)
    assert store.owned(account, "mobile", limit=9, offset=0) == ([], 0)
    assert store.owned(account, None, limit=9, offset=10**30) == ([], 5)


def test_dates_are_utc_whatever_the_clock_shows(store: Store) -> None:
    account = store.account("one", Decimal(10))
    elsewhere = datetime(2027, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    bought = store.purchase(account, ORDER, elsewhere)
    assert isinstance(bought, OwnedNumber)
    assert bought.date_created == "2026-12-31T23:00:00Z"


def test_the_first_attempt_is_counted_per_account_and_number(store: Store) -> None:
    one, two = store.account("one", Decimal(0)), store.account("two", Decimal(0))
    attempts = [(one, "+1"), (one, "+1"), (two, "+1"), (one, "+2"), (two, "+1")]
    assert [store.first_attempt(*attempt) for attempt in attempts] == [True, False, True, True, False]


@pytest.mark.unmeasured
def test_the_cost_of_a_request_does_not_grow_with_the_numbers_owned(store: Store) -> None:
    """Counted in steps of SQLite's virtual machine, which do not depend on the machine or its load."""
    account = store.account("one", Decimal(1_000_000))
    wanted = Filter("US", "local")
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def cost(request: Callable[[], object]) -> int:
        nonlocal steps
        steps = 0
        store.connection.set_progress_handler(count, 1)
        request()
        store.connection.set_progress_handler(None, 1)
        return steps

    def search(limit: int) -> list[str]:
        return find(
            wanted,
            limit=limit,
            purchases=store.purchases(wanted.country, wanted.type),
            taken=lambda numbers: store.taken(account, numbers),
        )

    def costs() -> dict[str, int]:
        number = search(1)[0]
        return {
            "search": cost(lambda: search(20)),
            "list": cost(lambda: store.owned(account, None, limit=20, offset=0)),
            "list a type": cost(lambda: store.owned(account, "local", limit=20, offset=0)),
            "beyond": cost(lambda: store.owned(account, None, limit=20, offset=1_000_000)),
            "get": cost(lambda: store.get(account, number)),
            "purchase": cost(lambda: store.purchase(account, replace(ORDER, number=number), NOW)),
            "release": cost(lambda: store.release(account, number)),
        }

    def own(total: int, at_once: int) -> None:
        while store.owned(account, None, limit=1, offset=0)[1] < total:
            for number in search(at_once):
                assert isinstance(store.purchase(account, replace(ORDER, number=number), NOW), OwnedNumber)

    own(100, at_once=20)
    few = costs()
    own(9_500, at_once=400)
    own(10_000, at_once=20)
    many = costs()
    assert min(few.values()) > 5
    assert {name: many[name] <= 1.5 * few[name] for name in few} == dict.fromkeys(few, True)


def test_a_walk_through_all_pages_sees_every_change(tmp_path: Path) -> None:
    here, there = Store(tmp_path / "sandbox.sqlite3"), Store(tmp_path / "sandbox.sqlite3")
    account = here.account("walker", Decimal(1000))
    numbers = [f"+1415555{number:04}" for number in range(9)]
    for number in numbers:
        here.purchase(account, Order(number, "US", "local", Decimal(1)), NOW)

    def page(offset: int, number_type: NumberType | None = None) -> list[str]:
        return [each.number for each in here.owned(account, number_type, limit=2, offset=offset)[0]]

    assert [page(0), page(2), page(6), page(2, "local")] == [numbers[a : a + 2] for a in (0, 2, 6, 2)]
    there.release(account, numbers[0])
    assert page(7) == numbers[8:9]
    assert page(0) == numbers[1:3]
    here.release(account, numbers[1])
    assert page(2) == numbers[4:6]
    here.purchase(account, Order(numbers[0], "US", "local", Decimal(1)), NOW)
    assert page(6) == [numbers[8], numbers[0]]
    here.close()
    there.close()
