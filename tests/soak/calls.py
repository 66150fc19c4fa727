"""Many calls to one server: every answer is as it should be, and the server does not grow."""

import json
import time
from contextlib import AbstractContextManager
from statistics import quantiles
from typing import Any, Final

from tests.soak.figures import Figures
from tests.soak.servers import Opened

__all__ = ["AFTER", "BEFORE", "P99", "under_calls"]

_NUMBER: Final = "+14155550123"
_LIFE: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("search_available_numbers", {"country_code": "US", "area_code": "415", "limit": 3}, "available_numbers"),
    ("purchase_number", {"phone_number": _NUMBER, "confirm": False}, "confirmation_required"),
    ("purchase_number", {"phone_number": _NUMBER, "confirm": True}, "phone_number"),
    ("purchase_number", {"phone_number": _NUMBER, "confirm": True}, "conflict"),
    ("update_owned_number", {"phone_number": _NUMBER, "friendly_name": "Desk"}, "replaced"),
    ("list_owned_numbers", {}, "numbers"),
    ("list_owned_numbers", {"page": "x"}, "invalid_arguments"),
    ("release_number", {"phone_number": _NUMBER, "confirm": True}, "message"),
)
"""The life of a number: a tool, its arguments, and a member of its answer or the code of its refusal."""

_SESSION: Final = 25
"""Lives after which a client ends its session and begins another."""

P99: Final = "ms p99"
BEFORE: Final = " at first"
AFTER: Final = " at the end"
"""Names of what is counted, and when."""

_SETTLED: Final = 1000
"""Calls after which a server has all that it needs."""

_LOOK: Final = 10
"""Calls between two looks at the threads; the most of the first and of the last 1,000 calls are compared. A
thread of a pool comes when the one before is still on its way back, which a few calls may see by chance."""

_GROWTH: Final = 1.05
"""By which factor memory may grow after them."""

_SLOWER: Final = 1.2
"""By which factor the slowest calls of the last tenth may take longer than those of the first."""

_TELLING: Final = 10 * _SETTLED
"""Calls from which on memory, threads and time say something."""


def under_calls(name: str, server: AbstractContextManager[Opened], calls: int) -> Figures:
    """Let a server answer so many calls, after one life of a number that fills its caches."""
    wrong = 0
    times: list[float] = []
    threads: list[int] = []
    before: dict[str, float] = {}
    with server as opened:
        for tool, arguments, _ in _LIFE:
            opened.call(tool, arguments)
        opened.renew()
        for index in range(calls):
            if index == min(_SETTLED, calls // 2):
                opened.rest()
                before = opened.counted.resources()
            life, part = divmod(index, len(_LIFE))
            if part == 0 and life % _SESSION == 0:
                opened.renew()
            if index % _LOOK == 0:
                threads.append(opened.counted.threads())
            tool, arguments, expected = _LIFE[part]
            begun = time.perf_counter()
            result = opened.call(tool, arguments)
            times.append(time.perf_counter() - begun)
            answer = result.get("structuredContent") or json.loads(result["content"][0]["text"])
            wrong += not (expected in answer or answer.get("code") == expected)
        opened.rest()
        after = opened.counted.resources()
    telling = calls >= _TELLING
    looks = max(1, min(_SETTLED, calls // 2) // _LOOK)
    before["threads"], after["threads"] = max(threads[:looks]), max(threads[-looks:])
    tenth = max(2, calls // 10)
    before[P99], after[P99] = (_slowest(part) for part in (times[:tenth], times[-tenth:]))
    return Figures(
        f"{calls:,} calls over {name}",
        {"calls per second": round(calls / sum(times))}
        | {f"{what}{BEFORE}": count for what, count in before.items()}
        | {f"{what}{AFTER}": count for what, count in after.items()},
        {
            "wrong answers": wrong,
            "memory grown": telling and after["MiB"] > _GROWTH * before["MiB"],
            "slower": telling and after[P99] > _SLOWER * before[P99],
            "threads leaked": telling and max(0, after["threads"] - before["threads"]),
            **{f"{what} leaked": max(0, after[what] - before[what]) for what in ("descriptors", "tasks")},
        },
    )


def _slowest(times: list[float]) -> float:
    """Return the milliseconds that one call of a hundred exceeds."""
    return round(quantiles(times, n=100, method="inclusive")[-1] * 1000, 2)
