"""A ledger on each kind of database that it supports."""

from collections.abc import Generator
from pathlib import Path

import pytest

from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import Clock
from tests.support.postgres import new_database, postgres


@pytest.fixture(scope="session")
def server() -> Generator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger shall stand that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite3")
    return new_database(request.getfixturevalue("server"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Generator[Ledger]:
    opened = Ledger.open(url, clock=clock)
    yield opened
    opened.close()
