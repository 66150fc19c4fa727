"""What README.md promises is executed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from telefonie_mcp.cli.config.clients import CLIENTS
from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.arguments import read_arguments
from tests import readme
from tests.support.tools import tool
from tests.support.wire import SECONDS, environment, running

ROOT = Path(__file__).parents[1]
TEXT = readme.README.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
TESTS = "python -m pytest -n 4 --cov --cov-fail-under=95"
SHELL = [code for language, code in BLOCKS if language == "sh"]
JSON = [code for language, code in BLOCKS if language == "json"]
LINES = [line for language, code in BLOCKS if language == "text" for line in code.splitlines()]
CONFIGURATIONS = {"claude-desktop.json": JSON[0], "vscode.json": JSON[1]}


def shell(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", command],
        env=environment(home, PATH=path),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_generated_parts_are_up_to_date() -> None:
    assert readme.generated(TEXT) == TEXT, "run: python -m tests.readme"


def test_the_two_commands_are_those_that_ci_runs() -> None:
    assert SHELL[0] == "pip install . && telefonie-mcp demo\n"
    assert SHELL[1] == f"pip install -e '.[dev]' && {TESTS}\n"
    ci = (ROOT / ".ci/run").read_text()
    assert "--editable '.[dev]'" in ci
    assert f"\n{TESTS}\n" in ci


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


async def title(server: dict[str, Any], home: Path, key: str) -> str | None:
    """Start a server as a client does, with `key` where its configuration has one, and return its title."""
    parameters = StdioServerParameters(
        command=str(Path(sys.executable).parent / server["command"]),
        env=environment(home, **dict.fromkeys(server["env"], key)),
    )
    with anyio.fail_after(SECONDS), TemporaryFile("w+") as errors:
        async with Client(stdio_client(parameters, errlog=errors)) as client:
            assert (await client.list_tools()).tools
            assert client.server_info
            return client.server_info.title


@pytest.mark.parametrize("file", CONFIGURATIONS)
async def test_the_client_configurations_start_the_server(file: str, tmp_path: Path) -> None:
    assert CONFIGURATIONS[file] == (ROOT / "examples/clients" / file).read_text()
    configuration = json.loads(CONFIGURATIONS[file])
    (server,) = configuration["servers" if file == "vscode.json" else "mcpServers"].values()
    assert server["env"].keys() == {"TELEFONIE_API_KEY"}
    assert await title(server, tmp_path, "your-key") == "Telefonie phone numbers (live)"
    assert await title(server, tmp_path, "") == "Telefonie phone numbers (sandbox)"


async def test_claude_code_gets_the_key_from_a_file(tmp_path: Path) -> None:
    (line,) = [line for line in LINES if line.startswith("claude mcp add ")]
    options, _, command = line.partition(" -- ")
    name, path = re.findall(r"--env (\w+)=(\S+) ", options)[0]
    assert path.startswith("/path/of/")
    key = tmp_path / "key"
    key.write_text("your-key\n")
    server = {"command": command, "env": {name: path}}
    assert await title(server, tmp_path, str(key)) == "Telefonie phone numbers (live)"


async def test_the_servers_listen_where_they_say(tmp_path: Path) -> None:
    for command, path in {
        "telefonie-mcp --http 127.0.0.1:8000": "/mcp",
        "telefonie-mcp sandbox --port 9000": "/v1/numbers",
    }.items():
        assert command in LINES
        arguments = re.sub(r"\b[89]000$", "0", command).split()[1:]
        async with running(*arguments, home=tmp_path) as server:
            assert (await server.address()).endswith(path)


async def test_the_sandbox_on_a_socket_is_used_like_the_live_api_and_emptied(tmp_path: Path) -> None:
    (use,) = [line for line in LINES if line.startswith("TELEFONIE_API_KEY=")]
    assert "http://127.0.0.1:9000/v1/numbers" in use
    async with running("sandbox", "--port", "0", home=tmp_path) as server:
        command = use.replace("http://127.0.0.1:9000/v1/numbers", await server.address())
        done = await anyio.to_thread.run_sync(shell, command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total"] == 0
    assert "telefonie-mcp sandbox --reset" in LINES
    assert shell("telefonie-mcp sandbox --reset", tmp_path).returncode == 0


def test_a_client_is_configured(tmp_path: Path) -> None:
    file = tmp_path / ".config/Claude/claude_desktop_config.json"
    key = tmp_path / "key"
    key.write_text("your-key\n")
    plain, with_key = (line for line in LINES if line.endswith(" config claude-desktop --write"))
    assert shell(f"{plain} --yes", tmp_path).returncode == 0
    entry = json.loads(file.read_text())["mcpServers"]["telefonie"]
    assert "env" not in entry
    command = with_key.replace("/path/of/a/file/with/your/key", str(key))
    assert shell(f"{command} --yes", tmp_path).returncode == 0
    entry = json.loads(file.read_text())["mcpServers"]["telefonie"]
    assert entry["env"] == {"TELEFONIE_API_KEY_FILE": str(key)}
    assert shell(entry["command"] + " --version", tmp_path).returncode == 0


def test_every_client_is_named() -> None:
    assert {name for name in re.findall(r"`([a-z-]+)`", TEXT) if name in CLIENTS} == CLIENTS.keys()


def test_an_installation_with_uv_is_compiled(tmp_path: Path) -> None:
    (command,) = [line for line in LINES if line.startswith("uv tool install ")]
    cache = subprocess.run(
        [Path(sys.executable).parent / "uv", "cache", "dir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    done = shell(f"UV_CACHE_DIR={cache} {command}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [*tmp_path.rglob("telefonie_mcp/__pycache__/cli.*.pyc")]
    assert shell(f"{tmp_path}/.local/bin/telefonie-mcp --version", tmp_path).returncode == 0


def test_the_container_is_started_as_its_recipe_says() -> None:
    (line,) = [line for line in LINES if line.startswith("docker run ")]
    assert f"#   {line}\n" in (ROOT / "Dockerfile").read_text()


def test_the_bundle_is_packed_with_the_tool_that_ci_runs() -> None:
    packages = json.loads((ROOT / ".ci/package.json").read_text())["dependencies"]
    name = "@anthropic-ai/mcpb"
    assert f"npx {name}@{packages[name]} pack . telefonie-mcp.mcpb" in LINES


def test_the_document_becomes_a_tool(tmp_path: Path) -> None:
    (document,) = [code for language, code in BLOCKS if language == "yaml"]
    file = tmp_path / "tags.yml"
    file.write_text(document)
    done = shell(f"TELEFONIE_API_KEY=your-key telefonie-mcp --spec {file} tools --json", tmp_path)
    assert done.returncode == 0, done.stderr
    (tag,) = [tool for tool in json.loads(done.stdout)["tools"] if tool["name"] == "tag_number"]
    assert tag["annotations"]["destructiveHint"] is False
    assert tag["inputSchema"]["required"] == ["phone_number", "tag"]


def test_the_inspector_is_the_one_that_ci_runs() -> None:
    packages = json.loads((ROOT / ".ci/package.json").read_text())["dependencies"]
    name = "@modelcontextprotocol/inspector"
    assert f"npx {name}@{packages[name]} telefonie-mcp" in LINES


def test_the_packages_it_is_built_on_are_those_that_it_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = TEXT[TEXT.index("| Built on |") : TEXT.index("## Development")]
    shown = {
        name
        for cell in re.findall(r"^\|([^|]+)\|", table, re.MULTILINE)
        for name in re.findall("`(.+?)`", cell)
    }
    assert shown - {"httpx"} == {re.split("[>=<]", package)[0] for package in project["dependencies"]}


def test_the_error_is_what_an_agent_reads() -> None:
    shown = json.loads(JSON[2])
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
