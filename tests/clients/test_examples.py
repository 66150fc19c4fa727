"""The examples with other people's packages run as they stand, each in the environment that it asks for."""

import json
import os
import re
import sys
from pathlib import Path

import anyio
import pytest

from tests.clients.remote import ROOT
from tests.clients.support import TOOLS, UV, uv
from tests.documentation.pages import lines
from tests.support.wire import environment

EXAMPLES = ROOT / "examples"
AGENTS = ("langchain_agent.py", "openai_agents.py", "pydantic_ai_agent.py")


async def run(*command: str, home: Path, cwd: Path = ROOT, **variables: str) -> tuple[int, str, str]:
    """Run a command where the package and the programs from npm are on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(TOOLS), os.environ["PATH"]])
    with anyio.fail_after(300):
        done = await anyio.run_process(
            command,
            env=environment(home, PATH=path, **UV, UV_CACHE_DIR=uv("cache", "dir"), **variables),
            cwd=cwd,
            check=False,
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def databases(home: Path) -> list[Path]:
    return [*home.rglob("*.sqlite3")]


@pytest.mark.parametrize("name", AGENTS)
async def test_an_agent_buys_at_an_agreed_price_and_gives_back_after_a_yes(name: str, tmp_path: Path) -> None:
    status, output, errors = await run("uv", "run", f"examples/{name}", home=tmp_path)
    assert status == 0, errors
    events = [
        re.sub(r"\+1415\d{7}", "NUMBER", line.split(" {")[0].strip())
        for line in output.splitlines()
        if not line.startswith("  gets")
    ]
    assert events == [
        "user: Buy a San Francisco number if one costs under 3 dollars a month.",
        "calls search_available_numbers",
        "calls purchase_number",
        "calls update_owned_number",
        "agent: NUMBER is yours for 1.15 per month, and calls to it go to example.com.",
        "user: We are moving: give it back.",
        "calls release_number",
        "agent: NUMBER would be gone for good. Shall I release it?",
        "user: Yes.",
        "calls release_number",
        "agent: Number released: NUMBER.",
    ]
    assert output.count("Nothing was done, because confirm was not true") == 1
    assert not databases(tmp_path)


@pytest.mark.parametrize("name", AGENTS)
async def test_a_variable_switches_to_a_real_model(name: str, tmp_path: Path) -> None:
    model = {"openai_agents.py": "nobody/nothing"}.get(name, "nobody:nothing")
    status, output, errors = await run("uv", "run", f"examples/{name}", home=tmp_path, EXAMPLE_MODEL=model)
    assert status == 1
    assert "nobody" in errors
    assert "calls" not in output


def test_the_documentation_runs_one_of_them() -> None:
    assert f"uv run examples/{AGENTS[0]}" in lines()


def test_the_agents_follow_the_same_script() -> None:
    texts = [(EXAMPLES / name).read_text() for name in AGENTS]
    assert len({text[text.index("def script()") :] for text in texts}) == 1
    assert len({re.findall("^USER = .*", text, re.MULTILINE)[0] for text in texts}) == 1


@pytest.mark.parametrize("name", ["call.sh", "inspector.sh"])
async def test_a_shell_session_buys_and_gives_back(name: str, tmp_path: Path) -> None:
    here = TOOLS.parents[1]  # npx runs what is installed where it starts
    status, output, errors = await run("bash", str(EXAMPLES / name), home=tmp_path, cwd=here)
    assert status == 0, errors
    assert re.findall(r"(?:call|--tool-name) (\w+)", errors) == [
        "search_available_numbers",
        "purchase_number",
        "purchase_number",
        *(["update_owned_number"] if name == "call.sh" else []),
        "release_number",
    ]
    refused, _, done = output.partition("Status ")
    assert "Nothing was done, because confirm was not true" in refused
    assert "would buy +1415" in refused
    assert "Number released" in done
    assert not databases(tmp_path)


def test_the_inspector_is_the_one_that_is_tested() -> None:
    packages = json.loads((ROOT / ".ci/package.json").read_text())["dependencies"]
    pinned = packages["@modelcontextprotocol/inspector"]
    assert f"npx @modelcontextprotocol/inspector@{pinned} --cli" in (EXAMPLES / "inspector.sh").read_text()
