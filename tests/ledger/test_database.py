"""Where a ledger can stand, how it is kept there, and what is said when it cannot."""

import os
import sqlite3
import stat
import sys
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from socket import create_server
from subprocess import run
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event, make_url, text

from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.database import reading, waiting, writing
from telefonie_mcp.ledger.errors import LedgerError, LimitReachedError
from telefonie_mcp.ledger.store import Ledger
from tests.ledger.support import ACCOUNT, NO_LIMITS, abandoned, bought, buying
from tests.support.postgres import GROUP, new_schema
from tests.support.wire import SECONDS

SECRET = "s3cr3t"
THREADS = 8


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


@contextmanager
def opened(url: str) -> Generator[Ledger]:
    ledger = Ledger.open(url)
    try:
        yield ledger
    finally:
        ledger.close()


def refused(action: Callable[[], object]) -> str:
    """Return the message of the error that ``action`` raises, which printing shows alone."""
    with pytest.raises(LedgerError) as caught:
        action()
    message = str(caught.value)
    printed = "".join(traceback.format_exception(caught.value))
    assert SECRET not in printed
    assert printed.endswith(f"LedgerError: {message}\n")
    assert printed.count("Traceback") == 1
    assert "\n" not in message
    return message


def with_settings(ledger: Ledger, *pragmas: str) -> None:
    """Give the ledger new connections, on which SQLite is set up so that a failure comes, or comes soon."""

    def configure(connection: Any, _: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(ledger.engine, "connect", configure)
    ledger.engine.dispose()


@pytest.mark.parametrize("spelling", ["{}", "sqlite:///{}"])
def test_a_sqlite_file_is_private_to_the_user_whatever_the_umask(file: Path, spelling: str) -> None:
    umask = os.umask(0)
    try:
        with opened(spelling.format(file)) as ledger:
            bought(ledger)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    finally:
        os.umask(umask)
    assert modes == {file.name: 0o600, f"{file.name}-wal": 0o600, f"{file.name}-shm": 0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_path_is_taken_literally(tmp_path: Path) -> None:
    path = tmp_path / "50% off?mode=ro#1 ☎.sqlite3"
    with opened(str(path)) as ledger:
        bought(ledger)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_path_can_begin_at_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with opened("~/ledger.sqlite3"):
        assert (tmp_path / "ledger.sqlite3").is_file()


def test_sqlite_is_set_up_to_lose_nothing_and_to_wait(file: Path) -> None:
    with opened(str(file)) as ledger, reading(ledger.engine) as connection:
        settings = [
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert settings == ["wal", 2, 20_000]


@GROUP
def test_postgresql_bounds_its_waits_unless_the_url_says_otherwise(postgresql: str) -> None:
    url = new_schema(postgresql)

    def timeouts(ledger: Ledger) -> list[str]:
        with reading(ledger.engine) as connection:
            names = ("lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
            return [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]

    with opened(url) as ledger:
        assert timeouts(ledger) == ["20s", "20s", "read committed"]
    changed = f"{url}&options=-c%20lock_timeout%3D5s%20-c%20default_transaction_isolation%3Dserializable"
    with opened(changed) as ledger:
        assert timeouts(ledger) == ["5s", "0", "read committed"]


@GROUP
def test_the_plain_scheme_means_the_same_driver(postgresql: str) -> None:
    with opened(new_schema(postgresql).replace("+psycopg", "")) as ledger:
        bought(ledger)


@pytest.mark.parametrize("url", [":memory:", "sqlite://"])
def test_a_ledger_in_memory_lasts_as_long_as_it_is_open_and_is_shared_by_threads(url: str) -> None:
    start = Barrier(THREADS)

    def attempt(thread: int) -> int:
        start.wait(SECONDS)
        return sum(purchase(f"{thread} {index}") for index in range(5))

    def purchase(subject: str) -> bool:
        try:
            ledger.finish(ledger.begin(buying(subject, "1"), Limits(monthly_spend=Decimal(10))), "done")
        except LimitReachedError:
            return False
        return True

    with opened(url) as ledger:
        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(attempt, range(THREADS))) == 10
        assert len(ledger.recent(state="done")) == 10
    with opened(url) as ledger:
        assert ledger.recent() == []


def test_readers_do_not_wait_for_a_writer(url: str) -> None:
    with opened(url) as writer, opened(url) as reader:
        entry = bought(writer)
        with writing(writer.engine) as connection:
            connection.execute(text("UPDATE ledger_accounts SET name = name"))
            connection.execute(text("UPDATE ledger_entries SET reason = 'not committed'"))
            assert [(found.id, found.reason) for found in reader.recent()] == [(entry, "")]
            assert abandoned(reader) == []


def test_a_new_file_that_another_process_is_writing_is_waited_for(file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN IMMEDIATE")
        opening = pool.submit(Ledger.open, str(file))
        assert wait([opening], timeout=0.1).not_done
        other.rollback()
        opening.result(SECONDS).close()


def test_a_transaction_that_fails_leaves_nothing_behind(url: str) -> None:
    def stop_halfway(connection: Connection) -> None:
        connection.execute(text("INSERT INTO ledger_accounts (name) VALUES ('half done')"))
        raise KeyboardInterrupt

    with opened(url) as ledger:
        with pytest.raises(KeyboardInterrupt), writing(ledger.engine) as connection:
            stop_halfway(connection)
        with reading(ledger.engine) as connection:
            assert connection.execute(text("SELECT * FROM ledger_accounts")).all() == []
        bought(ledger)


@GROUP
def test_connections_that_the_server_has_closed_are_replaced(postgresql: str) -> None:
    url = new_schema(postgresql)
    with opened(url) as ledger:
        bought(ledger)
        with psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True) as administrator:
            ended = administrator.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s",
                [make_url(url).username],
            ).fetchall()
        assert ended == [(True,)]
        bought(ledger, "another")


def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refused(lambda: Ledger.open(str(tmp_path))) == (
        "the ledger cannot be opened: unable to open database file"
    )
    assert refused(lambda: Ledger.open(str(tmp_path / "file" / "ledger.sqlite3"))) == (
        "the ledger cannot be opened: File exists"
    )
    assert refused(lambda: Ledger.open(str(tmp_path / ("long" * 100)))) == (
        "the ledger cannot be opened: File name too long"
    )
    assert refused(lambda: Ledger.open("~nobody-of-that-name/ledger.sqlite3")) == (
        "the ledger cannot be opened: this user has no home directory"
    )


def test_a_write_ahead_log_that_cannot_be_made_is_an_error_at_once(file: Path) -> None:
    file.with_name(f"{file.name}-wal").mkdir(parents=True)
    assert refused(lambda: Ledger.open(str(file))) == "the ledger cannot be opened: disk I/O error"


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("shopping list\n" * 100)
    assert refused(lambda: Ledger.open(str(notes))) == ("the ledger cannot be opened: file is not a database")
    assert notes.read_text() == "shopping list\n" * 100


def test_a_damaged_file_is_refused(file: Path) -> None:
    with opened(str(file)) as ledger:
        bought(ledger)
    content = bytearray(file.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    file.write_bytes(content)
    assert refused(lambda: Ledger.open(str(file))) == (
        "the ledger cannot be opened: database disk image is malformed"
    )


def test_a_ledger_that_cannot_be_written_can_still_be_read(file: Path) -> None:
    with opened(str(file)) as ledger:
        entry = bought(ledger)
        with_settings(ledger, "query_only = ON")
        for write in (
            lambda: ledger.begin(buying("another"), NO_LIMITS),
            lambda: ledger.forget(ACCOUNT),
        ):
            assert refused(write) == ("the ledger cannot be written: attempt to write a readonly database")
        assert [found.id for found in ledger.recent()] == [entry]


def test_a_full_disk_is_said_and_what_was_recorded_stays(file: Path) -> None:
    with opened(str(file)) as ledger:
        entry = bought(ledger)
        with_settings(ledger, "max_page_count = 1")
        big = buying("another", arguments={"text": "x" * 100_000})
        assert refused(lambda: ledger.begin(big, NO_LIMITS)) == (
            "the ledger cannot be written: database or disk is full"
        )
        assert [found.id for found in ledger.recent()] == [entry]


def test_a_sqlite_file_that_somebody_keeps_locked_is_said_to_be(file: Path) -> None:
    with opened(str(file)) as ledger, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with waiting(0.02):
            assert refused(lambda: ledger.begin(buying(), NO_LIMITS)) == (
                "the ledger cannot be written: database is locked"
            )
        other.rollback()
        ledger.begin(buying(), NO_LIMITS)


@GROUP
def test_an_account_that_somebody_keeps_locked_is_said_to_be(postgresql: str) -> None:
    url = new_schema(postgresql)
    with opened(url) as other, opened(f"{url}&options=-c%20lock_timeout%3D20") as ledger:
        other.begin(buying(), NO_LIMITS)
        with writing(other.engine) as connection:
            connection.execute(text("UPDATE ledger_accounts SET name = name"))
            assert refused(lambda: ledger.begin(buying("another"), NO_LIMITS)) == (
                "the ledger cannot be written: another process keeps it locked"
            )
            ledger.begin(buying(account="live"), NO_LIMITS)
        ledger.begin(buying("another"), NO_LIMITS)


@GROUP
def test_a_database_user_without_rights_is_said_to_have_none(postgresql: str) -> None:
    with psycopg.connect(postgresql.replace("+psycopg", ""), autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
    reader = (
        make_url(postgresql).set(username="reader", password=SECRET).render_as_string(hide_password=False)
    )
    assert refused(lambda: Ledger.open(reader)) == (
        "the ledger cannot be opened: the database user may not make or write its tables"
    )


def test_a_table_that_is_gone_is_an_error(ledger: Ledger) -> None:
    with writing(ledger.engine) as connection:
        connection.execute(text("DROP TABLE ledger_entries"))
    for action, what in (
        (ledger.recent, "read"),
        (lambda: ledger.begin(buying(), NO_LIMITS), "written"),
        (lambda: ledger.finish(1, "done"), "written"),
    ):
        assert refused(action).startswith(f"the ledger cannot be {what}: ")


UNUSABLE = (
    "the ledger cannot be opened: its URL must be the path of a SQLite file or "
    "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, special characters percent-encoded"
)


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://ledger:{SECRET}@localhost/ledger",
        f"postgres://ledger:{SECRET}@localhost/ledger",
        f"postgresql+asyncpg://ledger:{SECRET}@localhost/ledger",
        f"postgresql://ledger:{SECRET}@localhost:{SECRET}/ledger",
        f"://{SECRET}",
        f"unreadable://{SECRET}",
    ],
)
def test_a_url_that_cannot_be_used_is_not_repeated(url: str) -> None:
    assert refused(lambda: Ledger.open(url)) == UNUSABLE


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://ledger:{}@127.0.0.1:1/ledger", "the database server refuses connections"),
        ("postgresql://ledger:{}@/ledger?host=/nowhere", "no database server listens on that socket"),
        ("postgresql://ledger:{}@no.such.host.invalid/x", "the database server's name is not known"),
        ("postgresql://ledger:p@{}/word@localhost/ledger", "the database server's name is not known"),
        ("postgresql://ledger:{}@/ledger?secret={}", "its URL has an option that psycopg does not know"),
        ("{postgresql}&options=-c%20s3cr3t%3D1", "OperationalError"),
        ("{nobody}", "the database server does not accept this user and password"),
        ("{nowhere}", "the database server does not know this database or user"),
    ],
)
@GROUP
def test_a_postgresql_that_cannot_be_reached_is_explained_without_the_url(
    postgresql: str, url: str, reason: str
) -> None:
    place = make_url(postgresql)
    url = url.format(
        SECRET,
        SECRET,
        postgresql=postgresql,
        nobody=place.set(password=SECRET).render_as_string(hide_password=False),
        nowhere=place.set(database=SECRET).render_as_string(hide_password=False),
    )
    message = refused(lambda: Ledger.open(url))
    assert message == f"the ledger cannot be opened: {reason}"


