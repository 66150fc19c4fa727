"""Rounds and what they say; pure but for the measuring itself.

Contestants take turns within every round, so that whatever else the machine does hits all of them alike. A
ratio is taken within a round; of all rounds the median counts, and the quartiles say how far to trust it.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

__all__ = ["Measure", "Outcome", "Sample", "compare"]

Sample = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Measure:
    """Something to measure of several contestants.

    Attributes:
        id: Its name in results and targets.
        floor: Whom the ratios refer to.
        contestants: Name → how to open it; what opens returns a sample each time it is called.
        most_rounds: Fewer rounds than others, for what takes long or does not vary.
        turns: How often the contestants take turns in a round, for samples so short that what disturbs the
            machine for a second would hit some of them and not others.

    """

    id: str
    title: str
    unit: str
    floor: str
    contestants: Mapping[str, Callable[[], AbstractContextManager[Sample]]]
    most_rounds: int = 1000
    turns: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured of one contestant: medians, and the quartiles of the ratio to the floor."""

    value: float
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Iterable[float], floors: Iterable[float]) -> "Outcome":
        """Return what ``samples`` say beside the ``floors`` of the same rounds."""
        values = list(samples)
        ratios = [value / floor for value, floor in zip(values, floors, strict=True)]
        low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        return cls(*(round(number, 4) for number in (median(values), median(ratios), low, high)))

    def as_dict(self) -> dict[str, float]:
        """Return it as JSON."""
        return {"value": self.value, "ratio": self.ratio, "low": self.low, "high": self.high}


def compare(measure: Measure, rounds: int) -> dict[str, Any]:
    """Measure all contestants in turn, ``rounds`` times, after one round that does not count."""
    with ExitStack() as stack:
        samples = {name: stack.enter_context(opened()) for name, opened in measure.contestants.items()}
        taken: dict[str, list[float]] = {name: [] for name in samples}
        for number in range(min(rounds, measure.most_rounds) * measure.turns + 1):
            for name, sample in samples.items():
                value = sample()
                if number:
                    taken[name].append(value)
    outcomes = {name: Outcome.of(values, taken[measure.floor]) for name, values in taken.items()}
    return {
        "title": measure.title,
        "unit": measure.unit,
        "floor": measure.floor,
        "rounds": min(rounds, measure.most_rounds),
        "contestants": {name: outcome.as_dict() for name, outcome in outcomes.items()},
    }
