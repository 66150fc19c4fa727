"""The command line on a terminal: a real one (a pty), with the command in this process or in its own."""

import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from unicodedata import east_asian_width
from unittest.mock import patch

from telefonie_mcp.cli.main import main
from tests.support.commands import MODULE, log_kept
from tests.support.wire import COMMAND, environment

Answers = Mapping[str, str | Callable[[], str]]
"""What the terminal shows → what is typed then, or what makes it."""

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a terminal showed: everything that was written to it, what was typed included."""

    status: int
    raw: str

    @property
    def text(self) -> str:
        return _STYLE.sub("", self.raw)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def widest(self) -> int:
        """Columns of the widest line: characters of East Asia take two."""
        wide = (sum(1 + (east_asian_width(each) in "WF") for each in line) for line in self.lines)
        return max(wide, default=0)


class _Terminal:
    """A terminal of so many columns; `answers` are typed when what stands before them has been shown."""

    def __init__(self, columns: int, answers: Answers) -> None:
        self.ours, self.theirs = pty.openpty()
        ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._answers = list(answers.items())

    def read(self) -> str:
        """Read until the other side is closed."""
        seen, answered = b"", 0
        while True:
            try:
                part = os.read(self.ours, 65536)
            except OSError:  # Linux says so when nobody holds the other side
                part = b""
            if not part:
                return seen.decode().replace("\r\n", "\n")
            seen += part
            if self._answers and self._answers[0][0].encode() in seen[answered:]:
                answered = len(seen)
                answer = self._answers.pop(0)[1]
                os.write(self.ours, (answer if isinstance(answer, str) else answer()).encode())


def terminal(
    home: Path,
    *arguments: str,
    columns: int = 80,
    answers: Answers | None = None,
    piped: Sequence[str] = (),
    answer: str = "",
    typed: str = "",
    variables: Mapping[str, str] | None = None,
) -> Shown:
    """Run `telefonie-mcp ARGUMENTS` in this process, with its streams on a terminal.

    Args:
        home: The home directory.
        arguments: The command line.
        columns: Width of the window.
        answers: What is typed, by the text after which it is.
        piped: Names of the streams that are pipes all the same (`stdin`, `stdout`, `stderr`).
        answer: What stands on standard input, where that is a pipe.
        typed: What is typed before the command starts.
        variables: Further variables of the environment.

    """
    screen = _Terminal(columns, answers or {})
    os.write(screen.ours, typed.encode())
    stdin = open(os.dup(screen.theirs), encoding="utf-8")  # noqa: PTH123, SIM115
    streams = {
        name: open(os.dup(screen.theirs), "w", encoding="utf-8", buffering=1)  # noqa: PTH123, SIM115
        for name in ("stdout", "stderr")
    }
    os.close(screen.theirs)
    with ThreadPoolExecutor(1) as reader, ExitStack() as stack:
        shown = reader.submit(screen.read)
        settings = environment(home, TERM="xterm", **(variables or {}))
        stack.enter_context(patch.dict(os.environ, settings, clear=True))
        stack.enter_context(patch.object(sys, "argv", [MODULE, *arguments]))
        stack.enter_context(patch.object(sys, "stdin", io.StringIO(answer) if "stdin" in piped else stdin))
        for name, stream in streams.items():
            stack.enter_context(patch.object(sys, name, io.StringIO() if name in piped else stream))
        stack.enter_context(log_kept())
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        finally:
            for stream in (stdin, *streams.values()):
                with suppress(OSError):
                    stream.close()
        text = shown.result()
        os.close(screen.ours)
    return Shown(status, text)


def process(
    home: Path,
    *arguments: str,
    columns: int = 80,
    answers: Answers | None = None,
    variables: Mapping[str, str] | None = None,
) -> Shown:
    """Run `telefonie-mcp ARGUMENTS` as a process of its own on a terminal."""
    screen = _Terminal(columns, answers or {})
    with ThreadPoolExecutor(1) as reader:
        shown = reader.submit(screen.read)
        run = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(home, TERM="xterm", **(variables or {})),
            stdin=screen.theirs,
            stdout=screen.theirs,
            stderr=screen.theirs,
            start_new_session=True,
        )
        os.close(screen.theirs)
        status = run.wait()
        text = shown.result()
        os.close(screen.ours)
    return Shown(status, text)
