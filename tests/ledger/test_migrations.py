"""A ledger is brought to the newest version once, and one of a newer release is left alone."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from telefonie_mcp.ledger.database import connect, reading, writing
from telefonie_mcp.ledger.errors import ApprovalUsedError, LedgerError
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import ACCOUNT, NO_LIMITS, NUMBER, begin, bought, buying, used
from tests.support.first_release import made_by_the_first_release


def versions(ledger: Ledger) -> list[int]:
    with reading(ledger.engine) as connection:
        return [*connection.execute(text("SELECT version FROM ledger_version")).scalars()]


def identity(ledger: Ledger) -> str:
    return ledger.survey(ACCOUNT, NUMBER, NO_LIMITS).ledger


def test_a_new_ledger_has_the_newest_version(ledger: Ledger) -> None:
    assert versions(ledger) == [4]


def test_a_ledger_opened_again_is_as_it_was(url: str, ledger: Ledger) -> None:
    entry = bought(ledger)
    again = Ledger.open(url)
    assert versions(again) == [4]
    assert [found.id for found in again.recent()] == [entry]
    assert identity(again) == identity(ledger)
    again.close()


def test_every_ledger_has_an_identity_of_its_own(ledger: Ledger) -> None:
    other = Ledger.open(":memory:")
    assert len({identity(ledger), identity(other), ""}) == 3
    other.close()


def test_a_ledger_whose_making_was_cut_short_is_completed(url: str) -> None:
    engine = connect(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE ledger_version (version INTEGER NOT NULL)"))
    engine.dispose()
    ledger = Ledger.open(url)
    bought(ledger)
    assert versions(ledger) == [4]
    ledger.close()


def test_the_ledger_of_a_newer_release_is_left_alone(url: str, ledger: Ledger) -> None:
    bought(ledger)
    with writing(ledger.engine) as connection:
        connection.execute(text("UPDATE ledger_version SET version = 5"))
    with pytest.raises(
        LedgerError, match=r"^the ledger has version 5; this release knows 4\. Upgrade telefonie-mcp$"
    ):
        Ledger.open(url)
    assert versions(ledger) == [5]
    assert len(ledger.recent()) == 1


def test_a_ledger_without_principals_gets_them(url: str) -> None:
    made_by_the_first_release(url, {})
    ledger = Ledger.open(url)
    with writing(ledger.engine) as connection:
        for name in ("principal", "client"):
            connection.execute(text(f"ALTER TABLE ledger_entries DROP COLUMN {name}"))
        connection.execute(text("UPDATE ledger_version SET version = 2"))
    ledger.close()
    again = Ledger.open(url)
    assert versions(again) == [4]
    begin(again, buying("+14155550101", principal="https://id.example me", client="assistant"))
    assert [(entry.principal, entry.client) for entry in again.recent()] == [
        ("https://id.example me", "assistant"),
        ("", ""),
    ]
    again.close()


def test_the_ledger_of_the_first_release_keeps_everything_and_goes_on(url: str) -> None:
    made_by_the_first_release(
        url,
        {"approval": "spent", "previous": '{"voice_url": "https://example.com/old"}', "reason": "found"},
        {"subject": "+14155550101", "rate": None, "held": False, "state": "refused"},
        {"subject": "+14155550102", "rate": 23000, "state": "unknown"},
        {"account": "live api.telefonie.com 0123456789ab"},
    )
    ledger = Ledger.open(url)
    assert versions(ledger) == [4]
    entries = ledger.recent()[::-1]
    assert [(entry.account, entry.subject, entry.state) for entry in entries] == [
        ("sandbox", NUMBER, "done"),
        ("sandbox", "+14155550101", "refused"),
        ("sandbox", "+14155550102", "unknown"),
        ("live api.telefonie.com 0123456789ab", NUMBER, "done"),
    ]
    assert [entry.id for entry in entries] == [1, 2, 3, 4]
    first = entries[0]
    assert (first.monthly_rate, first.reason, first.key) == (Decimal("1.15"), "found", "")
    assert (first.principal, first.client) == ("", "")
    assert first.previous == {"voice_url": "https://example.com/old"}
    assert first.created.isoformat() == "2025-11-24T16:00:00+00:00"
    survey = ledger.survey(ACCOUNT, NUMBER, NO_LIMITS)
    assert [entry.id for entry in survey.abandoned] == [3]
    assert survey.newest == 1
    assert used(ledger) == Decimal("3.45")
    with pytest.raises(ApprovalUsedError):
        begin(ledger, buying("another", approval="spent"))
    assert begin(ledger, buying("another")) > 4
    known = identity(ledger)
    assert known
    ledger.close()
    again = Ledger.open(url)
    assert identity(again) == known
    assert len(again.recent()) == 5
    again.close()