def test_a_pooler_that_refuses_options_is_explained() -> None:
    """PgBouncer does so, unless it is told to ignore them."""
    refusal = b"SFATAL\0C08P01\0Munsupported startup parameter in options: lock_timeout\0\0"

    def refuse() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(8)
            connection.sendall(b"N")  # no TLS here
            connection.recv(4096)
            connection.sendall(b"E" + (len(refusal) + 4).to_bytes(4, "big") + refusal)

    with create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as threads:
        threads.submit(refuse)
        url = f"postgresql://ledger:{SECRET}@127.0.0.1:{listening.getsockname()[1]}/ledger?gssencmode=disable"
        assert refused(lambda: Ledger.open(url)) == (
            "the ledger cannot be opened: a pooler refuses its options; connect to the database server itself"
        )


def test_a_missing_driver_is_named() -> None:
    script = """
import sys
sys.modules["psycopg"] = None  # as on a machine that has not got it
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.ledger.store import Ledger
try:
    Ledger.open("postgresql+psycopg://ledger:s3cr3t@localhost/ledger")
except LedgerError as error:
    print(error)
"""
    result = run([sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS, check=True)
    assert result.stdout == (
        "the ledger cannot be opened: PostgreSQL needs a driver: install telefonie-mcp[postgres]\n"
    )


def test_a_new_ledger_can_be_opened_by_many_at_once(url: str) -> None:
    start = Barrier(THREADS)

    def use(thread: int) -> int:
        start.wait(SECONDS)
        with opened(url) as ledger:
            return bought(ledger, f"number {thread}")

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(use, range(THREADS)))) == THREADS
