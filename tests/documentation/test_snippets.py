"""What README.md and docs/ tell people to run is run."""

import hmac
import json
import os
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import parse_qsl

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from telefonie_mcp.cli.completion import LINES
from telefonie_mcp.errors import ToolError
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.arguments import read_arguments
from tests.documentation.pages import BLOCKS, ROOT, TEXTS, blocks, lines
from tests.sandbox.inbound.support import webhook
from tests.support.tools import tool
from tests.support.wire import SECONDS, environment, running

TESTS = "python -m pytest -n 6"
SHELL = blocks("sh")
SCRIPT = "/path/to/.venv/bin/telefonie-mcp"
"""Where the pages say that the command is."""

KEY_FILE = "/path/to/key-file"
NUMBER = "+14155550123"
"""The number that the pages call."""

PRINTED = {
    block.code.split()[-1]: (block.code, BLOCKS[place + 1].code)
    for place, block in enumerate(BLOCKS)
    if re.fullmatch(r"(\S+=\S+ )?telefonie-mcp config [\w-]+\n", block.code) and block.language == "text"
}
"""Client → the command that prints its configuration, and what stands below it."""

KINDS = (
    r"git clone REPOSITORY_URL telefonie-mcp && cd telefonie-mcp",  # its address is not known here
    r"python3 -m venv \.venv && \. \.venv/bin/activate",
    r"pip install '?\.(\[postgres\])?'?",  # test_wheel installs; test_pages looks for the extra
    r"npx @(modelcontextprotocol/inspector|anthropic-ai/mcpb)@\S+ .+",  # tests/clients
    r"docker (build|run) .+",  # test_container
    r"(docker (compose|restart)|kubectl|mkdir|head|cp|cat|chmod|chown|systemctl) .+",  # test_deployment
    r"  TELEFONIE_STATE_KEYS=.+",  # of kubectl, above
    r"(python3 -m venv|/\S+/pip install) \S+",
    r"UPDATE_SNAPSHOTS=1 python -m pytest tests/\S+",
    r"python -m tests\.(documentation\.generated|packaging\.generated|bench --check)",
    r"uv run examples/langchain_agent\.py",  # tests/clients/test_examples.py
    r"uv tool install .+",
    r"claude mcp add .+",
    r"(TELEFONIE_API_KEY_FILE=\S+ )?telefonie-mcp config \S+ --write",
    r"TELEFONIE_API_KEY=\S+ telefonie-mcp config \S+",
    r"TELEFONIE_API_KEY=\S+ TELEFONIE_BASE_URL=\S+ telefonie-mcp call list_owned_numbers",
    r"(eval \"\$\()?_TELEFONIE_MCP_COMPLETE=.+",  # tests/cli/test_completion.py
    r"telefonie-mcp --http \S+",
    r"telefonie-mcp call (purchase|update_owned)_number .+",
    r"telefonie-mcp sandbox (--reset|--port \d+)",
    r"telefonie-mcp sandbox (call|sms|events|webhook-secret|clock)\b.*",
)
"""What a person types; the tests below run it unless a comment says where it is run."""


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


def beginning(start: str) -> list[str]:
    """Return the lines that begin so, of which there must be some."""
    found = [line for line in lines() if line.startswith(start)]
    assert found
    return found


def test_no_command_is_left_out() -> None:
    pattern = re.compile("|".join(KINDS))
    tree = re.compile(r"telefonie_mcp/$|  \w+/ +\S")
    assert [line for line in lines() if not pattern.fullmatch(line) and not tree.match(line)] == []


def test_the_two_commands_are_those_that_ci_runs() -> None:
    assert SHELL[0] == "pip install . && telefonie-mcp demo\n"
    assert SHELL[1] == f"pip install -e '.[dev]' && {TESTS}\n"
    assert f"| `{TESTS}` |" in TEXTS[ROOT / "docs/development.md"]
    ci = (ROOT / ".ci/run").read_text()
    assert "--editable '.[dev]'" in ci
    assert TESTS in ci.splitlines()
    assert "set -euo pipefail" in ci.splitlines()


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


@pytest.mark.parametrize("client", ["claude-desktop", "vscode"])
def test_a_configuration_is_what_is_printed(client: str, tmp_path: Path) -> None:
    command, shown = PRINTED[client]
    printed = shell(command, tmp_path)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.replace(str(Path(sys.executable).parent / "telefonie-mcp"), SCRIPT) == shown
    assert shown.replace(SCRIPT, "telefonie-mcp") == (ROOT / f"examples/clients/{client}.json").read_text()


