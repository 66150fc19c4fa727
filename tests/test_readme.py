"""What README.md promises is executed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.arguments import read_arguments
from tests import readme
from tests.support.tools import tool
from tests.support.wire import environment

ROOT = Path(__file__).parents[1]
TEXT = readme.README.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
TESTS = "python -m pytest -n 4 --cov --cov-fail-under=95"
SHELL = [code for language, code in BLOCKS if language == "sh"]


def shell(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", command],
        env=environment(home, PATH=path),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_generated_parts_are_up_to_date() -> None:
    assert readme.generated(TEXT) == TEXT, "run: python -m tests.readme"


def test_the_two_commands_are_those_that_ci_runs() -> None:
    assert SHELL[0] == "pip install . && telefonie-mcp demo\n"
    assert SHELL[1] == f"pip install -e '.[dev]' && {TESTS}\n"
    ci = (ROOT / ".ci/run").read_text()
    assert "--editable '.[dev]'" in ci
    assert ci.rstrip().endswith(TESTS)


def test_the_demo_buys_configures_and_releases_a_number(tmp_path: Path) -> None:
    done = shell(SHELL[0].partition(" && ")[2], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "A number was bought, configured and released" in done.stdout
    assert "\x1b" not in done.stdout
    assert [*tmp_path.rglob("*")] == []


@pytest.mark.parametrize("command", SHELL[2:])
def test_the_shell_commands_work(command: str, tmp_path: Path) -> None:
    done = shell(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_the_client_configurations_start_this_command() -> None:
    configurations = [json.loads(code) for language, code in BLOCKS if language == "json"][:2]
    servers = [next(iter(configuration.values()))["telefonie"] for configuration in configurations]
    assert [server["command"] for server in servers] == ["telefonie-mcp"] * 2
    assert (Path(sys.executable).parent / "telefonie-mcp").exists()


def test_the_error_is_what_an_agent_reads() -> None:
    shown = [json.loads(code) for language, code in BLOCKS if language == "json"][2]
    with pytest.raises(ToolError) as caught:
        read_arguments(tool("search_available_numbers"), {"country_code": "UK"})
    assert caught.value.as_dict() == shown


def test_the_python_works() -> None:
    (code,) = [code for language, code in BLOCKS if language == "python"]
    names: dict[str, object] = {}
    exec(code, names)
    assert "server" in names


def test_the_example_buys_and_releases_a_number(tmp_path: Path) -> None:
    done = shell(f"{sys.executable} examples/python_client.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"would buy \+44\d+ .*\nBought: .*\nReleased: .*Number released", done.stdout)


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists()
