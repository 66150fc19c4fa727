"""What was counted, and whether it is as it should be."""

from dataclasses import dataclass, field


@dataclass
class Figures:
    """Counts by name, and the names of those that must be zero."""

    what: str
    counts: dict[str, float] = field(default_factory=dict[str, float])
    faults: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def well(self) -> bool:
        """Whether nothing went wrong."""
        return not any(self.faults.values())

    def __str__(self) -> str:
        shown = [f"{name} {count:,g}" for name, count in {**self.counts, **self.faults}.items()]
        return f"{self.what}: {', '.join(shown)}"
