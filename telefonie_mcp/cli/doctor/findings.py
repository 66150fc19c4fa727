"""What was seen, and what it means; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

from telefonie_mcp.ledger.records import Entry
from telefonie_mcp.upstream.outcomes import Answer

__all__ = ["Finding", "Status", "clock", "unsettled", "versions"]

Status = Literal["ok", "warning", "problem"]

_TOLERANCE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: What was checked.
        status: ``problem`` where the server does not work, ``warning`` where it works and should not so.
        text: What was seen.
        remedy: What to do about it.

    """

    check: str
    status: Status
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        return asdict(self)


def clock(answer: Answer, asked: datetime, answered: datetime) -> Finding:
    """Compare this machine's clock with the moment at which the API says that it answered."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        if answer.headers.get("age", "").isdecimal():  # it comes from a cache, which kept it so long
            theirs += timedelta(seconds=int(answer.headers["age"]))
    except (ValueError, OverflowError):
        return Finding("clock", "ok", "not compared: the API does not say what time it is")
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    ahead = asked + (answered - asked) / 2 - theirs
    words = f"{abs(ahead).total_seconds():.0f} s {'behind' if ahead < timedelta() else 'ahead of'} the API's"
    if abs(ahead) > _TOLERANCE:
        remedy = "Set this machine's clock; limits per day and waiting times depend on it."
        return Finding("clock", "warning", words, remedy)
    return Finding("clock", "ok", words)


def unsettled(entries: Iterable[Entry]) -> Finding:
    """Judge the writes without an outcome."""
    abandoned = [entry.abandoned for entry in entries]
    if left := abandoned.count(True):
        remedy = "The next write settles it first; see telefonie-mcp log --state unknown and --state intent."
        return Finding("ledger", "warning", f"{_writes(left)} without an outcome", remedy)
    running = abandoned.count(False)
    return Finding("ledger", "ok", f"readable and whole, {_writes(running)} under way")


def _writes(count: int) -> str:
    return f"{count} write{'' if count == 1 else 's'}"


def versions(python: str, requirements: Iterable[str], installed: Mapping[str, str]) -> Finding:
    """Compare what is installed with what the package requires.

    Args:
        python: The interpreter's version.
        requirements: As the package's metadata have them; those of extras do not count.
        installed: Versions by name.

    """
    own = [text for text in requirements if "extra ==" not in text]
    wanted = {name: bounds for text in own for name, bounds in re.findall(r"^([\w.-]+)\s*(.*)$", text)}
    wrong = [
        f"{name} {installed.get(name, 'is missing')}{f' (needs {bounds})' if bounds else ''}"
        for name, bounds in wanted.items()
        if name not in installed or not _satisfies(installed[name], bounds)
    ]
    if wrong:
        remedy = "Install telefonie-mcp again, best in an environment of its own."
        return Finding("versions", "problem", ", ".join(wrong), remedy)
    seen = ", ".join(f"{name} {installed[name]}" for name in wanted)
    return Finding("versions", "ok", f"Python {python}, {seen}")


def _satisfies(version: str, specifier: str) -> bool:
    """Whether a version lies between the bounds of ``>=A,<B``; other clauses are not looked at."""
    for sign, bound in re.findall(r"(>=|<)\s*([\d.]+)", specifier):
        if (_release(version) >= _release(bound)) is not (sign == ">="):
            return False
    return True


def _release(version: str) -> tuple[int, ...]:
    numbers = re.match(r"[\d.]*", version)
    parts = [int(part) for part in (numbers[0] if numbers else "").split(".") if part]
    while parts and not parts[-1]:
        parts.pop()  # 2.0 is 2
    return tuple(parts)
