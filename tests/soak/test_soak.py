import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.soak.calls import under_calls
from tests.soak.servers import Counted, Opened
from tests.support.postgres import GROUP
from tests.support.wire import SECONDS


@dataclass(frozen=True)
class Growing(Counted):
    """A server that is a little larger at each look."""

    grows: str
    looks: "count[int]" = field(default_factory=count)

    def resources(self) -> dict[str, float]:
        return {name: 1000 + self._more(name) for name in ("MiB", "descriptors", "tasks")}

    def threads(self) -> int:
        return 3 + self._more("threads")

    def _more(self, what: str) -> int:
        return 100 * next(self.looks) if what == self.grows else 0


@pytest.mark.parametrize(
    ("grows", "fault"),
    [
        ("MiB", "memory grown"),
        ("descriptors", "descriptors leaked"),
        ("tasks", "tasks leaked"),
        ("threads", "threads leaked"),
        ("nothing", None),
    ],
)
def test_what_grows_is_found(grows: str, fault: str | None) -> None:
    everything: dict[str, Any] = {"available_numbers": [], "phone_number": "", "message": "", "numbers": []}
    everything |= {"replaced": {}, "confirmation_required": True, "conflict": 1, "invalid_arguments": 1}
    opened = Opened(Growing(0, Path(), grows), lambda _, __: {"structuredContent": everything})
    faults = dict(under_calls("nothing", nullcontext(opened), 10_000).faults)
    del faults["slower"]  # nothing here takes time
    assert {name for name, found in faults.items() if found} == ({fault} if fault else set())


@pytest.mark.whole
@GROUP
def test_a_short_soak_finds_nothing_wrong() -> None:
    options = ("--calls", "24", "--kills-sqlite", "3", "--kills-postgres", "3")
    run = subprocess.run(
        [sys.executable, "-m", "tests.soak", *options],
        capture_output=True,
        text=True,
        timeout=10 * SECONDS,
        check=False,
    )
    assert run.stderr == ""
    *figures, verdict = run.stdout.splitlines()
    assert (run.returncode, verdict) == (0, "All is well."), "\n".join(figures)
    assert [line.partition(":")[0] for line in figures] == [
        "24 calls over stdio",
        "24 calls over HTTP",
        "3 kills on SQLite",
        "3 kills on PostgreSQL",
    ]
    assert all("wrong answers 0" in line for line in figures[:2])
    assert all("doubles 0, budget overshoot 0" in line for line in figures[2:])