async def test_the_configurations_start_the_server(tmp_path: Path) -> None:
    server, same = (json.loads(PRINTED[client][1].replace(SCRIPT, "telefonie-mcp")) for client in PRINTED)
    server, same = server["mcpServers"]["telefonie"], same["servers"]["telefonie"]
    assert server["command"] == same["command"]
    assert server["env"].keys() == same["env"].keys() == {"TELEFONIE_API_KEY"}
    assert await title(server, tmp_path, "your-key") == "Telefonie phone numbers (live)"
    assert await title(server, tmp_path, "") == "Telefonie phone numbers (sandbox)"


def test_every_configuration_that_is_shown_is_compared() -> None:
    assert PRINTED.keys() == {"claude-desktop", "vscode"}
    assert len(blocks("json")) == len(PRINTED) + len(("error",))


async def test_claude_code_gets_the_key_from_a_file(tmp_path: Path) -> None:
    (line,) = beginning("claude mcp add ")
    options, _, command = line.partition(" -- ")
    name, path = re.findall(r"--env (\w+)=(\S+) ", options)[0]
    assert path == KEY_FILE
    key = tmp_path / "key"
    key.write_text("your-key\n")
    server = {"command": command, "env": {name: path}}
    assert await title(server, tmp_path, str(key)) == "Telefonie phone numbers (live)"


async def test_the_servers_listen_where_they_say(tmp_path: Path) -> None:
    for command, path in {
        "telefonie-mcp --http 127.0.0.1:8000": "/mcp",
        "telefonie-mcp sandbox --port 9000": "/v1/numbers",
    }.items():
        assert command in lines()
        arguments = re.sub(r"\b[89]000$", "0", command).split()[1:]
        async with running(*arguments, home=tmp_path) as server:
            assert (await server.address()).endswith(path)


