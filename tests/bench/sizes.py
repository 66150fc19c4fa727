"""What an installation brings: megabytes and packages, without pip and without bytecode."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.contestants import FASTMCP, OURS, PYTHON, SDK, SDK_ALONE
from tests.bench.rounds import Measure

__all__ = ["measures"]

_INSTALLERS = ("pip", "setuptools", "wheel")


def measures(peers: Path) -> list[Measure]:
    """Return what can be measured of the environments in ``peers``."""

    def of(name: str, title: str, unit: str, count: Callable[[Path], float]) -> Measure:
        environments = {SDK: SDK_ALONE, OURS: "ours", FASTMCP: "fastmcp"}
        opened: dict[str, Any] = {
            who: partial(nullcontext, partial(count, _packages(peers / environment)))
            for who, environment in environments.items()
        }
        return Measure(name, title, unit, SDK, opened, most_rounds=1)

    return [
        of("size", "installed size", "MB", lambda root: sum(_sizes(root)) / 1e6),
        of("packages", "installed packages", "packages", lambda root: len([*_distributions(root)])),
    ]


def _packages(environment: Path) -> Path:
    (found,) = (environment / PYTHON).parents[1].glob("lib/python*/site-packages")
    return found


def _sizes(root: Path) -> Iterator[int]:
    for path in root.rglob("*"):
        own = path.relative_to(root).parts[0].startswith(_INSTALLERS)
        if path.is_file() and path.suffix != ".pyc" and not own:
            yield path.stat().st_size


def _distributions(root: Path) -> Iterator[Path]:
    return (path for path in root.glob("*.dist-info") if not path.name.startswith(_INSTALLERS))
