"""Sessions of 2025-11-25 over HTTP that nobody uses any more."""

from pathlib import Path

from tests.bench.idle import left_sessions


def test_sessions_that_clients_leave_are_gone_after_half_an_hour(tmp_path: Path) -> None:
    left = left_sessions(tmp_path, 10)
    assert left.open >= left.before + 10
    assert left.after <= left.before
    assert not left.known
