"""Processes that share nothing with the test but start fast: forked from one that has the libraries imported.

Nothing of the package itself is imported before the fork, so that each process is one of its own to it: who
it is (`telefonie_mcp.ledger.owner.OWNER`), its connections and its caches.
"""

import multiprocessing
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "anyio._backends._asyncio",
        "httpx2",
        "jsonschema_rs",
        "mcp.server.lowlevel",
        "psycopg",
        "pydantic",
        "pytest",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite",
        "yaml",
    ]
)
SECONDS = 300
"""How long a process may take to answer, on a busy machine."""

Pipe = Connection


class Process:
    """A process that runs a function of a module, with a pipe to the test as its first argument."""

    def __init__(self, work: Callable[..., None], arguments: Sequence[Any]) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        self.process: BaseProcess = CONTEXT.Process(target=work, args=(theirs, *arguments))
        self.process.start()
        theirs.close()

    def send(self, message: Any) -> None:
        """Tell the process something."""
        self._pipe.send(message)

    def receive(self) -> Any:
        """Wait for what the process says; `EOFError` if it has ended."""
        assert self._pipe.poll(SECONDS), "the process does not answer"
        return self._pipe.recv()

    def kill(self) -> None:
        """End the process as nothing can prevent (SIGKILL), and wait until it is gone."""
        self.process.kill()
        self.process.join(SECONDS)

    def end(self) -> int | None:
        """Wait for the end of the process, and return its status."""
        self.process.join(SECONDS)
        return self.process.exitcode

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        self._pipe.close()
        self.process.close()


@contextmanager
def started(work: Callable[..., None], *arguments: Any) -> Generator[Process]:
    """Run ``work(pipe, *arguments)`` in a process, and kill it if the block has not ended it."""
    process = Process(work, arguments)
    try:
        yield process
    finally:
        process.close()


def race(work: Callable[..., None], arguments: Sequence[Sequence[Any]]) -> list[Any]:
    """Run ``work(pipe, *each)`` for each list of arguments at the same time, and return what each answers.

    Each process says something when it is ready, is told to go when all are, and answers once.
    """
    processes: list[Process] = []
    try:
        processes += (Process(work, each) for each in arguments)
        for process in processes:
            process.receive()
        for process in processes:
            process.send("go")
        answers = [process.receive() for process in processes]
        assert {process.end() for process in processes} == {0}
    finally:
        for process in processes:
            process.close()
    return answers
