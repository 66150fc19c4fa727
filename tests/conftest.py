"""Fixtures that every test can use, and which tests a command selects; pyproject.toml explains markers."""

import gc
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import coverage
import hypothesis
import pytest

from tests.support.postgres import postgres

ROOT = Path(__file__).parents[1]

# Without bytecode, every worker rewrites all tests and every process that a test starts compiles the package:
# a third of the time that all tests take.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell ignores SIGINT in what it starts in the background, and the processes of tests inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")  # machines are busy, and the same commit gets the same verdict

collect_ignore = [] if os.environ.get("NODE_TOOLS") else ["clients"]
"""Tests with programs from npm are collected where `NODE_TOOLS` says that those are, as in .ci/run."""

_SLOW = (
    "bench",
    "cli",
    "clients",
    "documentation",
    "faults",
    "ledger",
    "packaging",
    "safety",
    "server",
    "soak",
    "wire",
)
"""Folders of tests with processes, sockets or waits that take their time."""

_NOT_QUICK = {"whole", "packaging", "measured", "xdist_group"}
"""Marks of tests that take it elsewhere."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder, *_ = item.path.relative_to(ROOT / "tests").parts
        if folder == "clients":
            item.add_marker("clients")
        elif folder not in _SLOW and not _NOT_QUICK & {mark.name for mark in item.iter_markers()}:
            item.add_marker("quick")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Collect no garbage while tests are collected, and look at none of them again later.

    Imported modules and thousands of tests stay to the end, so that walking over them finds nothing.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Measure no coverage in a test that is marked so: pytest-cov's own mark has no effect in its workers."""
    trace = sys.gettrace()
    if item.get_closest_marker("unmeasured"):
        sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(trace)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql() -> Generator[str]:
    """A PostgreSQL server; tests that use it are of one group (`tests.support.postgres.GROUP`)."""
    with postgres() as url:
        yield url


@pytest.fixture(autouse=True)
def _measure_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that a test starts be measured, where they are the only witnesses.

    Measuring makes every start a half slower, and what most tests start runs in this process elsewhere.
    """
    measuring = coverage.Coverage.current()
    if measuring and request.node.get_closest_marker("measured"):
        monkeypatch.setenv("COVERAGE_PROCESS_START", str(ROOT / "pyproject.toml"))
        monkeypatch.setenv("COVERAGE_FILE", str(Path(str(measuring.get_option("run:data_file"))).absolute()))
