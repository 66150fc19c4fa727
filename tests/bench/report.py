"""Results → text for people, and the table of the README; pure."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench.contestants import BRIDGE, FASTMCP
from tests.bench.targets import TARGETS

__all__ = ["RESULTS", "lines", "table"]

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
    for target in TARGETS:
        result = report["results"].get(target.measure)
        if result is None or (number := target.number(report["results"])) is None:
            continue
        contestants = result["contestants"]
        floor = contestants[result["floor"]]["value"]
        outcome = contestants[target.contestant]
        variant = target.contestant.partition(", ")[2]
        what = f"{result['title']}{f' ({variant})' if variant else ''}"
        shown = f"{number:,.0f}" if target.value else _ratio(outcome)
        missed = "" if target.met(number) else " (missed)"
        others = (contestants.get(name) for name in (FASTMCP, BRIDGE))
        cells = [f"{other['ratio']:.2f}x" if other else "" for other in others]
        rows.append(
            f"| {what} | {floor:,.4g} {result['unit']} | {shown} | {target}{missed} | {' | '.join(cells)} |"
        )
    return "\n".join(rows)


def _ratio(outcome: Mapping[str, float]) -> str:
    return f"{outcome['ratio']:.2f}x [{outcome['low']:.2f}, {outcome['high']:.2f}]"
