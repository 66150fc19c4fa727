from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from telefonie_mcp.sandbox import SandboxError, clock, create_sandbox, move_clock, reset, reset_clock
from telefonie_mcp.sandbox.clocks import distance
from tests.sandbox.support import connect

NUMBER = "+14155550100"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.sqlite3"


def is_ahead(ask: Callable[[], datetime], by: timedelta) -> bool:
    """Return whether a clock is exactly so far ahead of the real time."""
    before = datetime.now(UTC)
    shown = ask()
    return before <= shown - by <= datetime.now(UTC)


def test_a_new_sandbox_has_the_real_time(database: Path) -> None:
    assert is_ahead(lambda: clock(database), timedelta(0))


def test_moves_add_up_and_are_kept(database: Path) -> None:
    three, five = timedelta(days=3), timedelta(hours=5)
    assert is_ahead(lambda: move_clock(database, three), three)
    assert is_ahead(lambda: move_clock(database, five), three + five)
    assert is_ahead(lambda: clock(database), three + five)


def test_time_never_goes_back(database: Path) -> None:
    move_clock(database, timedelta(days=3))
    with pytest.raises(SandboxError, match="only goes forward"):
        move_clock(database, timedelta(seconds=-1))
    assert is_ahead(lambda: clock(database), timedelta(days=3))


def test_the_clock_moves_at_most_ten_years_ahead(database: Path) -> None:
    with pytest.raises(SandboxError, match="ten years"):
        move_clock(database, timedelta(days=3661))


async def test_a_running_sandbox_sees_the_move(database: Path) -> None:
    async with connect(create_sandbox(database, embedded=True)) as client:
        move_clock(database, timedelta(days=400))
        before = datetime.now(UTC).replace(microsecond=0)
        bought = await client.post("/owned", json={"phone_number": NUMBER})
        created = datetime.fromisoformat(bought.json()["date_created"])
        assert before <= created - timedelta(days=400) <= datetime.now(UTC)


async def test_the_real_time_comes_back_unless_something_happened_later(database: Path) -> None:
    move_clock(database, timedelta(days=3))
    assert is_ahead(lambda: reset_clock(database), timedelta(0))
    assert is_ahead(lambda: clock(database), timedelta(0))
    async with connect(create_sandbox(database, embedded=True)) as client:
        await client.post("/owned", json={"phone_number": "+14155550199"})
        reset_clock(database)
        move_clock(database, timedelta(days=3))
        await client.post("/port-orders", json={"phone_numbers": [NUMBER]})
    with pytest.raises(SandboxError, match="later than the real time"):
        reset_clock(database)
    reset(database)
    assert is_ahead(lambda: clock(database), timedelta(0))


def test_a_sandbox_in_memory_cannot_be_moved_from_outside() -> None:
    for use in (clock, reset_clock, partial(move_clock, by=timedelta(1))):
        with pytest.raises(SandboxError, match="Use a file"):
            use(":memory:")


@pytest.mark.parametrize(
    ("text", "length"),
    [("+3d", timedelta(days=3)), ("12h", timedelta(hours=12)), ("-30m", timedelta(minutes=-30))],
)
def test_a_distance_is_parsed(text: str, length: timedelta) -> None:
    assert distance(text) == length


@pytest.mark.parametrize("text", ["", "3", "d", "3w", "+-3d", "3 d", "99999d", "1.5h", "3d "])
def test_an_invalid_distance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\+3d"):
        distance(text)
