"""A ledger on each kind of database that it supports."""

from collections.abc import Generator
from pathlib import Path

import pytest

from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import Clock
from tests.support.postgres import GROUP, new_schema


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=GROUP)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger shall stand that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite3")
    return new_schema(request.getfixturevalue("postgresql"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Generator[Ledger]:
    opened = Ledger.open(url, clock=clock)
    yield opened
    opened.close()
