"""Who works on an intent: a process of a machine, as far as other processes can tell."""

import os
import platform
import secrets
import sys
from typing import Final

__all__ = ["OWNER", "gone"]

_HOST: Final = platform.node()

OWNER: Final = f"{_HOST}:{os.getpid()}:{secrets.token_hex(4)}"
"""This process; the token tells it from an earlier one with the same number."""


def gone(owner: str) -> bool:
    """Whether ``owner`` is a process of this machine that no longer runs."""
    host, pid, _ = owner.rsplit(":", 2)
    if host != _HOST or sys.platform == "win32":  # os.kill would end the process there; the lease decides
        return False
    if int(pid) == os.getpid():
        return owner != OWNER
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it runs, as somebody else
    return False
