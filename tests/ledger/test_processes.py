"""Several processes on one ledger: its rules hold between them, and the dead are noticed."""

from collections import Counter
from decimal import Decimal

import pytest

from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.errors import ApprovalUsedError, InProgressError, LimitReachedError
from telefonie_mcp.ledger.owner import OWNER
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import ACCOUNT, NO_LIMITS, NUMBER, abandoned, buying, used
from tests.support.processes import Pipe, race, started

PROCESSES = 8
ATTEMPTS = 50

LIMITS = Limits(monthly_spend=Decimal("11.50"))


def buy(test: Pipe, url: str, name: str) -> None:
    """Try to buy for 1.15 again and again, and answer how often that went well."""
    test.send("ready")
    test.recv()
    ledger = Ledger.open(url)
    done = 0
    for attempt in range(ATTEMPTS):
        try:
            entry = ledger.begin(buying(f"{name} {attempt}", "1.15"), LIMITS)
        except LimitReachedError:
            continue
        ledger.finish(entry, "done")
        done += 1
    ledger.close()
    test.send(done)


def buy_once(test: Pipe, url: str, account: str, subject: str, approval: str) -> None:
    """Buy, lose the outcome, and answer that it was executed, or the name of the error."""
    ledger = Ledger.open(url)
    test.send("ready")
    test.recv()
    try:
        entry = ledger.begin(buying(subject, account=account, approval=approval), NO_LIMITS)
        ledger.finish(entry, "unknown")
        test.send("executed")
    except TelefonieError as error:
        test.send(type(error).__name__)
    ledger.close()


def begin(test: Pipe, url: str) -> None:
    """Begin a purchase, say which entry that is, and stay."""
    ledger = Ledger.open(url)
    test.send((ledger.begin(buying(), NO_LIMITS), OWNER))
    test.recv()


def test_processes_spend_a_shared_budget_exactly(url: str) -> None:
    """Nothing exists yet: making the ledger is part of the race."""
    assert sum(race(buy, [(url, f"buyer {number}") for number in range(PROCESSES)])) == 10
    ledger = Ledger.open(url)
    assert Counter(entry.state for entry in ledger.recent()) == {"done": 10}
    assert used(ledger) == Decimal("11.50")
    ledger.close()


def test_an_approval_is_good_for_one_process(url: str) -> None:
    answers = race(buy_once, [(url, f"account {number}", f"{number}", "approval") for number in range(4)])
    assert Counter(answers) == {"executed": 1, "ApprovalUsedError": 3}
    ledger = Ledger.open(url)
    with pytest.raises(ApprovalUsedError):
        ledger.begin(buying(approval="approval"), NO_LIMITS)
    ledger.close()


def test_one_process_at_a_time_writes_about_a_subject(url: str) -> None:
    answers = race(buy_once, [(url, ACCOUNT, NUMBER, f"approval {number}") for number in range(4)])
    assert Counter(answers) == {"executed": 1, "InProgressError": 3}


def test_what_a_killed_process_had_begun_is_abandoned(url: str) -> None:
    ledger = Ledger.open(url)
    with started(begin, url) as process:
        begun, owner = process.receive()
        assert owner != OWNER
        assert abandoned(ledger) == []
        with pytest.raises(InProgressError):
            ledger.begin(buying(), NO_LIMITS)
        process.kill()
    (entry,) = abandoned(ledger)
    assert (entry.id, entry.state, entry.subject, entry.abandoned) == (begun, "intent", NUMBER, True)
    assert used(ledger) == Decimal("1.15")
    with pytest.raises(InProgressError):
        ledger.begin(buying(), NO_LIMITS)
    ledger.finish(begun, "not_done", reason="found not to have happened")
    assert abandoned(ledger) == []
    ledger.begin(buying(newest=begun), NO_LIMITS)
    ledger.close()
