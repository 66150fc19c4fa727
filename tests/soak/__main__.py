"""``python -m tests.soak``: many calls and many kills, and what came of them. Takes its time; not in .ci/run.

Ends with status 1 if anything was bought twice, bought beyond the budget, answered wrongly, or recorded
differently from what the provider has; if after the first 1,000 calls memory grew by more than a twentieth,
or descriptors, threads or tasks at all; or if the last tenth of the calls was slower than the first.
"""

import argparse
import sys
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from anyio import to_thread

from tests.soak.calls import under_calls
from tests.soak.figures import Figures
from tests.soak.kills import under_kills
from tests.soak.servers import http, stdio
from tests.support.postgres import new_schema, postgres


def main() -> int:
    options = _options()
    return anyio.run(partial(_run, options))


def _options() -> argparse.Namespace:
    summary, _, verdict = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=summary, epilog=verdict)
    for name, default, what in (
        ("calls", 50_000, "tool calls over each of stdio and HTTP"),
        ("kills-sqlite", 60, "processes killed at random moments of a purchase, on a SQLite ledger"),
        ("kills-postgres", 40, "the same on a PostgreSQL ledger"),
        ("seed", 1, "of the random moments"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} (default: {default})")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> int:
    well = True
    async for figures in _all(options):
        print(figures, flush=True)  # noqa: T201 - a program for people
        well = well and figures.well
    print("All is well." if well else "Something is wrong.")  # noqa: T201
    return 0 if well else 1


async def _all(options: argparse.Namespace) -> AsyncGenerator[Figures]:
    with TemporaryDirectory(prefix="soak-") as name:
        homes = [Path(name) / part for part in ("stdio", "http", "sqlite", "postgresql")]
        for home in homes:
            home.mkdir()
        if options.calls:
            yield await to_thread.run_sync(under_calls, "stdio", stdio(homes[0]), options.calls)
            yield await to_thread.run_sync(under_calls, "HTTP", http(homes[1]), options.calls)
        if options.kills_sqlite:
            ledger = str(homes[2] / "ledger.sqlite3")
            yield await under_kills("SQLite", ledger, homes[2], options.kills_sqlite, options.seed)
        if options.kills_postgres:
            with postgres() as server:
                ledger = await to_thread.run_sync(new_schema, server)
                yield await under_kills("PostgreSQL", ledger, homes[3], options.kills_postgres, options.seed)


if __name__ == "__main__":
    sys.exit(main())
