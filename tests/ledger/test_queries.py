"""That the cost of a write does not grow with the ledger: SQLite tells how it would find the entries."""

from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.ledger import queries
from telefonie_mcp.ledger.prepared import Prepared, execute
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import ACCOUNT, NUMBER


@pytest.mark.parametrize(
    ("statement", "finds"),
    [
        (
            queries.KNOWN,
            [
                "ledger_by_state (account=? AND state=?) LEFT-JOIN",
                "COVERING INDEX ledger_by_subject (account=? AND subject=?)",
            ],
        ),
        (
            queries.ABOUT,
            [
                "COVERING INDEX ledger_by_subject (account=? AND subject=?)",
                "ledger_by_state (account=? AND state=?)",
            ],
        ),
        (queries.HELD, ["ledger_by_holding (account=? AND held=?)"]),
        (queries.LET_GO, ["ledger_by_holding (account=? AND held=? AND subject=? AND rowid<?)"]),
    ],
)
def test_no_write_reads_all_that_was_ever_done_to_a_number(
    tmp_path: Path, statement: Prepared, finds: list[str]
) -> None:
    ledger = Ledger.open(str(tmp_path / "ledger.sqlite3"))
    with ledger.engine.connect() as connection:
        sent: list[str] = []
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(sent.append)
        statement.execute(connection, whose=ACCOUNT, what=NUMBER, entry=1)
        driver.set_trace_callback(None)
        steps = [row[3] for row in execute(connection, f"EXPLAIN QUERY PLAN {sent[-1]}")]
    ledger.close()
    found = [step.partition("USING ")[2].removeprefix("INDEX ") for step in steps if "ledger_entries" in step]
    assert found == finds
