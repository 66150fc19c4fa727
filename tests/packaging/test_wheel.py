"""What is published works where nothing else is: from the wheel, and from the sdist that it is built of."""

import hashlib
import json
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from telefonie_mcp import __version__
from tests.packaging.support import ROOT, build, installed_client, run, tool

pytestmark = [pytest.mark.packaging, pytest.mark.xdist_group("packages")]
"""One worker builds the packages, once."""


def contents(wheel: Path) -> dict[str, str]:
    with ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def test_the_wheel_holds_the_package_its_data_and_nothing_else(wheel: Path) -> None:
    package = ROOT / "telefonie_mcp"
    files = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"telefonie_mcp/py.typed", "telefonie_mcp/sandbox/pricing.json"} < files
    assert any(name.endswith("-openapi.yml") for name in files)
    about = f"telefonie_mcp-{__version__}.dist-info"
    metadata = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert contents(wheel).keys() == files | {f"{about}/{name}" for name in metadata}


def test_the_metadata_are_those_of_the_project(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    about = f"telefonie_mcp-{__version__}.dist-info"
    with ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{about}/METADATA").decode())
        scripts = archive.read(f"{about}/entry_points.txt").decode()
        tag = archive.read(f"{about}/WHEEL").decode()
    assert (metadata["Name"], metadata["Version"]) == (project["name"], __version__)
    assert metadata["Requires-Python"] == project["requires-python"]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert scripts.split() == ["[console_scripts]", "telefonie-mcp", "=", "telefonie_mcp.__main__:main"]
    assert "Tag: py3-none-any" in tag


def test_the_sdist_builds_the_same_wheel_and_holds_no_leftovers(
    sdist: Path, wheel: Path, tmp_path: Path
) -> None:
    run("tar", "-xf", sdist, cwd=tmp_path)
    (source,) = tmp_path.iterdir()
    names = [path.relative_to(source).as_posix() for path in source.rglob("*")]
    assert {"tests/packaging/test_wheel.py", "docs/settings.md", "Dockerfile", "server.json"} < {*names}
    assert ".ci/run" in names
    assert not [name for name in names if "cache" in name.split("/")[-1] or name.endswith((".pyc", ".lock"))]
    target = tmp_path / "dist"
    target.mkdir()
    (again,) = build(source, target, "--wheel")
    assert contents(again) == contents(wheel)


async def test_the_wheel_installed_alone(wheel: Path, tmp_path: Path) -> None:
    place, home = tmp_path / "venv", tmp_path / "home"
    home.mkdir()
    run(tool("uv"), "venv", "--quiet", place, cwd=tmp_path)
    python, script = place / "bin/python", place / "bin/telefonie-mcp"
    run(
        tool("uv"), "pip", "install", "--quiet", "--compile-bytecode", "--python", python, wheel, cwd=tmp_path
    )
    where = run(python, "-c", "import telefonie_mcp as t; print(t.__file__)", cwd=home).stdout
    assert Path(where.strip()).is_relative_to(place)
    assert [*place.rglob("telefonie_mcp/cli/__pycache__/main.*.pyc")]
    assert run(script, "--version", cwd=home).stdout == f"telefonie-mcp, version {__version__}\n"

    demo = run(script, "demo", cwd=home, home=home)
    assert "A number was bought, configured and released" in demo.stdout
    report = json.loads(run(script, "doctor", "--json", cwd=home, home=home).stdout)
    assert {finding["check"]: finding["status"] for finding in report["checks"]}["versions"] == "ok"

    configured = json.loads(run(script, "config", "cursor", cwd=home, home=home).stdout)
    server = configured["mcpServers"]["telefonie"]
    assert server == {"command": str(script)}
    async with installed_client([server["command"]], home, TELEFONIE_SANDBOX_DB=":memory:") as client:
        assert client.server_info
        assert client.server_info.version == __version__
        found = await client.call_tool("search_available_numbers", {"country_code": "DE", "limit": 1})
        assert found.structured_content
        assert found.structured_content["available_numbers"]


def test_uvx_runs_it_and_its_configuration_runs_uvx(wheel: Path, tmp_path: Path) -> None:
    program = "telefonie-mcp"
    uvx = ["tool", "run", "--from", str(wheel), program]
    assert run(tool("uv"), *uvx, "--version", cwd=tmp_path).stdout == f"{program}, version {__version__}\n"
    configured = json.loads(run(tool("uv"), *uvx, "config", "claude-desktop", cwd=tmp_path).stdout)
    server = configured["mcpServers"]["telefonie"]
    assert server["command"] == tool("uvx")
    assert server["args"] == ["--from", f"{program} @ {wheel.as_uri()}", program]
    assert run(server["command"], *server["args"], "--version", cwd=tmp_path).stdout.startswith(program)
