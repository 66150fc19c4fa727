"""Several processes on one ledger: its rules hold between them, and the dead are noticed."""

from collections import Counter
from decimal import Decimal

import pytest

from telefonie_mcp.ledger.records import ApprovalUsedError, InProgressError
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import ACCOUNT, NO_LIMITS, NUMBER, buying, race, read_line, start, used

PROCESSES = 8
ATTEMPTS = 50

BUYER = """
import sys
from decimal import Decimal
from telefonie_mcp.ledger.records import LimitReachedError, Limits
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import buying

url, name, attempts = sys.argv[1:]
limits = Limits(monthly_spend=Decimal("11.50"))
print("ready", flush=True)
sys.stdin.readline()
ledger = Ledger.open(url)
done = 0
for attempt in range(int(attempts)):
    try:
        entry = ledger.begin(buying(f"{name} {attempt}", "1.15"), limits)
    except LimitReachedError:
        continue
    ledger.finish(entry, "done")
    done += 1
ledger.close()
print(done)
"""

ONCE = """
import sys
from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import NO_LIMITS, buying

url, account, subject, approval = sys.argv[1:]
ledger = Ledger.open(url)
print("ready", flush=True)
sys.stdin.readline()
try:
    ledger.finish(ledger.begin(buying(subject, account=account, approval=approval), NO_LIMITS), "unknown")
    print("executed")
except TelefonieError as error:
    print(type(error).__name__)
ledger.close()
"""

BEGINNER = """
import sys
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import NO_LIMITS, buying

ledger = Ledger.open(sys.argv[1])
print(ledger.begin(buying(), NO_LIMITS), flush=True)
sys.stdin.readline()
"""


def test_processes_spend_a_shared_budget_exactly(url: str) -> None:
    """Nothing exists yet: making the ledger is part of the race."""
    outputs = race(BUYER, [(url, f"buyer {number}", str(ATTEMPTS)) for number in range(PROCESSES)])
    assert sum(map(int, outputs)) == 10
    ledger = Ledger.open(url)
    assert Counter(entry.state for entry in ledger.recent()) == {"done": 10}
    assert used(ledger) == Decimal("11.50")
    ledger.close()


def test_an_approval_is_good_for_one_process(url: str) -> None:
    outputs = race(ONCE, [(url, f"account {number}", f"{number}", "approval") for number in range(4)])
    assert Counter(outputs) == {"executed\n": 1, "ApprovalUsedError\n": 3}
    ledger = Ledger.open(url)
    with pytest.raises(ApprovalUsedError):
        ledger.begin(buying(approval="approval"), NO_LIMITS)
    ledger.close()


def test_one_process_at_a_time_writes_about_a_subject(url: str) -> None:
    outputs = race(ONCE, [(url, ACCOUNT, NUMBER, f"approval {number}") for number in range(4)])
    assert Counter(outputs) == {"executed\n": 1, "InProgressError\n": 3}


def test_what_a_killed_process_had_begun_is_abandoned(url: str) -> None:
    ledger = Ledger.open(url)
    with start(BEGINNER, url) as process:
        try:
            begun = int(read_line(process))
            assert ledger.unfinished(ACCOUNT) == []
            with pytest.raises(InProgressError):
                ledger.begin(buying(), NO_LIMITS)
        finally:
            process.kill()
            process.wait(30)
    (entry,) = ledger.unfinished(ACCOUNT)
    assert (entry.id, entry.state, entry.subject, entry.abandoned) == (begun, "intent", NUMBER, True)
    assert used(ledger) == Decimal("1.15")
    with pytest.raises(InProgressError):
        ledger.begin(buying(), NO_LIMITS)
    ledger.finish(begun, "not_done", reason="found not to have happened")
    assert ledger.unfinished(ACCOUNT) == []
    ledger.begin(buying(), NO_LIMITS)
    ledger.close()
