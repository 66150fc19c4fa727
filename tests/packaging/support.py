"""Packages built as a release builds them, and installations of them that know nothing of this repository."""

import atexit
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import anyio
from mcp import Client

from tests.support.wire import environment, standard_streams

ROOT = Path(__file__).parents[2]
SECONDS = 300
"""How long an installation may take on a busy machine, with every package still to be fetched."""


@cache
def nobodys_home() -> Path:
    """Return the home directory of tools that tests start; whatever they keep there is removed."""
    home = Path(mkdtemp(prefix="home-"))
    atexit.register(rmtree, home, ignore_errors=True)
    return home


def run(
    *command: str | Path,
    cwd: Path,
    home: Path | None = None,
    check: bool = True,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program that cannot import this repository, without anybody's settings and home directory."""
    variables = {**environment(home or nobodys_home()), **(variables or {})}
    return subprocess.run(
        [str(part) for part in command],
        env={name: value for name, value in variables.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=check,
    )


def tool(name: str) -> str:
    """Return a program that is installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def build(source: Path, target: Path, *options: str) -> list[Path]:
    """Build packages with the backend that `source` names."""
    run(tool("uv"), "build", "--quiet", *options, "--out-dir", target, source, cwd=target)
    return sorted(path for path in target.iterdir() if path.suffix in {".whl", ".gz"})


@asynccontextmanager
async def installed_client(command: Sequence[str], home: Path, **variables: str) -> AsyncGenerator[Client]:
    """Connect the SDK's client to what an installation starts, from a directory that has nothing to offer."""
    env = {name: value for name, value in environment(home, **variables).items() if name != "PYTHONPATH"}
    with anyio.fail_after(SECONDS):
        async with standard_streams(command, env, home, read_timeout_seconds=SECONDS) as client:
            yield client
