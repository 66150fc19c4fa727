"""Lines and answers, whatever stands at the other end of a descriptor."""

import os
import select
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCResponse

from telefonie_mcp.server.stdio import Input, Output, stdio
from tests.support.wire import SECONDS

LINES = b'{"a": 1}\n\n{"b": "\xc3\xa9"}\r\n\xff\nlast'
READ = ['{"a": 1}', "", '{"b": "é"}\r', "\N{REPLACEMENT CHARACTER}", "last"]

STRAY = """
import anyio, os
from telefonie_mcp.server.stdio import off_the_wire

async def main():
    with off_the_wire() as output:
        await output.write("an answer")
        print("printed", end="", flush=True)
        os.write(1, b", by another")
        await output.flush()
    print(", the end", end="")

anyio.run(main)
"""


@contextmanager
def pipe() -> Generator[tuple[int, int]]:
    """Yield the two ends of a pipe."""
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb"):
        yield ours, theirs


@contextmanager
def standard_output(descriptor: int) -> Generator[None]:
    """Let ``descriptor`` be standard output."""
    kept = os.dup(1)
    os.dup2(descriptor, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


async def lines_of(source: Input) -> list[str]:
    with anyio.fail_after(SECONDS):
        return [line async for line in source]


async def test_lines_come_however_they_are_cut() -> None:
    read, write = os.pipe()
    found: list[str] = []

    async def collect() -> None:
        found.extend(await lines_of(Input(read)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect)
        for byte in LINES:
            os.write(write, bytes([byte]))
            while select.select([read], [], [], 0)[0]:
                await anyio.lowlevel.checkpoint()
        os.close(write)
    os.close(read)
    assert found == READ


async def test_lines_of_a_plain_file() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(LINES)
        file.seek(0)
        assert await lines_of(Input(file.fileno())) == READ


async def test_a_client_that_leaves_answers_unread_has_still_said_what_it_said() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.sendall(LINES)
        ours.send(b"never read")
        theirs.close()
        assert await lines_of(Input(ours.fileno())) == READ


async def test_an_end_from_inside_ends_a_read_and_every_later_one() -> None:
    with pipe() as (read, write):
        source, seen = Input(read), list[str]()

        async def collect() -> None:
            seen.extend(await lines_of(source))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(collect)
            await anyio.wait_all_tasks_blocked()
            source.end()
        os.write(write, b"late\n")
        assert [*seen, *await lines_of(source)] == []


@pytest.mark.parametrize("many", [1, 100_000])
async def test_an_answer_waits_for_a_client_that_reads_later(many: int) -> None:
    text, came = "é" * many, bytearray()
    with pipe() as (read, write):
        output = Output(write)
        written = anyio.Event()

        async def answer() -> None:
            assert await output.write(text) == many
            await output.flush()
            written.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer)
            await anyio.wait_all_tasks_blocked()
            assert written.is_set() is bool(select.select([], [write], [], 0)[1])
            while len(came) < len(text.encode()):
                await anyio.wait_readable(read)
                came += os.read(read, 65_536)
        assert came.decode() == text


async def test_a_client_that_has_left_is_told_of() -> None:
    read, write = os.pipe()
    os.close(read)
    output = Output(write)
    await output.write("an answer")
    with pytest.raises(BrokenPipeError):
        await output.flush()
    os.close(write)


async def test_a_connection_that_is_reset_ends_the_transport_without_an_error() -> None:
    answer = SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={}))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as ours,
        standard_output(ours.fileno()),
        pipe() as (silent, _),
    ):
        theirs, _ = listener.accept()
        ours.send(b"never read")
        select.select([theirs], [], [])
        theirs.close()
        select.select([ours], [], [])
        with anyio.fail_after(SECONDS):
            async with stdio(Input(silent), SECONDS, lambda: None) as (read, write), read, write:
                await write.send(answer)
                await anyio.sleep_forever()


def test_whatever_else_is_written_does_not_reach_the_client() -> None:
    run = subprocess.run(
        [sys.executable, "-c", STRAY], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (run.stdout, run.stderr) == ("an answer, the end", "printed, by another")


def test_a_server_without_standard_input_says_so() -> None:
    closed = f"exec {shlex.quote(sys.executable)} -m telefonie_mcp <&-"
    run = subprocess.run(["sh", "-c", closed], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("telefonie-mcp: standard input or output is closed")
