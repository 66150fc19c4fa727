"""The command `telefonie-mcp sandbox clock`."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.commands import command


def sandbox(home: Path) -> tuple[str, ...]:
    return ("sandbox", "--sandbox-db", str(home / "sandbox.sqlite3"))


def is_ahead(run: Callable[[], str], by: timedelta) -> bool:
    """Return whether a command shows, in whole seconds, a clock that far ahead of the real time."""
    before = datetime.now(UTC).replace(microsecond=0)
    shown = datetime.strptime(run().strip(), "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    return before <= shown - by <= datetime.now(UTC)


def test_the_clock_is_shown_and_moved_for_every_process(tmp_path: Path) -> None:
    def in_a_process(*arguments: str) -> str:
        started = [sys.executable, "-m", "telefonie_mcp", *sandbox(tmp_path), "clock", *arguments]
        return subprocess.run(started, capture_output=True, text=True, check=True).stdout

    def here(*arguments: str) -> str:
        status, output, _ = command(tmp_path, *sandbox(tmp_path), "clock", *arguments)
        assert status == 0
        return output

    assert is_ahead(lambda: in_a_process("+3d"), timedelta(days=3))
    assert is_ahead(here, timedelta(days=3))
    assert is_ahead(lambda: here("reset"), timedelta(0))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clock", "-1h"], "only goes forward"),
        (["clock", "tomorrow"], r"like \+3d"),
        (["--reset", "clock"], "go without a command"),
        ([], "Say --port"),
    ],
)
def test_what_is_refused_ends_with_status_2_and_a_sentence(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    status, _, errors = command(tmp_path, *sandbox(tmp_path), *arguments)
    assert status == 2
    assert re.search(words, errors)
    assert "Traceback" not in errors
