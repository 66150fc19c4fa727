"""Identity of the process that works on an intent, and whether it still runs."""

import os
import platform
import secrets
import sys
from typing import Final

__all__ = ["OWNER", "gone"]

_HOST: Final = platform.node()
_TOKEN_BYTES: Final = 4

OWNER: Final = f"{_HOST}:{os.getpid()}:{secrets.token_hex(_TOKEN_BYTES)}"
"""This process, as ``host:pid:token``; the token distinguishes it from an earlier one with the same PID."""


def gone(owner: str) -> bool:
    """Whether ``owner`` is a process of this machine that has exited; on Windows it is always ``False``."""
    host, pid, _ = owner.rsplit(":", 2)
    if (
        host != _HOST or sys.platform == "win32"
    ):  # os.kill would terminate the process there; the lease decides
        return False
    if int(pid) == os.getpid():
        return owner != OWNER
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it runs as another user
    return False
