"""A ledger is brought to the newest version once, and one of a newer release is left alone."""

import pytest
from sqlalchemy import text

from telefonie_mcp.ledger.database import connect, reading, writing
from telefonie_mcp.ledger.records import LedgerError
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import bought


def versions(ledger: Ledger) -> list[int]:
    with reading(ledger.engine) as connection:
        return [*connection.execute(text("SELECT version FROM ledger_version")).scalars()]


def test_a_new_ledger_has_the_newest_version(ledger: Ledger) -> None:
    assert versions(ledger) == [1]


def test_a_ledger_opened_again_is_as_it_was(url: str, ledger: Ledger) -> None:
    entry = bought(ledger)
    again = Ledger.open(url)
    assert versions(again) == [1]
    assert [found.id for found in again.recent()] == [entry]
    again.close()


def test_a_ledger_whose_making_was_cut_short_is_completed(url: str) -> None:
    engine = connect(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE ledger_version (version INTEGER NOT NULL)"))
    engine.dispose()
    ledger = Ledger.open(url)
    bought(ledger)
    assert versions(ledger) == [1]
    ledger.close()


def test_the_ledger_of_a_newer_release_is_left_alone(url: str, ledger: Ledger) -> None:
    bought(ledger)
    with writing(ledger.engine) as connection:
        connection.execute(text("UPDATE ledger_version SET version = 2"))
    with pytest.raises(
        LedgerError, match=r"^the ledger has version 2; this release knows 1\. Upgrade telefonie-mcp$"
    ):
        Ledger.open(url)
    assert versions(ledger) == [2]
    assert len(ledger.recent()) == 1
