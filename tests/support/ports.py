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