async def test_the_sandbox_on_a_socket_is_used_like_the_live_api_and_emptied(tmp_path: Path) -> None:
    (use,) = [line for line in beginning("TELEFONIE_API_KEY=") if " call " in line]
    assert "http://127.0.0.1:9000/v1/numbers" in use
    async with running("sandbox", "--port", "0", home=tmp_path) as server:
        command = use.replace("http://127.0.0.1:9000/v1/numbers", await server.address())
        done = await anyio.to_thread.run_sync(shell, command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total"] == 0
    assert "telefonie-mcp sandbox --reset" in lines()
    assert shell("telefonie-mcp sandbox --reset", tmp_path).returncode == 0


async def test_the_webhooks_have_the_fields_and_the_signature_that_are_described(tmp_path: Path) -> None:
    text = TEXTS[ROOT / "docs/sandbox.md"]
    fields = re.findall(r"^\| `(\w+)` \| (both|call|SMS) \|", text, re.MULTILINE)
    own, route = beginning("telefonie-mcp call ")
    commands = beginning("telefonie-mcp sandbox call ") + beginning("telefonie-mcp sandbox sms ")
    async with webhook() as received:
        for name, path in {"voice_url": "/voice", "sms_url": "/sms"}.items():
            assert f" {name}=https://example.com" in route
            route = route.replace(f"{name}=https://example.com", f"{name}={received.base}{path}")
        script = [
            own,
            route,
            *(f"{command} --allow-private" for command in commands),
            *beginning("telefonie-mcp sandbox events "),
            *beginning("telefonie-mcp sandbox webhook-secret"),
        ]
        done = await anyio.to_thread.run_sync(shell, "\n".join(script), tmp_path)
    assert done.returncode == 0, done.stderr
    *_, sent_call, sent_sms, secret, secret_of_the_number = done.stdout.splitlines()
    assert NUMBER in own
    assert "call from +12125550100" in sent_call
    assert "sms from +12125550100" in sent_sms
    assert secret == secret_of_the_number
    assert [path for path, _, _ in received.requests] == ["/voice", "/sms"]
    for kind, (_, headers, body) in zip(("call", "SMS"), received.requests, strict=True):
        sent = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        assert sent.keys() == {name for name, sent_for in fields if sent_for in {"both", kind}}
        assert (sent["From"], sent["To"], sent["Direction"]) == ("+12125550100", NUMBER, "inbound")
        matched = re.fullmatch(r"t=(\d+),v1=(\w+)", headers["telefonie-signature"])
        assert matched
        signed = f"{matched[1]}.".encode() + body
        assert hmac.digest(secret.encode(), signed, sha256).hex() == matched[2]


def test_the_clock_moves_and_returns_unless_something_happened_meanwhile(tmp_path: Path) -> None:
    move, reset = beginning("telefonie-mcp sandbox clock ")
    buy = f"telefonie-mcp call purchase_number phone_number={NUMBER} confirm=true"
    done = shell(f"{move}\n{reset}\n{move}\n{buy}\n{reset}", tmp_path)
    assert done.returncode == 2
    assert len(re.findall(" UTC$", done.stdout, re.MULTILINE)) == len((move, reset, move))
    assert NUMBER in done.stdout
    assert "happened later than the real time" in done.stderr


def test_a_client_is_configured(tmp_path: Path) -> None:
    file = tmp_path / ".config/Claude/claude_desktop_config.json"
    key = tmp_path / "key"
    key.write_text("your-key\n")
    command, with_key = (line for line in lines() if line.endswith(" config claude-desktop --write"))
    assert shell(f"{command} --yes", tmp_path).returncode == 0
    entry = json.loads(file.read_text())["mcpServers"]["telefonie"]
    assert "env" not in entry
    assert shell(f"{with_key.replace(KEY_FILE, str(key))} --yes", tmp_path).returncode == 0
    entry = json.loads(file.read_text())["mcpServers"]["telefonie"]
    assert entry["env"] == {"TELEFONIE_API_KEY_FILE": str(key)}
    assert shell(entry["command"] + " --version", tmp_path).returncode == 0


def test_the_other_clients_are_configured(tmp_path: Path) -> None:
    commands = [line for line in lines() if line.endswith("--write") and "claude-desktop" not in line]
    done = shell("\n".join(f"{command} --yes" for command in commands), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" is written") == len(commands)


@pytest.mark.packaging
@pytest.mark.xdist_group("packages")
def test_an_installation_with_uv_is_compiled(tmp_path: Path) -> None:
    (command,) = beginning("uv tool install ")
    cache = subprocess.run(
        [Path(sys.executable).parent / "uv", "cache", "dir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    done = shell(f"UV_CACHE_DIR={cache} {command}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [*tmp_path.rglob("telefonie_mcp/cli/__pycache__/main.*.pyc")]
    assert shell(f"{tmp_path}/.local/bin/telefonie-mcp --version", tmp_path).returncode == 0


def test_the_document_becomes_a_tool(tmp_path: Path) -> None:
    (document,) = blocks("yaml")
    file = tmp_path / "tags.yml"
    file.write_text(document)
    done = shell(f"TELEFONIE_API_KEY=your-key telefonie-mcp --spec {file} tools --json", tmp_path)
    assert done.returncode == 0, done.stderr
    (tag,) = [tool for tool in json.loads(done.stdout)["tools"] if tool["name"] == "tag_number"]
    assert tag["annotations"]["destructiveHint"] is False
    assert tag["inputSchema"]["required"] == ["phone_number", "tag"]


def test_the_lines_that_install_completion_are_those_that_are_tested() -> None:
    assert [line for line in lines() if "_TELEFONIE_MCP_COMPLETE" in line] == [*LINES.values()]


def test_the_file_of_keys_gives_each_document_its_own(tmp_path: Path) -> None:
    tables = next(tables for tables in blocks("toml") if 'api_key_file = "/run/secrets/infobip"' in tables)
    (tmp_path / "own.toml").write_text(tables.replace("/run/secrets/infobip", str(tmp_path / "infobip")))
    for name in ("infobip", "messages-key"):
        (tmp_path / name).write_text(f"App {name}-0451")
    accesses = read_settings(
        {
            "TELEFONIE_SPEC": os.pathsep.join(("infobip.yml", "messages.v2.json")),
            "TELEFONIE_SPEC_CREDENTIALS": str(tmp_path / "own.toml"),
        }
    ).accesses
    infobip = accesses.of("infobip")
    assert (infobip.text, infobip.base_url, infobip.account) == (
        "App infobip-0451",
        "https://abc123.api.infobip.com",
        "default/infobip",
    )
    assert accesses.of("messages.v2").text == "App messages-key-0451"


def test_the_error_is_what_an_agent_reads() -> None:
    (shown,) = [error for error in map(json.loads, blocks("json")) if "code" in error]
    with pytest.raises(ToolError) as caught:
        read_arguments(tool("search_available_numbers"), {"country_code": "UK"})
    assert caught.value.as_dict() == shown


def test_the_python_works() -> None:
    (code,) = blocks("python")
    names: dict[str, object] = {}
    exec(code, names)
    assert "server" in names


def test_the_example_buys_and_releases_a_number(tmp_path: Path) -> None:
    done = shell(f"{sys.executable} examples/python_client.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"would buy \+44\d+ .*\nBought: .*\nReleased: .*Number released", done.stdout)
