"""The workflows of the code host run what `.ci/run` runs, and may do no more than they need."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.support import ROOT, run, tool

WORKFLOWS = sorted((ROOT / ".github/workflows").iterdir())
every = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)


def commands(path: Path) -> list[str]:
    jobs = read(path)["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@every
def test_it_checks_what_ci_checks(path: Path) -> None:
    said = commands(path)
    assert "bash .ci/run" in said
    assert not [command for command in said if re.search(r"pytest|ruff|pyright", command)]


@every
def test_actions_are_pinned_by_commit(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text())
    assert uses
    for used in uses:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used)


@every
def test_it_may_do_no_more_than_it_needs(path: Path) -> None:
    tree = read(path)
    granted = [tree["permissions"], *(job.get("permissions", {}) for job in tree["jobs"].values())]
    assert "permissions" in tree
    for permissions in granted:
        assert permissions in ("", {}, {"contents": "read"}, {"id-token": "write"})
    for job in tree["jobs"].values():
        assert int(job["timeout-minutes"]) <= 90
        if "id-token" in job.get("permissions", {}):
            assert job["environment"]
            assert not [step for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert "secrets." not in path.read_text()


def test_the_linter_finds_nothing() -> None:
    done = run(tool("zizmor"), "--offline", "--no-config", "--no-progress", *WORKFLOWS, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_tools_have_the_versions_that_the_tests_use() -> None:
    packages = json.loads((ROOT / ".ci/package.json").read_text())["dependencies"]
    said = "\n".join(command for path in WORKFLOWS for command in commands(path))
    assert f"@anthropic-ai/mcpb@{packages['@anthropic-ai/mcpb']} pack" in said
    recipe = (ROOT / "Dockerfile").read_text()
    pinned = {version for text in (said, recipe) for version in re.findall(r"uv==([\d.]+)", text)}
    assert len(pinned) == 1
