"""The packages, built once."""

from pathlib import Path

import pytest

from tests.packaging.support import ROOT, build


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, beside the wheel that is built from it."""
    return next(path for path in build(ROOT, tmp_path_factory.mktemp("packages")) if path.suffix == ".gz")


@pytest.fixture(scope="session")
def wheel(sdist: Path) -> Path:
    """The wheel that is built from the sdist."""
    return next(sdist.parent.glob("*.whl"))
