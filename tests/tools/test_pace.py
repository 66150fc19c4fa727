import pytest

from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.pace import Pace


def test_calls_come_back_with_time_and_callers_do_not_share() -> None:
    now = 0.0
    pace = Pace(60, clock=lambda: now)
    for _ in range(60):
        pace.take("a")
    with pytest.raises(ToolError) as caught:
        pace.take("a")
    assert caught.value.details["retry_after"] == 1.0
    pace.take("b")
    now = 1.0
    pace.take("a")
    with pytest.raises(ToolError):
        pace.take("a")
    now = 10_000.0
    for _ in range(60):
        pace.take("a")
    with pytest.raises(ToolError):
        pace.take("a")


def test_memory_is_bounded_and_the_busiest_caller_is_remembered() -> None:
    pace = Pace(1, clock=lambda: 0.0)
    pace.take("busy")
    for number in range(2000):
        pace.take(str(number))
        with pytest.raises(ToolError):
            pace.take("busy")
