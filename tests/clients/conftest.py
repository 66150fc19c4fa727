"""One Chromium for all tests of a module."""

from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser

from tests.clients.browser import chromium


@pytest.fixture(scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as started:
        yield started
