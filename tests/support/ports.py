"""Ports of this machine."""

import socket
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def closed_port(host: str = "127.0.0.1") -> Generator[int]:
    """Reserve a port on which nothing listens; one that was merely closed can be another test's by now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as held:
        held.bind((host, 0))
        yield held.getsockname()[1]


@contextmanager
def reserved_port() -> Generator[int]:
    """Reserve a port on which a process can listen that takes no 0; a free one can be another test's by then.

    Programs that listen set `SO_REUSEADDR`, with which Linux lets them have a port that is merely held so.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
