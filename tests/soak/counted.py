"""Runs the command as ``python -m telefonie_mcp`` does, and counts its asyncio tasks at each SIGUSR1.

The count is written to the file that ``COUNTED`` names. Only the event loop of a process knows its tasks, and
the product has no way to ask it: this wrapper belongs to the tests.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from telefonie_mcp.__main__ import main


def _count(_: int, __: FrameType | None) -> None:
    file = Path(os.environ["COUNTED"])
    new = file.with_suffix(".new")
    new.write_text(str(len(asyncio.all_tasks())))
    new.replace(file)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    sys.argv[0] = "telefonie-mcp"
    sys.exit(main())
