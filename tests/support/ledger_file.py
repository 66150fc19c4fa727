"""A SQLite ledger as it stands in its file, read without the package."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

HOUR = 3_600_000
"""Milliseconds, as the ledger counts them."""


@dataclass(frozen=True)
class LedgerFile:
    """The ledger in a file, which need not exist yet."""

    file: Path

    @property
    def url(self) -> SecretStr:
        """The file as a setting."""
        return SecretStr(str(self.file))

    def rows(self, columns: str, tool: str | None = None) -> list[tuple[Any, ...]]:
        """Return these columns of every entry, or of those of one tool, oldest first."""
        if not self.file.exists():
            return []
        with closing(sqlite3.connect(self.file)) as ledger:
            query = f"SELECT {columns} FROM ledger_entries WHERE tool = coalesce(?, tool) ORDER BY id"
            return ledger.execute(query, [tool]).fetchall()

    def states(self, tool: str | None = None) -> list[str]:
        """Return the state of every entry, or of those of one tool, oldest first."""
        return [state for (state,) in self.rows("state", tool)]

    def grow_older(self) -> None:
        """Let an hour pass since everything that is recorded."""
        with closing(sqlite3.connect(self.file)) as ledger, ledger:
            ledger.execute(
                "UPDATE ledger_entries SET created = created - ?, updated = updated - ?, lease = lease - ?",
                [HOUR] * 3,
            )

    def lock(self) -> sqlite3.Connection:
        """Let nobody write until the connection is closed."""
        connection = sqlite3.connect(self.file, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def rename_table(self, old: str, new: str) -> None:
        """Rename a table, without which nothing can be recorded."""
        with closing(sqlite3.connect(self.file)) as ledger:
            ledger.execute(f"ALTER TABLE {old} RENAME TO {new}")
