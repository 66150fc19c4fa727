"""The benchmark's arithmetic, and that it runs. How fast anything is, no test asserts."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.bench.__main__ import measures_of
from tests.bench.contestants import CALL, ECHO, FASTMCP, OURS, contestants
from tests.bench.replicas import Database
from tests.bench.report import RESULTS, lines, summary, table
from tests.bench.rounds import Measure, Outcome, Sample, compare
from tests.bench.targets import TARGETS, Target, misses, unmeasured
from tests.support.wire import SECONDS


def result(**values: float) -> dict[str, Any]:
    return {
        "contestants": {
            name: Outcome.of([value], [2.0]).as_dict() for name, value in {"floor": 2.0, **values}.items()
        }
    }


def test_ratios_are_taken_within_a_round() -> None:
    outcome = Outcome.of([1, 20, 3], [2, 10, 3])
    assert (outcome.value, outcome.ratio) == (3, 1)
    assert (outcome.low, outcome.high) == (0.75, 1.5)


def test_contestants_take_turns_and_the_first_round_does_not_count() -> None:
    log: list[str] = []

    @contextmanager
    def opened(name: str) -> Generator[Sample]:
        def sample() -> float:
            log.append(name)
            return {"a": 100.0, "b": 50.0}[name] if len(log) < 3 else {"a": 4.0, "b": 2.0}[name]

        yield sample
        log.append(f"{name} closed")

    names = {name: partial(opened, name) for name in "ab"}
    found = compare(Measure("id", "what", "ms", "a", names, most_rounds=2, turns=3), rounds=9)
    assert log == [*"ab" * 7, "b closed", "a closed"]
    assert found["rounds"] == 2
    assert found["contestants"]["b"] == {"value": 2, "ratio": 0.5, "low": 0.5, "high": 0.5}
    assert [*lines(found)][2].split() == ["b", "2.00", "0.50x", "a", "[0.50,", "0.50]"]


def test_a_target_holds_a_ratio_or_a_value_from_one_side() -> None:
    results = {"m": result(x=3.0)}
    assert Target("m", "x", 1.5).number(results) == 1.5
    assert Target("m", "x", 2, value=True).number(results) == 3
    assert Target("m", "y", 1).number(results) is None
    assert Target("n", "x", 1).number(results) is None
    assert [Target("m", "x", 1.5, at_least=side).met(1.4) for side in (False, True)] == [True, False]
    assert [str(Target("m", "x", 1.5)), str(Target("m", "x", 2000, at_least=True, value=True))] == [
        "≤ 1.5x",
        "≥ 2,000",
    ]


def test_every_target_is_measured(tmp_path: Path) -> None:
    with ExitStack() as stack:
        found = measures_of(contestants("http://127.0.0.1:9", tmp_path, None), Database(stack), calls=60)
    measured = {measure.id: measure for measure in found}
    assert len(measured) == len(found)
    assert [
        target for target in TARGETS if target.contestant not in measured[target.measure].contestants
    ] == []
    assert [measure.id for measure in found if measure.floor not in measure.contestants] == []


def test_what_is_missed_and_where_fastmcp_is_ahead_is_said() -> None:
    results = {
        "memory": result(**{OURS: 4.0, FASTMCP: 3.0}),
        "throughput-http-legacy": result(**{OURS: 4.0, FASTMCP: 3.0}),
        "tokens": result(**{OURS: 1975.0, FASTMCP: 1894.0}),
    }
    assert [*misses(results)] == [
        f"memory: {OURS} is at 2, the target is ≤ 1.06x",
        "memory: FastMCP is ahead, 3 against 4",
    ]


def test_the_table_has_a_row_for_every_target_that_was_measured_and_for_sizes() -> None:
    rows = [line for line in table().splitlines() if line.startswith("| ")]
    results = json.loads(RESULTS.read_text())["results"]
    measured = [target for target in TARGETS if target.number(results) is not None]
    assert len(rows) == 1 + len(measured) + len(
        {"sessions", "subscriptions", "size", "packages"} & results.keys()
    )


def test_results_without_a_target_are_not_to_be_saved() -> None:
    complete = {target.measure: result(**{target.contestant: 1.0}) for target in reversed(TARGETS)}
    several = Counter(target.measure for target in TARGETS)
    assert {*unmeasured({})} == {*several}
    assert {*unmeasured(complete)} == {measure for measure, count in several.items() if count > 1}


def test_the_summary_has_ten_rows_that_need_no_other_page() -> None:
    head, *rows = [line for line in summary().splitlines() if line.startswith("| ")]
    assert head.startswith("| Relative to a server with one hard-coded tool on the same SDK |")
    assert len(rows) == 10
    private = (ECHO, CALL, "bare SDK", "legacy", "modern", "replica", "tenant", "hosted", "signed in")
    assert [word for word in private if word in summary()] == []


@pytest.mark.whole
def test_the_benchmark_runs(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    command = ("-m", "tests.bench", "--quick", "--alone", "--only", "tokens", "--check", "--json", str(file))
    run = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.endswith("No target is missed.\n")
    assert json.loads(file.read_text())["results"]["tokens"]["contestants"][OURS]["value"] < 2000
