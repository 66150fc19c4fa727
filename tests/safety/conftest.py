"""Where a ledger stands that several servers share."""

from pathlib import Path

import pytest

from tests.support.postgres import GROUP, new_schema


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=GROUP)])
def shared_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a ledger that does not exist yet, on each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite3")
    return new_schema(request.getfixturevalue("postgresql"))
