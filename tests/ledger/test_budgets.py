"""Money and counts: exact at the boundary, kept as long as something may have happened, given back if not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.errors import InProgressError, LimitReachedError, UnpricedError
from telefonie_mcp.ledger.records import Effect, Intent, State
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import ACCOUNT, NUMBER, Clock, begin, bought, buying, releasing, used

DAY = timedelta(hours=24)
INSTANT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("limit", "rates"),
    [
        ("11.5", ["1.15"] * 10),
        ("0.3", ["0.1", "0.2"]),
        ("0.0003", ["0.0001", "0.0001", "0.0001"]),
        ("999999999.9999", ["999999999.9998", "0.0001"]),
        ("0", ["0"]),
    ],
)
def test_a_budget_can_be_used_to_the_last_fraction_and_not_beyond(
    ledger: Ledger, limit: str, rates: list[str]
) -> None:
    limits = Limits(monthly_spend=Decimal(limit))
    for index, rate in enumerate(rates):
        begin(ledger, buying(f"number {index}", rate), limits)
    with pytest.raises(LimitReachedError) as refusal:
        begin(ledger, buying("one more", "0.0001"), limits)
    assert refusal.value.setting == "TELEFONIE_MAX_MONTHLY_SPEND"
    assert refusal.value.limit == refusal.value.used == Decimal(limit)
    assert len(ledger.recent()) == len(rates)


def test_a_rate_finer_than_the_ledger_keeps_counts_as_the_next_higher_one(ledger: Ledger) -> None:
    limits = Limits(monthly_spend=Decimal("1.15005"))
    with pytest.raises(LimitReachedError):
        begin(ledger, buying(rate="1.15001"), limits)
    begin(ledger, buying(rate="1.15000"), limits)


@pytest.mark.parametrize(
    ("offered", "answered", "counts"),
    [("1.15", "1.25", "1.25"), ("1.25", "1.15", "1.25"), ("1.15", None, "1.15"), (None, "1.15", "1.15")],
)
def test_the_greater_of_what_was_offered_and_answered_counts(
    ledger: Ledger, offered: str | None, answered: str | None, counts: str
) -> None:
    entry = begin(ledger, buying(rate=offered))
    ledger.finish(entry, "done", monthly_rate=None if answered is None else Decimal(answered))
    assert used(ledger) == Decimal(counts)
    assert ledger.recent()[0].monthly_rate == Decimal(counts)


def test_what_is_held_at_an_unknown_rate_refuses_what_a_spend_limit_counts(ledger: Ledger) -> None:
    limits = Limits(monthly_spend=Decimal(1))
    entry = begin(ledger, buying(rate=None), limits)
    assert ledger.recent()[0].monthly_rate is None
    with pytest.raises(UnpricedError, match=r"the monthly rate of \+14155550100 is unknown") as refusal:
        begin(ledger, buying("another", "0.0001"), limits)
    assert refusal.value.subjects == (NUMBER,)
    for other in (
        releasing("another"),
        buying("third", effect="change"),
        buying("fourth", "0.5", account="live"),
    ):
        begin(ledger, other, limits)
    begin(ledger, buying("without a limit"))
    ledger.finish(entry, "done", monthly_rate=Decimal("0.9"))
    assert used(ledger) == Decimal("2.05")


def test_a_rate_found_later_counts_and_replaces_none_that_is_known(ledger: Ledger) -> None:
    unknown, known = begin(ledger, buying("unknown", None)), bought(ledger, "known", "2")
    ledger.price(unknown, Decimal("0.90001"))
    ledger.price(known, Decimal("0.9"))
    assert {entry.subject: entry.monthly_rate for entry in ledger.recent()} == {
        "known": Decimal(2),
        "unknown": Decimal("0.9001"),
    }
    assert used(ledger) == Decimal("2.9001")


@pytest.mark.parametrize(
    ("outcomes", "state", "left"),
    [
        ([], "intent", "1.15"),
        (["done"], "done", "1.15"),
        (["unknown"], "unknown", "1.15"),
        (["unverified"], "unverified", "1.15"),
        (["refused"], "refused", "0"),
        (["not_done"], "not_done", "0"),
        (["unknown", "done"], "done", "1.15"),
        (["unknown", "not_done"], "not_done", "0"),
        (["not_done", "done"], "done", "1.15"),
        (["done", "not_done"], "done", "1.15"),
        (["done", "unknown"], "done", "1.15"),
    ],
)
def test_a_purchase_holds_its_budget_unless_it_has_not_happened(
    ledger: Ledger, outcomes: list[State], state: State, left: str
) -> None:
    entry = begin(ledger, buying())
    for outcome in outcomes:
        ledger.finish(entry, outcome)
    assert ledger.recent()[0].state == state
    assert used(ledger) == Decimal(left)


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        ("done", "2.30"),
        ("unknown", "3.45"),
        ("unverified", "3.45"),
        ("refused", "3.45"),
        ("not_done", "3.45"),
    ],
)
def test_a_release_gives_the_budget_back_when_it_is_done(ledger: Ledger, outcome: State, left: str) -> None:
    for subject in ("first", NUMBER, "third"):
        bought(ledger, subject)
    entry = begin(ledger, releasing())
    assert used(ledger) == Decimal("3.45")
    ledger.finish(entry, outcome)
    assert used(ledger) == Decimal(left)


def test_a_release_that_is_not_done_yet_says_nothing_about_a_later_purchase(ledger: Ledger) -> None:
    release = begin(ledger, releasing())
    ledger.finish(release, "not_done")
    bought(ledger)
    ledger.finish(release, "done")
    assert used(ledger) == Decimal("1.15")


def test_an_outcome_recorded_twice_does_not_hold_what_was_released_meanwhile(ledger: Ledger) -> None:
    purchase = bought(ledger)
    ledger.finish(begin(ledger, releasing()), "done")
    ledger.finish(purchase, "done")
    assert used(ledger) == 0


def test_what_is_bought_again_is_held_once(ledger: Ledger) -> None:
    bought(ledger, rate="1.15")
    bought(ledger, rate="2")
    assert used(ledger) == 2


def test_a_change_uses_no_budget(ledger: Ledger) -> None:
    nothing = Limits(monthly_spend=Decimal(0), purchases_per_day=0, releases_per_day=0)
    bought(ledger)
    ledger.finish(begin(ledger, buying(effect="change"), nothing), "done")
    assert used(ledger) == Decimal("1.15")


def test_accounts_have_budgets_of_their_own(ledger: Ledger) -> None:
    limits = Limits(monthly_spend=Decimal("1.15"), purchases_per_day=1)
    begin(ledger, buying(), limits)
    begin(ledger, buying(account="live"), limits)
    assert used(ledger) == used(ledger, "live") == Decimal("1.15")


def test_a_release_from_one_account_gives_nothing_back_to_another(ledger: Ledger) -> None:
    bought(ledger)
    ledger.finish(begin(ledger, releasing(account="live")), "done")
    assert used(ledger) == Decimal("1.15")


@pytest.mark.parametrize(
    ("effect", "limits", "setting"),
    [
        ("acquire", Limits(purchases_per_day=2), "TELEFONIE_MAX_PURCHASES_PER_DAY"),
        ("dispose", Limits(releases_per_day=2), "TELEFONIE_MAX_RELEASES_PER_DAY"),
    ],
)
def test_a_day_is_any_24_hours(
    ledger: Ledger, clock: Clock, effect: Effect, limits: Limits, setting: str
) -> None:
    def attempt(subject: str) -> int:
        return begin(ledger, buying(subject, effect=effect), limits)

    attempt("first")
    clock.move(timedelta(hours=15))
    attempt("second")
    clock.move(DAY - timedelta(hours=15) - INSTANT)
    with pytest.raises(LimitReachedError) as refusal:
        attempt("third")
    assert (refusal.value.setting, refusal.value.limit, refusal.value.used) == (setting, 2, 2)
    clock.move(INSTANT)
    attempt("third")
    with pytest.raises(LimitReachedError):
        attempt("fourth")


@pytest.mark.parametrize(
    ("state", "counts"),
    [("done", True), ("unknown", True), ("unverified", True), ("refused", False), ("not_done", False)],
)
def test_the_day_counts_what_may_have_happened(ledger: Ledger, state: State, counts: bool) -> None:
    limits = Limits(purchases_per_day=1)
    ledger.finish(begin(ledger, buying(), limits), state)
    if counts:
        with pytest.raises(LimitReachedError):
            begin(ledger, buying("another"), limits)
    else:
        begin(ledger, buying("another"), limits)


def test_the_days_of_purchases_and_releases_are_counted_apart(ledger: Ledger) -> None:
    limits = Limits(purchases_per_day=1, releases_per_day=1)
    for intent in (buying(), releasing("another"), buying("third", effect="change")):
        begin(ledger, intent, limits)


@pytest.mark.parametrize("second", [buying(), releasing(), buying(effect="change")])
def test_one_write_about_a_subject_at_a_time(ledger: Ledger, second: Intent) -> None:
    first = begin(ledger, buying())
    for state in ("intent", "unknown"):
        ledger.finish(first, state)
        with pytest.raises(InProgressError, match=r"another write about \+14155550100 has no outcome yet"):
            begin(ledger, second)
    assert [entry.id for entry in ledger.recent()] == [first]
    ledger.finish(first, "unverified")
    begin(ledger, second)


def test_the_same_subject_of_another_account_is_another_thing(ledger: Ledger) -> None:
    begin(ledger, buying(account=ACCOUNT))
    begin(ledger, buying(account="live"))
