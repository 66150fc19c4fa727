"""Findings, and the evaluation of clock, ledger entries and versions; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final, Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from telefonie_mcp.ledger.records import Entry
from telefonie_mcp.tools.catalog import Catalog
from telefonie_mcp.upstream.outcomes import Answer

__all__ = ["Finding", "Status", "clock", "omissions", "unsettled", "versions"]

Status = Literal["ok", "warning", "problem"]

_MAX_OMISSIONS: Final = 20
"""Findings about operations that are left out, and as many about parts."""

_TOLERANCE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: Name of the check.
        status: ``problem`` if the server does not work, ``warning`` if it works and something should change.
        text: What was found.
        remedy: What to do about it; empty if nothing.

    """

    check: str
    status: Status
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        return asdict(self)


def clock(answer: Answer, asked: datetime, answered: datetime, *, of: str = "the API") -> Finding:
    """Compare this machine's clock with the ``Date`` of a response (RFC 9110 §6.6.1).

    Args:
        answer: The response.
        asked: When the request was sent.
        answered: When the response was received.
        of: Whose response it is.

    """
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        if answer.headers.get("age", "").isdecimal():  # seconds in a cache
            theirs += timedelta(seconds=int(answer.headers["age"]))
    except (ValueError, OverflowError):
        return Finding("clock", "ok", f"not compared: {of} does not say what time it is")
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    ahead = asked + (answered - asked) / 2 - theirs
    words = f"{abs(ahead).total_seconds():.0f} s {'behind' if ahead < timedelta() else 'ahead of'} {of}'s"
    if abs(ahead) > _TOLERANCE:
        remedy = "Set this machine's clock; limits per day, waiting times and tokens depend on it."
        return Finding("clock", "warning", words, remedy)
    return Finding("clock", "ok", words)


def unsettled(entries: Iterable[Entry]) -> Finding:
    """Return the finding about ledger entries without an outcome."""
    abandoned = [entry.abandoned for entry in entries]
    if left := abandoned.count(True):
        remedy = "The next write settles it first; see telefonie-mcp log --state unknown and --state intent."
        return Finding("ledger", "warning", f"{_writes(left)} without an outcome", remedy)
    running = abandoned.count(False)
    return Finding("ledger", "ok", f"readable and whole, {_writes(running)} under way")


def omissions(catalog: Catalog) -> Iterator[Finding]:
    """Yield a finding for each operation that is no tool, and for each part of a document that is dropped."""
    remedy = "Correct the document if you need it; the other tools work."
    for left_out in islice(catalog.left_out.values(), _MAX_OMISSIONS):
        yield Finding("documents", "warning", f"{left_out.place} is no tool: {left_out.reason}", remedy)
    for note in catalog.notes[:_MAX_OMISSIONS]:
        yield Finding("documents", "ok", note)
    if (more := sum(max(0, len(x) - _MAX_OMISSIONS) for x in (catalog.left_out, catalog.notes))) > 0:
        remedy = "See telefonie-mcp tools."
        yield Finding("documents", "warning", f"{more} more operations or parts are left out", remedy)


def _writes(count: int) -> str:
    return f"{count} write{'' if count == 1 else 's'}"


def versions(python: str, requirements: Iterable[str], installed: Mapping[str, str]) -> Finding:
    """Compare what is installed with what the package requires (PEP 440, PEP 508).

    Args:
        python: The interpreter's version.
        requirements: The package's ``Requires-Dist``. Those of extras, and those whose marker does not apply
            to this environment, do not count.
        installed: Versions by name, as the requirements spell it.

    """
    required = [
        requirement
        for requirement in map(Requirement, requirements)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    wrong = [
        f"{name} {installed.get(name, 'is missing')}{f' (needs {bounds})' if bounds else ''}"
        for name, bounds in ((requirement.name, requirement.specifier) for requirement in required)
        if name not in installed or not _satisfies(installed[name], bounds)
    ]
    if wrong:
        remedy = "Install telefonie-mcp again, preferably in a virtual environment."
        return Finding("versions", "problem", ", ".join(wrong), remedy)
    seen = ", ".join(f"{requirement.name} {installed[requirement.name]}" for requirement in required)
    return Finding("versions", "ok", f"Python {python}, {seen}")


def _satisfies(version: str, specifier: SpecifierSet) -> bool:
    try:
        return specifier.contains(Version(version), prereleases=True)  # installed, so it was chosen
    except InvalidVersion:
        return not specifier
