"""A thousand tenants in one process need no thousand catalogs, and ten thousand are bounded."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.bench.tenants import Measured
from tests.support.wire import SECONDS, environment

pytestmark = [pytest.mark.unmeasured, pytest.mark.whole]


@cache
def measured(count: int, home: Path) -> Measured:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.tenants", str(count)],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=10 * SECONDS,
        check=True,
    )
    return Measured(**json.loads(run.stdout))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_a_thousand_tenants_need_half_as_much_memory_again_as_one(home: Path) -> None:
    one, thousand = measured(1, home), measured(1000, home)
    assert one.opened == 1
    assert thousand.opened <= 64
    assert thousand.bytes <= 1.5 * one.bytes


def test_the_memory_of_ten_thousand_tenants_is_bounded(home: Path) -> None:
    one, all_of_them = measured(1, home), measured(10_000, home)
    assert all_of_them.opened <= 64
    assert all_of_them.bytes <= 2.5 * one.bytes  # their settings are kept, and little else
