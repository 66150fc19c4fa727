"""Programs from npm, in the directory that `NODE_TOOLS` names."""

import os
from pathlib import Path
from subprocess import PIPE

import anyio

from tests.support.wire import environment

TOOLS = Path(os.environ["NODE_TOOLS"])


async def run(home: Path, name: str, *arguments: str, seconds: float = 90) -> tuple[int, str, str]:
    """Run a program and return its status, its output and its errors."""
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    with anyio.fail_after(seconds):
        done = await anyio.run_process(
            [str(TOOLS / name), *arguments],
            env=environment(home, PATH=path),
            cwd=home,
            stdout=PIPE,
            stderr=PIPE,
            check=False,
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()
