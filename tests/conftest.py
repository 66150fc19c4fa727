"""Fixtures that every test can use."""

import os

import hypothesis
import pytest

hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")  # machines are busy, and the same commit gets the same verdict

collect_ignore = [] if os.environ.get("NODE_TOOLS") else ["clients"]
"""Tests with programs from npm are collected where `NODE_TOOLS` says that those are, as in .ci/run."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
