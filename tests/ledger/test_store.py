"""The ledger as a record: what goes in comes out, what is unfinished is found, what is spent stays spent."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import ColumnElement

from telefonie_mcp.ledger.database import writing
from telefonie_mcp.ledger.records import ApprovalUsedError, LedgerError, State
from telefonie_mcp.ledger.schema import entries
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import ACCOUNT, LEASE, NO_LIMITS, NUMBER, Clock, bought, buying, releasing

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
    identifier = ledger.begin(intent, NO_LIMITS)
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
    entry = ledger.begin(buying(), NO_LIMITS)
    with ThreadPoolExecutor(1) as pool:
        with writing(ledger.engine) as connection:
            connection.execute(entries.update().values(state="done"))
            looking = pool.submit(ledger.finish, entry, "not_done")
            assert wait([looking], timeout=0.1).not_done
        looking.result(timeout=10)
    assert ledger.recent()[0].state == "done"


def test_an_approval_is_good_for_one_execution(ledger: Ledger) -> None:
    first = ledger.begin(buying(approval="given once"), NO_LIMITS)
    outcomes: tuple[State, ...] = ("intent", "unknown", "not_done", "done")
    for outcome in outcomes:
        ledger.finish(first, outcome)
        with pytest.raises(ApprovalUsedError, match="already been used"):
            ledger.begin(buying("another", approval="given once"), NO_LIMITS)
        with pytest.raises(ApprovalUsedError):
            ledger.begin(buying(account="live", approval="given once"), NO_LIMITS)
    assert [entry.id for entry in ledger.recent()] == [first]
    ledger.begin(releasing(approval="given for this"), NO_LIMITS)


def test_writes_without_an_approval_do_not_exclude_each_other(ledger: Ledger) -> None:
    ledger.begin(buying("first"), NO_LIMITS)
    ledger.begin(buying("second"), NO_LIMITS)


def test_what_somebody_works_on_is_not_unfinished(ledger: Ledger) -> None:
    ledger.begin(buying(), NO_LIMITS)
    assert ledger.unfinished(ACCOUNT) == []
    assert not ledger.recent()[0].abandoned


def test_an_intent_is_abandoned_when_its_lease_is_over(ledger: Ledger, clock: Clock) -> None:
    identifier = ledger.begin(buying(), NO_LIMITS)
    clock.move(timedelta(seconds=LEASE))
    assert ledger.unfinished(ACCOUNT) == []
    clock.move(MOMENT)
    (entry,) = ledger.unfinished(ACCOUNT)
    assert (entry.id, entry.state, entry.abandoned) == (identifier, "intent", True)
    assert ledger.recent() == [entry]


def test_an_intent_is_abandoned_when_an_earlier_process_of_the_same_number_began_it(ledger: Ledger) -> None:
    identifier = ledger.begin(buying(), NO_LIMITS)
    with writing(ledger.engine) as connection:
        owner = connection.execute(entries.select()).one().owner
    alter(ledger, identifier, owner=f"{owner}0")
    assert [entry.id for entry in ledger.unfinished(ACCOUNT)] == [identifier]


def test_an_intent_of_another_machine_is_abandoned_only_by_its_lease(ledger: Ledger, clock: Clock) -> None:
    identifier = ledger.begin(buying(), NO_LIMITS)
    alter(ledger, identifier, owner="elsewhere.example:1:0a0a")
    assert ledger.unfinished(ACCOUNT) == []
    clock.move(timedelta(seconds=LEASE) + MOMENT)
    assert [entry.id for entry in ledger.unfinished(ACCOUNT)] == [identifier]


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
    ledger.finish(ledger.begin(buying(), NO_LIMITS), state)
    clock.move(timedelta(seconds=2 * LEASE))
    assert bool(ledger.unfinished(ACCOUNT)) is unfinished


def test_unfinished_entries_come_oldest_first_and_from_one_account(ledger: Ledger) -> None:
    ids = [ledger.begin(buying(subject), NO_LIMITS) for subject in ("a", "b", "c")]
    other = ledger.begin(buying(account="live"), NO_LIMITS)
    for identifier in (ids[2], other, ids[0], ids[1]):
        ledger.finish(identifier, "unknown")
    assert [entry.id for entry in ledger.unfinished(ACCOUNT)] == ids
    assert [entry.id for entry in ledger.unfinished("live")] == [other]
    assert ledger.unfinished("nobody's") == []


def test_recent_entries_come_newest_first_and_filtered(ledger: Ledger, clock: Clock) -> None:
    first = bought(ledger)
    clock.move(HOUR)
    release = ledger.begin(releasing(), NO_LIMITS)
    ledger.finish(release, "unknown")
    other = ledger.begin(buying("+442079460123", account="live"), NO_LIMITS)

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
    ledger.begin(buying("in progress", approval="once"), NO_LIMITS)
    other = ledger.begin(buying(account="live"), NO_LIMITS)
    ledger.forget(ACCOUNT)
    assert [entry.id for entry in ledger.recent()] == [other]
    again = ledger.begin(buying("in progress", approval="once"), NO_LIMITS)
    assert again not in {first, other}


def test_ids_are_not_used_again(ledger: Ledger) -> None:
    last = bought(ledger)
    ledger.forget(ACCOUNT)
    assert bought(ledger) > last
