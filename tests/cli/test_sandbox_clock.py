"""The command `telefonie-mcp sandbox clock`."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.commands import command

SLACK = timedelta(minutes=1)


def sandbox(home: Path) -> tuple[str, ...]:
    return ("sandbox", "--sandbox-db", str(home / "sandbox.sqlite3"))


def ahead(output: str) -> timedelta:
    """Return how far a clock that was shown is ahead of the real time."""
    return datetime.strptime(output.strip(), "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC) - datetime.now(UTC)


def test_the_clock_is_shown_and_moved_for_every_process(tmp_path: Path) -> None:
    moved = subprocess.run(
        [sys.executable, "-m", "telefonie_mcp", *sandbox(tmp_path), "clock", "+3d"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert abs(ahead(moved.stdout) - timedelta(days=3)) < SLACK
    status, output, _ = command(tmp_path, *sandbox(tmp_path), "clock")
    assert status == 0
    assert abs(ahead(output) - timedelta(days=3)) < SLACK
    status, output, _ = command(tmp_path, *sandbox(tmp_path), "clock", "reset")
    assert status == 0
    assert abs(ahead(output)) < SLACK


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
