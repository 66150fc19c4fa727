"""Fixtures that every test can use."""

import os

import pytest

collect_ignore = [] if os.environ.get("NODE_TOOLS") else ["clients"]
"""Tests with programs from npm are collected where `NODE_TOOLS` says that those are, as in .ci/run."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
