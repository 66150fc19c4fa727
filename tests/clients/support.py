"""Programs from npm, where `NODE_TOOLS` says, and packages from PyPI, as scripts ask for them."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from subprocess import PIPE

import anyio

from tests.support.wire import SECONDS, environment

TOOLS = Path(os.environ["NODE_TOOLS"])
UV = {"UV_PYTHON": sys.executable, "UV_EXCLUDE_NEWER": "2026-11-24T00:00:00Z"}
"""How uv makes environments. Scripts pin what they use, and the date pins what that needs in turn."""


async def run(home: Path, name: str, *arguments: str, seconds: float = SECONDS) -> tuple[int, str, str]:
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


def npm_version(package: str) -> dict[str, str]:
    """Return a package's name with the version that is installed."""
    return {package: json.loads((TOOLS.parent / package / "package.json").read_text())["version"]}


@cache
def python_of(script: Path) -> str:
    """Make the environment that a script's header asks for (PEP 723), and return its Python.

    uv locks it while it makes it, so several workers can ask at once, and keeps it for the next time.
    """
    uv("sync", "--quiet", "--script", str(script))
    return uv("python", "find", "--script", str(script))


def uv(*arguments: str) -> str:
    """Run uv, and return its output."""
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(
        command, env={**os.environ, **UV}, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
