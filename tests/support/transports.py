"""Over which transports, and in which eras of the protocol, a test speaks to the server."""

from typing import Final, get_args

import pytest

from tests.support.wire import Mode

__all__ = ["OVER_STDIO", "both_eras", "everywhere"]

OVER_STDIO: Final = pytest.param("stdio", marks=pytest.mark.whole)
"""A process for each test, a second of processor time: README's command does the same in memory and over
HTTP, and in tests/wire everything that is different over standard streams."""

everywhere: Final = pytest.mark.parametrize("transport", ["memory", "http", OVER_STDIO])
both_eras: Final = pytest.mark.parametrize("mode", get_args(Mode))
