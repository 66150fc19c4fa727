"""Results → text for people, and the table of the README; pure."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench.contestants import BRIDGE, FASTMCP, OURS
from tests.bench.targets import TARGETS

__all__ = ["RESULTS", "lines", "table"]

_WITHOUT: Final = ("size", "packages")
"""Measures that have no target."""

RESULTS: Final = Path(__file__).parent / "results.json"


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what one measure found, a line for each contestant."""
    yield f"{result['title']} ({result['unit']}, {result['rounds']} rounds)"
    for name, outcome in result["contestants"].items():
        yield (
            f"  {name:<30} {outcome['value']:>10,.2f}   {outcome['ratio']:.2f}x {result['floor'][:24]}"
            f"   [{outcome['low']:.2f}, {outcome['high']:.2f}]"
        )


def table() -> str:
    """Return the README's table of the committed results."""
    report = json.loads(RESULTS.read_text())
    where = f"{report['date']} with Python {report['python']} on {report['machine']}"
    rows = [
        f"Measured on {where}, medians of {report['rounds']} rounds, quartiles in brackets:",
        "",
        "| What | Floor | telefonie-mcp | Target | FastMCP | Node bridge |",
        "|---|---|---|---|---|---|",
    ]
    results = report["results"]
    for target in TARGETS:
        if (number := target.number(results)) is not None:
            shown = f"{number:,.0f}" if target.value else _ratio(results, target.measure, target.contestant)
            missed = "" if target.met(number) else " (missed)"
            rows.append(_row(results[target.measure], target.contestant, shown, f"{target}{missed}"))
    rows += [
        _row(results[name], OURS, _ratio(results, name, OURS), "") for name in _WITHOUT if name in results
    ]
    return "\n".join(rows)


def _row(result: Mapping[str, Any], contestant: str, shown: str, target: str) -> str:
    contestants = result["contestants"]
    floor = contestants[result["floor"]]["value"]
    variant = contestant.partition(", ")[2]
    what = f"{result['title']}{f' ({variant})' if variant else ''}"
    others = (contestants.get(name) for name in (FASTMCP, BRIDGE))
    cells = [f"{other['ratio']:.2f}x" if other else "" for other in others]
    return f"| {what} | {floor:,.4g} {result['unit']} | {shown} | {target} | {' | '.join(cells)} |"


def _ratio(results: Mapping[str, Any], measure: str, contestant: str) -> str:
    outcome = results[measure]["contestants"][contestant]
    return f"{outcome['ratio']:.2f}x [{outcome['low']:.2f}, {outcome['high']:.2f}]"
