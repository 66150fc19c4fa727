"""The command line in this process, for tests of what it prints: a start of Python costs a second each time.

A signal, a terminal, a closed pipe, a key in the list of processes: what is about a process needs a real one
(`tests.support.wire.running`).
"""

import io
import logging
import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO
from unittest.mock import patch

import telefonie_mcp
from telefonie_mcp.cli.main import main
from tests.support.wire import environment

MODULE = str(Path(telefonie_mcp.__file__).with_name("__main__.py"))
"""What `sys.argv` begins with after ``python -m telefonie_mcp``."""


def command(
    home: Path,
    *arguments: str,
    answer: str = "",
    program: str = MODULE,
    **variables: str,
) -> tuple[int, str, str]:
    """Run `telefonie-mcp ARGUMENTS` with pipes for its streams.

    Args:
        home: The home directory; the environment is otherwise without anybody's settings.
        arguments: The command line.
        answer: What stands on standard input.
        program: The file that was started.
        variables: What the environment says beyond that.

    Returns:
        The status, and what was written to standard output and standard error.

    """
    output = _Pipe()
    status, errors = command_to(output, home, *arguments, answer=answer, program=program, **variables)
    return status, output.text, errors


def command_to(
    output: TextIO, home: Path, *arguments: str, answer: str = "", program: str = MODULE, **variables: str
) -> tuple[int, str]:
    """Run it with this standard output; return the status and what was written to standard error."""
    errors = _Pipe()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, environment(home, **variables), clear=True))
        stack.enter_context(patch.object(sys, "argv", [program, *arguments]))
        stack.enter_context(patch.object(sys, "stdin", io.StringIO(answer)))
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(errors))
        stack.enter_context(log_kept())
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    assert isinstance(status, int)
    return status, errors.text


class _Pipe(io.TextIOWrapper):
    """A stream for text that is no terminal and keeps what was written."""

    def __init__(self) -> None:
        self._kept = io.BytesIO()
        super().__init__(self._kept, encoding="utf-8", newline="\n", write_through=True)

    @property
    def text(self) -> str:
        return self._kept.getvalue().decode()


@contextmanager
def log_kept() -> Generator[None]:
    """Undo at the end what a command does to the log of its process."""
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
