"""Output that cannot be written: a full disk is a sentence, a reader that left is none."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest

from tests.support.commands import command, command_to
from tests.support.wire import COMMAND, SECONDS, environment

NUMBER = "+14155550123"
COMMANDS = [
    ("--help",),
    ("--version",),
    ("tools",),
    ("tools", "--json"),
    ("tools", "purchase_number"),
    ("call", "--help"),
    ("call", "purchase_number", "--help"),
    ("call", "list_owned_numbers"),
    ("call", "get_owned_number", f"phone_number={NUMBER}"),
    ("log",),
    ("log", "--json"),
    ("log", "--csv"),
    ("doctor",),
    ("doctor", "--json"),
    ("config", "zed"),
    ("sandbox", "clock"),
    ("sandbox", "events", "+14155550124"),
    ("sandbox", "webhook-secret"),
    ("sandbox", "--help"),
]


@contextmanager
def full() -> Generator[TextIO]:
    """A stream to a disk without space."""
    with suppress(OSError), open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123
        yield stream


@contextmanager
def left() -> Generator[TextIO]:
    """A pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    with suppress(OSError), open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123
        yield stream


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a number, an entry in the ledger, and an SMS that came in."""
    made = tmp_path_factory.mktemp("home")
    assert command(made, "call", "purchase_number", f"phone_number={NUMBER}", "--yes")[0] == 0
    other = ("phone_number=+14155550124", "sms_url=http://127.0.0.1:9/")
    assert command(made, "call", "purchase_number", *other, "--yes")[0] == 0
    command(made, "sandbox", "sms", "+14155550124", "--from", "+12125550100", "--text", "Hi")
    return made


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_disk_is_a_sentence(arguments: tuple[str, ...], home: Path) -> None:
    with full() as stream:
        status, errors = command_to(stream, home, *arguments)
    assert status == 1
    assert errors.endswith("telefonie-mcp: the output cannot be written (No space left on device)\n")


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_reader_that_left_is_no_sentence(arguments: tuple[str, ...], home: Path) -> None:
    with left() as stream:
        assert command_to(stream, home, *arguments) == (1, "")


def test_a_write_whose_answer_is_lost_is_said(home: Path) -> None:
    with full() as stream:
        arguments = ("update_owned_number", f"phone_number={NUMBER}", "friendly_name=Desk")
        status, errors = command_to(stream, home, "call", *arguments)
    assert status == 1
    assert errors.startswith("The call was made; telefonie-mcp log shows what it did.\n")


@pytest.mark.measured
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("arguments", [("tools",), ("demo",), ("nonsense",)])
def test_a_process_ends_without_a_traceback(stream: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    with open("/dev/full", "wb") as sink:  # noqa: PTH123
        run = subprocess.run(
            [*COMMAND, "--sandbox-db", ":memory:", *arguments],
            env=environment(tmp_path),
            stdout=sink if stream == "stdout" else subprocess.PIPE,
            stderr=sink if stream == "stderr" else subprocess.PIPE,
            check=False,
            timeout=SECONDS,
        )
    said: bytes = (run.stdout or b"") + (run.stderr or b"")
    assert b"Traceback" not in said
    assert b"Exception" not in said
    if stream == "stdout" and arguments != ("nonsense",):
        assert run.returncode == 1
        assert b"the output cannot be written (No space left on device)" in said
