"""The container without a container engine: its recipe is linted, and its commands are run."""

import json
import os
import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from typing import Any

import anyio
import pytest

from telefonie_mcp import health
from tests.packaging.support import ROOT, installed_client, run, tool
from tests.support.wire import SECONDS, running

DOCKERFILE = ROOT / "Dockerfile"
TEXT = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
INSTRUCTIONS = [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in TEXT.splitlines() if line]


def of(name: str) -> Iterator[str]:
    return (rest for instruction, rest in INSTRUCTIONS if instruction == name)


def test_the_recipe_passes_the_linter() -> None:
    done = run(tool("hadolint"), "--failure-threshold", "style", DOCKERFILE, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


def test_it_runs_as_nobody_in_particular_and_keeps_its_state_in_one_place() -> None:
    (user,) = of("USER")
    assert all(int(number) > 1000 for number in user.split(":"))
    (volume,) = of("VOLUME")
    assert volume == "/data"
    names = [name for name, _ in INSTRUCTIONS]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name == "RUN")
    assert [*of("ENTRYPOINT")] == ['["telefonie-mcp"]']
    assert not [name for name in names if name in {"ADD", "ARG", "EXPOSE"}]


def test_its_images_have_a_version_and_are_the_same() -> None:
    images = {image.split(" ")[0] for image in of("FROM")}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", images.pop())


def test_only_what_it_copies_is_sent_to_the_engine() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source.removeprefix("./")
        for rest in of("COPY")
        if not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == kept


def environment(root: Path) -> dict[str, str]:
    (text,) = of("ENV")
    pairs = dict(part.split("=", 1) for part in shlex.split(text))
    base = f"{root}/usr/bin:{os.environ['PATH']}"
    return {name: moved(value, root).replace("$PATH", base) for name, value in pairs.items()}


def moved(command: str, root: Path) -> str:
    """Return a command with the container's directories below `root`, and this user for its user."""
    command = re.sub(r"(?<![\w./-])/(opt|data)\b", rf"{root}/\1", command)
    return command.replace("65532", str(os.getuid()))


def files(*directories: Path) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for directory in directories
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.mark.packaging
async def test_its_commands_make_a_server_that_writes_to_its_volume_only(tmp_path: Path) -> None:
    root, source = tmp_path / "root", tmp_path / "src"
    source.mkdir()
    for rest in of("COPY"):
        if not rest.startswith("--from"):
            *names, _ = rest.split()
            for name in names:
                copying = copytree if (ROOT / name).is_dir() else copy
                options: dict[str, Any] = (
                    {"ignore": ignore_patterns("__pycache__")} if copying is copytree else {}
                )
                copying(ROOT / name, source / name, **options)
    run(tool("uv"), "venv", "--quiet", "--seed", root / "usr", cwd=tmp_path)
    build, prepare = of("RUN")
    path = f"{root / 'usr/bin'}:{os.environ['PATH']}"
    for command in (build, prepare):
        run("sh", "-euc", moved(command, root), cwd=source, variables={"PATH": path})
    for directory in (root / "opt", root / "data"):
        assert directory.exists()
    assert [*root.rglob("opt/telefonie/**/telefonie_mcp/cli/__pycache__/main.*.pyc")]

    variables, home = environment(root), tmp_path / "home"
    home.mkdir()
    before = files(root / "opt", source, home)
    (entrypoint,) = of("ENTRYPOINT")
    program = str(root / "opt/telefonie/bin" / json.loads(entrypoint)[0])
    report = json.loads(run(program, "doctor", "--json", cwd=home, home=home, variables=variables).stdout)
    assert {finding["status"] for finding in report["checks"]} == {"ok"}
    async with installed_client([program], home, **variables) as client:
        number = {"phone_number": "+14155550123", "confirm": True}
        assert not (await client.call_tool("purchase_number", number)).is_error
    assert files(root / "opt", source, home) == before
    assert {path.name for path in files(root / "data")} >= {"sandbox.sqlite3", "sandbox-ledger.sqlite3"}

    (check,) = of("HEALTHCHECK")
    command = json.loads(check.partition(" CMD ")[2])
    python = str(root / "opt/telefonie/bin" / command[0])
    assert run(python, *command[1:], cwd=home, home=home, variables=variables).returncode == 0


def asked(address: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("TELEFONIE_HTTP", address)
    return health.main()


async def test_the_health_check_asks_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running("--http", "0", "--sandbox-db", ":memory:", home=tmp_path) as server:
        address = (await server.address()).removeprefix("http://").removesuffix("/mcp")
        assert await anyio.to_thread.run_sync(asked, address, monkeypatch) == 0
    assert asked(address, monkeypatch) == 1


def test_over_stdio_there_is_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked("", monkeypatch) == 0


def test_something_else_on_the_address_is_no_health(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked("0.0.0.0:1", monkeypatch) == 1
    assert "must be a loopback address" in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        port = listener.getsockname()[1]
        with anyio.from_thread.start_blocking_portal() as portal:
            answer = portal.start_task_soon(anyio.to_thread.run_sync, asked, str(port), monkeypatch)
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"no HTTP at all\r\n\r\n")
            assert answer.result(SECONDS) == 1
