"""Statements that every write executes: written out once, then handed to the driver as they are.

With each execution of a statement, SQLAlchemy looks up what it has built, converts every parameter and
describes the result, which takes twenty times as long as SQLite takes for the statement. These do without:
what goes in and comes out is numbers, text and nulls, as the drivers take and give them.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Insert, Select, TextClause, Update
from sqlalchemy.exc import DBAPIError, NoResultFound

__all__ = ["Prepared", "execute"]

_T = TypeVar("_T")


class Prepared:
    """A statement whose parameters are named; threads may share it.

    Args:
        statement: The statement. Every ``bindparam`` without a value is a parameter.

    """

    def __init__(self, statement: "Select[*tuple[Any, ...]] | Insert | Update | TextClause") -> None:
        self._statement = statement
        columns = statement.selected_columns.keys() if isinstance(statement, Select) else ()
        row = namedtuple("Row", columns)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple] - made of data
        self._row: Final = cast("Callable[[Any], Any]", row._make)
        self._written: Final[dict[str, tuple[str, Mapping[str, Any]]]] = {}

    def execute(self, connection: Connection, **parameters: Any) -> list[Any]:
        """Execute the statement and return its rows, with the names of its columns.

        Raises:
            DBAPIError: as if SQLAlchemy had executed it.

        """
        sql, fixed = self._for(connection)
        return [*map(self._row, execute(connection, sql, {**fixed, **parameters}))]

    def some(self, connection: Connection, **parameters: Any) -> list[Any]:
        """Execute a query that has one row at least, and return its rows.

        Raises:
            DBAPIError: as if SQLAlchemy had executed it.
            NoResultFound: it has none.

        """
        rows = self.execute(connection, **parameters)
        if not rows:
            raise NoResultFound
        return rows

    def insert(self, connection: Connection, **parameters: Any) -> int:
        """Insert a row and return its id.

        Raises:
            DBAPIError: as if SQLAlchemy had executed it.

        """
        sql, fixed = self._for(connection)
        return _executed(connection, sql, {**fixed, **parameters}, _inserted)

    def _for(self, connection: Connection) -> tuple[str, Mapping[str, Any]]:
        """Return the statement in the words of a database, and the values that it holds itself."""
        dialect = connection.dialect
        written = self._written.get(dialect.name)
        if written is None:
            named = cast("Any", type(dialect))(paramstyle="named") if dialect.positional else dialect
            compiled = self._statement.compile(dialect=named)
            fixed = {name: value for name, value in compiled.params.items() if value is not None}
            written = self._written[dialect.name] = str(compiled), fixed
        return written


def execute(connection: Connection, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
    """Execute SQL in the words of the driver and return its rows as plain tuples.

    Raises:
        DBAPIError: as if SQLAlchemy had executed it.

    """
    return _executed(connection, sql, parameters, _fetched)


def _executed(
    connection: Connection, sql: str, parameters: Mapping[str, Any] | None, read: Callable[[Any], _T]
) -> _T:
    driver = connection.connection.driver_connection
    assert driver is not None
    try:
        cursor = driver.execute(sql, parameters) if parameters else driver.execute(sql)
        try:
            return read(cursor)
        finally:
            cursor.close()
    except connection.dialect.loaded_dbapi.Error as error:
        dialect = connection.dialect
        if dialect.is_disconnect(error, driver, None):
            connection.invalidate(error)
        raise DBAPIError.instance(
            sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
        ) from error


def _fetched(cursor: Any) -> list[Any]:
    return cursor.fetchall() if cursor.description else []


def _inserted(cursor: Any) -> int:
    return cursor.fetchone()[0] if cursor.description else cursor.lastrowid
