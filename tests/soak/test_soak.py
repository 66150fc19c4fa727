import subprocess
import sys

import pytest

from tests.support.postgres import GROUP
from tests.support.wire import SECONDS

pytestmark = [pytest.mark.whole, GROUP]


def test_a_short_soak_finds_nothing_wrong() -> None:
    options = ("--calls", "24", "--kills-sqlite", "3", "--kills-postgres", "3")
    run = subprocess.run(
        [sys.executable, "-m", "tests.soak", *options],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    *figures, verdict = run.stdout.splitlines()
    assert verdict == "All is well."
    assert [line.partition(":")[0] for line in figures] == [
        "24 calls over stdio",
        "24 calls over HTTP",
        "3 kills on SQLite",
        "3 kills on PostgreSQL",
    ]
    assert all("wrong answers 0" in line for line in figures[:2])
    assert all("doubles 0, budget overshoot 0" in line for line in figures[2:])
