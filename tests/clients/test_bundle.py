"""The desktop bundle: packed by the official tool, unpacked where nothing else is, and started from there."""

import json
import os
import re
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.clients.support import run
from tests.packaging.support import ROOT, installed_client, tool


async def packed(home: Path) -> Path:
    bundle = home / "telefonie-mcp.mcpb"
    for arguments in (["validate", str(ROOT / "manifest.json")], ["pack", str(ROOT), str(bundle)]):
        status, output, errors = await run(home, "mcpb", *arguments)
        assert status == 0, output + errors
    return bundle


async def test_it_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    with ZipFile(await packed(tmp_path)) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    assert {name for name in names if "/" not in name} == {
        "LICENSE",
        "README.md",
        "manifest.json",
        "pyproject.toml",
    }
    assert names - {name for name in names if "/" not in name} == {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "telefonie_mcp").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize(("key", "mode"), [("", "sandbox"), ("your-key", "live")])
async def test_it_starts_and_lists_its_tools(key: str, mode: str, tmp_path: Path) -> None:
    place, home = tmp_path / "extension", tmp_path / "home"
    home.mkdir()
    with ZipFile(await packed(tmp_path)) as archive:
        archive.extractall(place)
    manifest = json.loads((place / "manifest.json").read_text())
    values = {f"user_config.{name}": option["default"] for name, option in manifest["user_config"].items()}
    values |= {"user_config.api_key": key, "__dirname": str(place)}

    def filled(text: str) -> str:
        return re.sub(r"\$\{([\w.]+)\}", lambda match: str(values[match[1]]).lower(), text)

    config = manifest["server"]["mcp_config"]
    variables = {name: filled(value) for name, value in config["env"].items()}
    assert config["command"] == "uv"
    arguments = [argument.replace("${__dirname}", str(place)) for argument in config["args"]]
    variables |= {"HOME": os.environ["HOME"], "XDG_DATA_HOME": str(home)}  # where uv keeps what it fetched
    async with installed_client([tool("uv"), *arguments], home, **variables) as client:
        assert client.server_info
        assert client.server_info.title == f"Telefonie phone numbers ({mode})"
        listed = (await client.list_tools()).tools
    assert [tool.name for tool in listed] == [tool["name"] for tool in manifest["tools"]]
