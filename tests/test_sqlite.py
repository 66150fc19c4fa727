import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.sqlite import write_ahead


def test_switching_to_a_write_ahead_log_waits_for_readers(tmp_path: Path) -> None:
    database = tmp_path / "shared.sqlite3"
    attempts: list[str] = []
    with (
        closing(sqlite3.connect(database)) as reader,
        closing(sqlite3.connect(database, timeout=0)) as writer,
    ):
        reader.executescript("CREATE TABLE t (x); BEGIN; SELECT * FROM t;")

        def leave_after_the_second(statement: str) -> None:
            attempts.append(statement)
            if len(attempts) == 2:
                reader.rollback()

        writer.set_trace_callback(leave_after_the_second)
        write_ahead(writer, 60)
        assert len(attempts) >= 2
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_reader_that_does_not_leave_is_an_error_in_the_end(tmp_path: Path) -> None:
    database = tmp_path / "shared.sqlite3"
    with (
        closing(sqlite3.connect(database)) as reader,
        closing(sqlite3.connect(database, timeout=0)) as writer,
    ):
        reader.executescript("CREATE TABLE t (x); BEGIN; SELECT * FROM t;")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write_ahead(writer, 0.01)


class Counted(sqlite3.Connection):
    """A connection that counts its statements."""

    statements = 0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self.statements += 1
        return super().execute(sql, parameters)


def test_what_waiting_does_not_cure_is_tried_once(tmp_path: Path) -> None:
    database = tmp_path / "shared.sqlite3"
    (tmp_path / "shared.sqlite3-wal").mkdir()
    with closing(sqlite3.connect(database, factory=Counted)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            write_ahead(connection, 60)
        assert connection.statements == 1
