"""The ledger as a record: what goes in comes out, what is unfinished is found, what is spent stays spent."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import ColumnElement

from telefonie_mcp.ledger.accounts import Account, Limits
from telefonie_mcp.ledger.database import writing
from telefonie_mcp.ledger.errors import ApprovalUsedError, ChangedError, LedgerError
from telefonie_mcp.ledger.records import Intent, State, Usage
from telefonie_mcp.ledger.schema import entries
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import (
    ACCOUNT,
    LEASE,
    NO_LIMITS,
    NUMBER,
    Clock,
    abandoned,
    begin,
    bought,
    buying,
    releasing,
)
from tests.support.wire import SECONDS

MOMENT = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


def alter(ledger: Ledger, entry: int, **values: Any) -> None:
    this: ColumnElement[bool] = entries.c.id == entry
    with writing(ledger.engine) as connection:
        connection.execute(entries.update().where(this).values(values))


def test_an_entry_comes_back_as_it_was_recorded(ledger: Ledger, clock: Clock) -> None:
    begun = clock.now
    arguments = {
        "phone_number": NUMBER,
        "nested": {"list": [1, 2.5, None, True], "": "☎ “quoted” \\ \u0000 😀"},
        "hostile": "'); DROP TABLE ledger_entries; --",
    }
    previous = {"voice_url": "https://example.com/a?b=%2B&c=%s", "sms_url": None}
    intent = buying(arguments=arguments, previous=previous, caller="Büro 1.0", approval="digest")
    identifier = begin(ledger, intent)
    clock.move(timedelta(seconds=1.234))
    ledger.finish(identifier, "refused", reason="The provider says: 100 % „taken“")
    (entry,) = ledger.recent()
    assert (entry.id, entry.account, entry.caller) == (identifier, ACCOUNT, "Büro 1.0")
    assert (entry.tool, entry.operation, entry.effect) == ("purchase_number", "purchaseNumber", "acquire")
    assert (entry.subject, entry.monthly_rate) == (NUMBER, Decimal("1.15"))
    assert (entry.state, entry.reason) == ("refused", "The provider says: 100 % „taken“")
    assert (entry.created, entry.updated) == (begun, clock.now)
    assert (entry.arguments, entry.previous) == (arguments, previous)
    assert not entry.abandoned


def test_an_outcome_without_its_entry_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="has no entry 12345 any more"):
        ledger.finish(12345, "done")


def test_an_outcome_found_meanwhile_does_not_undo_one_that_is_being_recorded(ledger: Ledger) -> None:
    entry = begin(ledger, buying())
    with ThreadPoolExecutor(1) as pool:
        with writing(ledger.engine) as connection:
            connection.execute(entries.update().values(state="done"))
            looking = pool.submit(ledger.finish, entry, "not_done")
            assert wait([looking], timeout=0.1).not_done
        looking.result(SECONDS)
    assert ledger.recent()[0].state == "done"


def test_an_approval_is_good_for_one_execution(ledger: Ledger) -> None:
    first = begin(ledger, buying(approval="given once"))
    outcomes: tuple[State, ...] = ("intent", "unknown", "not_done", "done")
    for outcome in outcomes:
        ledger.finish(first, outcome)
        with pytest.raises(ApprovalUsedError, match="already been used"):
            begin(ledger, buying("another", approval="given once"))
        with pytest.raises(ApprovalUsedError):
            begin(ledger, buying(account="live", approval="given once"))
    assert [entry.id for entry in ledger.recent()] == [first]
    begin(ledger, releasing(approval="given for this"))


@pytest.mark.parametrize("later", [buying(), releasing(), buying(effect="change")])
def test_a_write_that_another_one_overtook_is_refused(ledger: Ledger, later: Intent) -> None:
    """Also where the other one has its outcome already, whatever that is: the facts may be others now."""
    outcomes: tuple[State, ...] = ("done", "refused", "not_done", "unverified")
    for outcome in outcomes:
        newest = ledger.survey(ACCOUNT, NUMBER, NO_LIMITS).newest
        overtaking = begin(ledger, later)
        ledger.finish(overtaking, outcome)
        with pytest.raises(ChangedError, match=r"^another call wrote to \+14155550100 after"):
            ledger.begin(buying(newest=newest), NO_LIMITS)
        assert ledger.recent()[0].id == overtaking


def test_what_was_written_about_something_else_overtakes_nothing(ledger: Ledger) -> None:
    bought(ledger)
    newest = ledger.survey(ACCOUNT, NUMBER, NO_LIMITS).newest
    begin(ledger, buying("another"))
    begin(ledger, buying(account="live"))
    ledger.begin(releasing(newest=newest), NO_LIMITS)


def test_what_is_known_before_a_write(ledger: Ledger, clock: Clock) -> None:
    limits = Limits(Decimal(10), 2, 2)
    assert ledger.survey(ACCOUNT, NUMBER, limits) == replace(
        ledger.survey("live", "another", NO_LIMITS), newest=None, busy=False, abandoned=(), usage=Usage()
    )
    first, second = bought(ledger), begin(ledger, buying("another", None))
    begin(ledger, releasing("third"))
    ledger.finish(begin(ledger, buying("fourth", "7")), "refused")
    known = ledger.survey(ACCOUNT, NUMBER, limits)
    assert (known.newest, known.busy, known.abandoned) == (first, False, ())
    assert known.usage.spend == 0  # without the subject itself
    assert [entry.id for entry in known.usage.unpriced] == [second]
    assert (known.usage.acquired, known.usage.disposed) == ((clock.now, clock.now), (clock.now,))
    other = ledger.survey(ACCOUNT, "another", limits)
    assert (other.newest, other.busy, other.usage.spend, other.usage.unpriced) == (
        second,
        True,
        Decimal("1.15"),
        (),
    )
    assert ledger.survey(ACCOUNT, NUMBER, NO_LIMITS).usage == Usage()
    clock.move(timedelta(hours=24))
    assert ledger.survey(ACCOUNT, NUMBER, limits).usage.acquired == ()


def test_writes_without_an_approval_do_not_exclude_each_other(ledger: Ledger) -> None:
    begin(ledger, buying("first"))
    begin(ledger, buying("second"))


def test_what_somebody_works_on_is_not_unfinished(ledger: Ledger) -> None:
    begin(ledger, buying())
    assert abandoned(ledger) == []
    assert not ledger.recent()[0].abandoned


def test_an_intent_is_abandoned_when_its_lease_is_over(ledger: Ledger, clock: Clock) -> None:
    identifier = begin(ledger, buying())
    clock.move(timedelta(seconds=LEASE))
    assert abandoned(ledger) == []
    clock.move(MOMENT)
    (entry,) = abandoned(ledger)
    assert (entry.id, entry.state, entry.abandoned) == (identifier, "intent", True)
    assert ledger.recent() == [entry]


def test_an_intent_is_abandoned_when_an_earlier_process_of_the_same_number_began_it(ledger: Ledger) -> None:
    identifier = begin(ledger, buying())
    with writing(ledger.engine) as connection:
        owner = connection.execute(entries.select()).one().owner
    alter(ledger, identifier, owner=f"{owner}0")
    assert [entry.id for entry in abandoned(ledger)] == [identifier]


def test_an_intent_of_another_machine_is_abandoned_only_by_its_lease(ledger: Ledger, clock: Clock) -> None:
    identifier = begin(ledger, buying())
    alter(ledger, identifier, owner="elsewhere.example:1:0a0a")
    assert abandoned(ledger) == []
    clock.move(timedelta(seconds=LEASE) + MOMENT)
    assert [entry.id for entry in abandoned(ledger)] == [identifier]


@pytest.mark.parametrize(
    ("state", "unfinished"),
    [
        ("unknown", True),
        ("done", False),
        ("refused", False),
        ("not_done", False),
        ("unverified", False),
    ],
)
def test_only_an_unknown_outcome_is_unfinished(
    ledger: Ledger, clock: Clock, state: State, unfinished: bool
) -> None:
    ledger.finish(begin(ledger, buying()), state)
    clock.move(timedelta(seconds=2 * LEASE))
    assert bool(abandoned(ledger)) is unfinished


def test_unfinished_entries_come_oldest_first_and_from_one_account(ledger: Ledger) -> None:
    ids = [begin(ledger, buying(subject)) for subject in ("a", "b", "c")]
    other = begin(ledger, buying(account="live"))
    for identifier in (ids[2], other, ids[0], ids[1]):
        ledger.finish(identifier, "unknown")
    assert [entry.id for entry in abandoned(ledger)] == ids
    assert [entry.id for entry in abandoned(ledger, "live")] == [other]
    assert abandoned(ledger, "nobody's") == []


def test_recent_entries_come_newest_first_and_filtered(ledger: Ledger, clock: Clock) -> None:
    first = bought(ledger)
    clock.move(HOUR)
    release = begin(ledger, releasing())
    ledger.finish(release, "unknown")
    other = begin(ledger, buying("+442079460123", account="live"))

    def ids(**filters: Any) -> list[int]:
        return [entry.id for entry in ledger.recent(**filters)]

    assert ids() == [other, release, first]
    assert ids(limit=2) == [other, release]
    assert ids(account=ACCOUNT) == [release, first]
    assert ids(account="live") == [other]
    assert ids(subject=NUMBER) == [release, first]
    assert ids(tool="purchase_number") == [other, first]
    assert ids(state="unknown") == [release]
    assert ids(since=clock.now) == [other, release]
    assert ids(since=clock.now + MOMENT) == []
    assert ids(account=ACCOUNT, tool="purchase_number", state="done", since=clock.now - HOUR) == [first]
    assert ids(account=ACCOUNT, tool="purchase_number", state="unknown") == []


def test_a_forgotten_account_leaves_the_others_alone(ledger: Ledger) -> None:
    first = bought(ledger)
    begin(ledger, buying("in progress", approval="once"))
    other = begin(ledger, buying(account="live"))
    ledger.forget(ACCOUNT)
    assert [entry.id for entry in ledger.recent()] == [other]
    again = begin(ledger, buying("in progress", approval="once"))
    assert again not in {first, other}


def test_entries_of_an_earlier_name_are_carried_over_and_no_others(ledger: Ledger) -> None:
    names = ("live api.example 0a", "live api.example 0b", "sandbox", "default api.example:443")
    for name in names:
        begin(ledger, buying(account=name))
    account = Account("default api.example:443", "0a")
    for _ in range(2):
        ledger.carry_over(account, names[0].__eq__)
        assert {(entry.account, entry.key) for entry in ledger.recent()} == {
            ("default api.example:443", "0a"),
            ("default api.example:443", ""),
            ("live api.example 0b", ""),
            ("sandbox", ""),
        }


def test_ids_are_not_used_again(ledger: Ledger) -> None:
    last = bought(ledger)
    ledger.forget(ACCOUNT)
    assert bought(ledger) > last


def test_entries_are_found_by_the_name_of_the_account_and_by_the_principal(ledger: Ledger) -> None:
    issuer = "https://id.example/100%_a"
    for account, subject, principal in (
        ("acme api.example:443", "+14155550101", f"{issuer} person-1"),
        ("acme api.example:443", "+14155550102", f"{issuer} person-2"),
        ("acme2 api.example:443", "+14155550103", "https://other.example person-1"),
        ("acme", "+14155550104", ""),
    ):
        begin(ledger, buying(subject, account=account, principal=principal, client="assistant"))

    def found(**filters: str) -> list[str]:
        return [entry.subject[-1] for entry in ledger.recent(**filters)]

    assert found(named="acme") == ["4", "2", "1"]
    assert found(account="acme") == ["4"]
    assert found(principal="person-1") == ["3", "1"]
    assert found(principal=f"{issuer} person-1") == ["1"]
    assert found(principal="%") == found(principal="erson-1") == found(named="acm_") == []
    assert found(named="acme2", principal="person-1") == ["3"]
