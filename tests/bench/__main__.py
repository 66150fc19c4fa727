"""``python -m tests.bench``: measure, print, write JSON, and compare with the targets."""

import argparse
import json
import platform
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, NoReturn

from tests.bench import endurance, hosted, measures, replicas, scale, signed_in, sizes, subscriptions
from tests.bench.contestants import OURS, Contestant, contestants, install
from tests.bench.replicas import Database
from tests.bench.report import RESULTS, lines
from tests.bench.rounds import Measure, compare
from tests.bench.sessions import started
from tests.bench.targets import misses, unmeasured
from tests.documentation import generated

_CALLS = 60
_SOAK = 50_000
"""Calls of each soak; of a quick look, a hundred times those of a sample."""

_PEERS = Path(__file__).parents[2] / "build/bench"


def main() -> int:
    signal.signal(signal.SIGTERM, _end)
    options = _options()
    rounds, calls = (3, 10) if options.quick else (options.rounds, _CALLS)
    if not options.alone:
        install(_PEERS)
        replicas.install(_PEERS)
    lacking = replicas.missing()
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": _machine(),
        "rounds": rounds,
        "results": {},
    }
    with TemporaryDirectory() as work, _upstream() as url, ExitStack() as stack:
        everybody = contestants(url, Path(work), None if options.alone else _PEERS)
        everything = [] if options.alone else sizes.measures(_PEERS)
        everything += measures_of(everybody, Database(stack), calls=calls, replicated=not lacking)
        for measure in everything:
            if measure.id.startswith(tuple(options.only.split(","))):
                result = report["results"][measure.id] = compare(measure, rounds)
                print("\n".join(lines(result)), flush=True)  # noqa: T201 - a program for people
    if lacking:
        print(f"Not measured: replicas, because this machine has no {lacking}.")  # noqa: T201
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.save:
        if missing := unmeasured(report["results"]):
            sys.exit(f"Not saved, because something was not measured: {', '.join(missing)}")
        RESULTS.write_text(json.dumps(report, indent=1) + "\n")
        generated.write()
    missed = [*misses(report["results"])] if options.check else []
    print("\n".join(missed) or "No target is missed." if options.check else "")  # noqa: T201
    return 1 if missed else 0


def measures_of(
    everybody: dict[str, Contestant], database: Database, *, calls: int, replicated: bool = True
) -> list[Measure]:
    """Return all measures, with so many ``calls`` in each sample; ``replicated``: those of replicas, too."""
    ours = everybody[OURS]
    return [
        *measures.measures(everybody, calls=calls),
        *scale.measures(calls=calls),
        *endurance.measures(everybody, calls=_SOAK if calls >= _CALLS else 100 * calls),
        *scale.account_measures(ours),
        *signed_in.measures(ours, calls=calls),
        *(hosted.measures(ours, database, calls=calls) if replicated else ()),
        *(subscriptions.measures(everybody, database) if replicated else ()),
        *hosted.tenant_measures(),
    ]


def _end(_: int, __: FrameType | None) -> NoReturn:
    """Leave through all blocks, so that no process is left running."""
    sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="rounds of every measure (default: 25)")
    parser.add_argument("--quick", action="store_true", help="3 short rounds: a look, not a result")
    parser.add_argument("--only", default="", help="measures that begin so, comma separated: cold,memory")
    parser.add_argument("--alone", action="store_true", help="without FastMCP and the Node bridge")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument(
        "--save",
        action="store_true",
        help="write the results to the repository, and the tables of the documentation",
    )
    parser.add_argument("--check", action="store_true", help="end with status 1 if a target is missed")
    return parser.parse_args()


@contextmanager
def _upstream() -> Generator[str]:
    with started((sys.executable, "-m", "tests.bench.peers.standin"), {}) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1/numbers"


def _machine() -> str:
    """Return the kind of this machine: processors and system."""
    count = subprocess.run(["nproc"], check=True, capture_output=True, text=True).stdout.strip()
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{count} processors ({model}), {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
