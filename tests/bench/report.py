"""Results → text for people, and the tables of the documentation; pure."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench.contestants import BRIDGE, FASTMCP, JSON, OURS
from tests.bench.targets import TARGETS

__all__ = ["RESULTS", "lines", "summary", "table"]

_WITHOUT: Final = ("sessions", "subscriptions", "size", "packages")
"""Measures that have no target."""

_TOKENS: Final = "tokens"
"""The unit that means something by itself, and nothing relative to a server with one tool."""

_SUMMARY: Final = (
    ("cold-list-legacy", OURS, "start to the first `tools/list`, stdio"),
    ("cold-call-legacy", OURS, "start to the first `tools/call`, stdio"),
    ("read-stdio-legacy", OURS, "a read call, stdio"),
    ("read-http-legacy", OURS, "a read call, HTTP"),
    ("throughput-http-legacy", OURS, "32 concurrent read calls, HTTP (more is better)"),
    ("throughput-http-legacy", JSON, "the same with `TELEFONIE_HTTP_JSON` (more is better)"),
    ("purchase", "purchase", "a purchase, relative to a read call of this server"),
    ("memory", OURS, "peak memory after `tools/list`, stdio"),
    ("size", OURS, "installed size, relative to the SDK alone"),
    ("tokens", OURS, "`tools/list` of the six operations"),
)
"""The measures that README.md shows: the contestant, and what it is in the words of README.md."""

RESULTS: Final = Path(__file__).parent / "results.json"


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what one measure found, a line for each contestant."""
    yield f"{result['title']} ({result['unit']}, {result['rounds']} rounds)"
    for name, outcome in result["contestants"].items():
        yield (
            f"  {name:<30} {outcome['value']:>10,.2f}   {outcome['ratio']:.2f}x {result['floor'][:24]}"
            f"   [{outcome['low']:.2f}, {outcome['high']:.2f}]"
        )


def summary() -> str:
    """Return README.md's table: a choice of the committed results, and how many targets are met."""
    report = json.loads(RESULTS.read_text())
    results = report["results"]
    numbers = [(target, target.number(results)) for target in TARGETS]
    met = [target.met(number) for target, number in numbers if number is not None]
    rows = [
        "| Relative to one hard-coded tool on the same SDK | That | telefonie-mcp | FastMCP | Node bridge |",
        "|---|---|---|---|---|",
    ]
    for name, contestant, what in _SUMMARY:
        result = results[name]
        others = (FASTMCP, BRIDGE) if contestant == OURS else ("", "")
        cells = [_compared(result, who) for who in (contestant, *others)]
        baseline = "" if result["unit"] == _TOKENS else _baseline(result)
        rows.append(f"| {what} | {baseline} | {' | '.join(cells)} |")
    measured = f"Measured on {_where(report)}; medians of {report['rounds']} rounds, protocol 2025-11-25."
    return "\n".join([*rows, "", f"{measured} {sum(met)} of the project's {len(met)} own targets are met."])


def table() -> str:
    """Return the table of everything that has a target, of the committed results."""
    report = json.loads(RESULTS.read_text())
    rows = [
        f"Measured on {_where(report)}, medians of {report['rounds']} rounds, quartiles in brackets:",
        "",
        "| What | Baseline | telefonie-mcp | Target | FastMCP | Node bridge |",
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


def _where(report: Mapping[str, Any]) -> str:
    return f"{report['date']} with Python {report['python']} on {report['machine']}"


def _baseline(result: Mapping[str, Any]) -> str:
    return f"{result['contestants'][result['floor']]['value']:,.4g} {result['unit']}"


def _compared(result: Mapping[str, Any], contestant: str) -> str:
    outcome = result["contestants"].get(contestant)
    if outcome is None:
        return ""
    return f"{outcome['value']:,.0f} tokens" if result["unit"] == _TOKENS else f"{outcome['ratio']:.2f}x"


def _row(result: Mapping[str, Any], contestant: str, shown: str, target: str) -> str:
    contestants = result["contestants"]
    baseline = result["floor"].partition(": ")[2] or result["floor"]
    variant = contestant.partition(", ")[2]
    what = f"{result['title']}{f' ({variant})' if variant else ''}"
    others = (contestants.get(name) for name in (FASTMCP, BRIDGE))
    cells = [f"{other['ratio']:.2f}x" if other else "" for other in others]
    return f"| {what} | {_baseline(result)}: {baseline} | {shown} | {target} | {' | '.join(cells)} |"


def _ratio(results: Mapping[str, Any], measure: str, contestant: str) -> str:
    outcome = results[measure]["contestants"][contestant]
    return f"{outcome['ratio']:.2f}x [{outcome['low']:.2f}, {outcome['high']:.2f}]"
