"""What was counted, and whether it is as it should be."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Counts by name, and those that must be zero."""

    what: str
    counts: Mapping[str, float]
    faults: Mapping[str, float]

    @property
    def well(self) -> bool:
        """Whether nothing went wrong."""
        return not any(self.faults.values())

    def __str__(self) -> str:
        shown = [f"{name} {count:,g}" for name, count in {**self.counts, **self.faults}.items()]
        return f"{self.what}: {', '.join(shown)}"
