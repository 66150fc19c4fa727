"""Who is measured: this server, the two floors, FastMCP, and a Node bridge.

FastMCP and the bridge are installed, pinned, by the benchmark itself in a directory of its own, once; without
Node there is no bridge.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import yaml

from tests.bench.sessions import ERAS, Era

__all__ = [
    "BRIDGE",
    "CALL",
    "ECHO",
    "FASTMCP",
    "JSON",
    "KEY",
    "OURS",
    "PYTHON",
    "SDK",
    "SDK_ALONE",
    "Contestant",
    "contestants",
    "install",
]

OURS: Final = "telefonie-mcp"
JSON: Final = "telefonie-mcp, JSON answers"
ECHO: Final = "E: bare SDK, constant"
CALL: Final = "F: bare SDK, one request"
FASTMCP: Final = "FastMCP"
BRIDGE: Final = "Node bridge"

SDK: Final = "the SDK alone"
SDK_ALONE: Final = "sdk"
"""Its environment's name."""

PYTHON: Final = "bin/python"
KEY: Final = "key-of-a-benchmark"

_FASTMCP_PIN: Final = "fastmcp==4.2.3"
_BRIDGE_PIN: Final = "openapi-mcp-generator@4.0.1"
_ROOT: Final = Path(__file__).parents[2]
_SEED: Final = _ROOT / "telefonie_mcp/openapi/data/telefonie-numbers-openapi.yml"
_PEERS: Final = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Contestant:
    """A server that can be started.

    Attributes:
        command: What starts it over stdio.
        port_option: Arguments that make it serve HTTP, ``{port}`` being the port; none: it cannot.
        tool: Its tool that searches numbers.
        eras: The protocol eras it speaks.

    """

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    port_option: tuple[str, ...] = ()
    tool: str = "search"
    eras: tuple[Era, ...] = ERAS

    def on(self, port: int) -> tuple[str, ...]:
        """Return what starts it over HTTP."""
        return (*self.command, *(option.format(port=port) for option in self.port_option))

    def with_variables(self, **variables: str) -> "Contestant":
        """Return the same with more environment variables."""
        return replace(self, variables={**self.variables, **variables})


def contestants(upstream: str, work: Path, peers: Path | None) -> dict[str, Contestant]:
    """Return who can be started on this machine, by name.

    Args:
        upstream: Base URL of the stand-in.
        work: Where ours keeps its ledger.
        peers: Where :func:`install` has put the others; none: without them.

    """
    called = {"UPSTREAM": upstream, "API_KEY": KEY}
    floor = (sys.executable, "-m", "tests.bench.peers.floor")
    ours = Contestant(
        OURS,
        (sys.executable, "-m", "telefonie_mcp"),
        {
            "TELEFONIE_API_KEY": KEY,
            "TELEFONIE_BASE_URL": upstream,
            "TELEFONIE_STATE_DIR": str(work),
            "TELEFONIE_MAX_CALLS_PER_MINUTE": "10000000",
        },
        ("--http", "127.0.0.1:{port}"),
        tool="search_available_numbers",
    )
    json_ours = replace(ours, name=JSON, variables={**ours.variables, "TELEFONIE_HTTP_JSON": "true"})
    own = [
        Contestant(ECHO, (*floor, "echo"), {}, ("{port}",)),
        Contestant(CALL, (*floor, "call"), called, ("{port}",)),
        ours,
        json_ours,
    ]
    return {each.name: each for each in (*own, *(_others(peers, called) if peers else ()))}


def _others(peers: Path, called: Mapping[str, str]) -> Iterator[Contestant]:
    spec = peers / "seed.json"
    command = (str(peers / "fastmcp" / PYTHON), str(_PEERS / "fastmcp_server.py"), str(spec))
    yield Contestant(FASTMCP, command, called, ("{port}",), tool="searchAvailableNumbers")
    server, node = peers / "bridge/build/index.js", _node()
    if server.exists() and node:
        variables = {"API_BASE_URL": called["UPSTREAM"], "API_KEY_APIKEYAUTH": called["API_KEY"]}
        command = (node, str(server))
        yield Contestant(BRIDGE, command, variables, tool="searchAvailableNumbers", eras=("legacy",))


def install(peers: Path) -> None:
    """Install what is measured beside ours, unless it is there already; needs PyPI and, for Node, npm."""
    stamp = peers / "pins"
    sdk = f"mcp=={version('mcp')}"
    ours = (_ROOT / "pyproject.toml").read_text()
    pins = f"{_FASTMCP_PIN} {sdk} {_BRIDGE_PIN if _node() and shutil.which('npm') else ''}\n{ours}"
    if stamp.exists() and stamp.read_text() == pins:
        return
    shutil.rmtree(peers, ignore_errors=True)
    peers.mkdir(parents=True)
    seed = peers / "seed.json"
    seed.write_text(json.dumps(yaml.safe_load(_SEED.read_text())))
    for name, requirement in (("fastmcp", _FASTMCP_PIN), (SDK_ALONE, sdk), ("ours", str(_ROOT))):
        _run(sys.executable, "-m", "venv", str(peers / name))
        pip = (str(peers / name / PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        _run(*pip, requirement)
    if _BRIDGE_PIN in pins:
        npm = ("npm", "--no-audit", "--no-fund", "--loglevel", "error")
        bridge = peers / "bridge"
        _run(*npm, "install", "--prefix", str(peers), _BRIDGE_PIN)
        generator = peers / "node_modules/.bin/openapi-mcp-generator"
        _run(str(generator), "-i", str(seed), "-o", str(bridge), "-b", "http://127.0.0.1:9")
        _run(*npm, "install", "--prefix", str(bridge))
        _run(*npm, "run", "build", "--prefix", str(bridge))
    stamp.write_text(pins)


def _node() -> str | None:
    tools = Path(os.environ.get("NODE_TOOLS", "/nonexistent")) / "node"
    return str(tools) if tools.exists() else shutil.which("node")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=600)
