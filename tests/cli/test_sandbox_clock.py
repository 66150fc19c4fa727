"""`telefonie-mcp sandbox clock`, as a person types it."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest


def clock(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "telefonie_mcp",
        "sandbox",
        "--sandbox-db",
        str(home / "sandbox.sqlite3"),
    ]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def shown(result: subprocess.CompletedProcess[str]) -> timedelta:
    assert result.returncode == 0, result.stderr
    now = datetime.strptime(result.stdout.strip(), "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    return now - datetime.now(UTC)


def test_the_clock_is_shown_and_moved(tmp_path: Path) -> None:
    slack = timedelta(minutes=1)
    assert abs(shown(clock(tmp_path, "clock", "+3d")) - timedelta(days=3)) < slack
    assert abs(shown(clock(tmp_path, "clock")) - timedelta(days=3)) < slack
    assert abs(shown(clock(tmp_path, "clock", "reset"))) < slack


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clock", "-1h"], "only goes forward"),
        (["clock", "tomorrow"], r"like \+3d"),
        (["--reset", "clock"], "go without a command"),
        ([], "Say --port"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    refused = clock(tmp_path, *arguments)
    assert refused.returncode == 2
    assert re.search(words, refused.stderr)
    assert "Traceback" not in refused.stderr
