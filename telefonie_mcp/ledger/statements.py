"""Short statements on PostgreSQL beside the ledger, for which no call waits long: rate limits, notifications.

They run one after the other on one asynchronous connection, which costs a call a third of what a thread does.
A database that is away or slow gives no answer; what goes on without one is the caller's business.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, LiteralString

from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["STATEMENT_SECONDS", "Statements", "connected"]

STATEMENT_SECONDS: Final = 1.0
"""How long a statement may take."""

_PAUSE_SECONDS: Final = 2.0
"""How long a database that gave no answer is left alone."""

_CONNECTION: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "telefonie-mcp",
}
"""Limits for waits that libpq does not limit by default; options of the URL override them."""

_LOCK: Final = "SELECT pg_advisory_lock(7320452)"
_UNLOCK: Final = "SELECT pg_advisory_unlock(7320452)"
"""Two servers that make the same table at the same time would both fail. The number is arbitrary."""

_log: Final = logging.getLogger(__name__)

Rows = Sequence[tuple[Any, ...]]
_Queue = asyncio.Queue[tuple[LiteralString, Mapping[str, Any], "asyncio.Future[Rows]"]]


@asynccontextmanager
async def connected(url: str) -> "AsyncGenerator[AsyncConnection[tuple[Any, ...]]]":
    """Keep a connection to the database of a ledger open, where every statement is a transaction.

    psycopg's own context manager rolls back first: a task that is cancelled twice would leave it open.

    Args:
        url: The ledger's URL, of PostgreSQL.

    Raises:
        psycopg.Error: there is none to be had.

    """
    from psycopg import AsyncConnection  # noqa: PLC0415 - an extra

    parsed = make_url(url).set(drivername="postgresql+psycopg")
    _, options = parsed.get_dialect()().create_connect_args(parsed)
    given: dict[str, Any] = {**_CONNECTION, **options}
    connection = await AsyncConnection.connect(autocommit=True, **given)
    try:
        yield connection
    finally:
        await connection.close()  # which waits for nothing


class Statements:
    """Runs short statements.

    Args:
        url: The ledger's URL, of PostgreSQL.
        table: A table that the statements need, and what makes it.
        seconds: How long a statement may take.
        pause: How long a database that gave no answer is left alone, in seconds.

    """

    def __init__(
        self,
        url: str,
        *,
        table: tuple[LiteralString, LiteralString] | None = None,
        seconds: float = STATEMENT_SECONDS,
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self._url = url
        self._table = table
        self._seconds = seconds
        self._pause = pause
        self._queue: _Queue = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._abandoned = set[asyncio.Task[None]]()
        self._begun: float | None = None
        self._connecting_until = 0.0
        self._resume = 0.0
        self._away = False

    async def run(self, statement: LiteralString, parameters: Mapping[str, Any]) -> Rows | None:
        """Return the rows of a statement, or ``None`` if there is no answer in time.

        Without an answer it is unknown whether the statement had an effect.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now < self._resume:
            return None
        if self._worker is None:
            self._queue = asyncio.Queue()
            self._connecting_until = now + self._seconds
            self._worker = loop.create_task(self._work(self._queue))
            self._worker.add_done_callback(self._worked)
        until = self._connecting_until or now + self._seconds
        if until <= now:
            return None  # it has been connecting for long; nobody else waits for that
        answer: asyncio.Future[Rows] = loop.create_future()
        self._queue.put_nowait((statement, parameters, answer))
        try:
            async with asyncio.timeout_at(until):
                return await answer
        except TimeoutError:
            if self._begun is not None and self._begun + self._seconds <= loop.time():
                self._give_up("it does not answer in time")
            return None
        except ConnectionError:
            return None

    async def aclose(self) -> None:
        """Close the connection; the next statement opens one again."""
        tasks = [*self._abandoned, *([self._worker] if self._worker else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, queue: _Queue) -> None:
        """Run the statements in ``queue`` on one connection, as long as that goes well."""
        loop = asyncio.get_running_loop()
        async with connected(self._url) as connection:
            if self._table and not await _exists(connection, self._table[0]):
                await connection.execute(_LOCK)
                if not await _exists(connection, self._table[0]):
                    await connection.execute(self._table[1])
                await connection.execute(_UNLOCK)
            self._connecting_until = 0.0
            if self._away:
                self._away = False
                _log.warning("the database answers again about rate limits and notifications")
            while True:
                statement, parameters, answer = await queue.get()
                if answer.done():
                    continue  # nobody waits for it any more
                self._begun = loop.time()
                try:
                    cursor = await connection.execute(statement, parameters, prepare=True)
                    rows = await cursor.fetchall() if cursor.description else []
                except BaseException:
                    _fail(answer)
                    raise
                self._begun = None
                if not answer.done():
                    answer.set_result(rows)

    def _worked(self, worker: "asyncio.Task[None]") -> None:
        """Leave the database alone for a while when the connection has ended."""
        self._abandoned.discard(worker)
        if worker is self._worker:
            error = None if worker.cancelled() else worker.exception()
            self._give_up(type(error).__name__ if error else "")

    def _give_up(self, reason: str) -> None:
        worker, self._worker, self._begun = self._worker, None, None
        if reason:
            self._resume = asyncio.get_running_loop().time() + self._pause
        if reason and not self._away:
            self._away = True
            _log.warning("the database gives no answer about rate limits and notifications: %s", reason)
        while not self._queue.empty():
            _fail(self._queue.get_nowait()[2])
        if worker and not worker.done():  # which may take its time, in which nobody waits for it
            self._abandoned.add(worker)
            worker.cancel()


async def _exists(connection: "AsyncConnection[tuple[Any, ...]]", table: str) -> bool:
    cursor = await connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
    return bool((await cursor.fetchone() or (False,))[0])


def _fail(answer: "asyncio.Future[Rows]") -> None:
    if not answer.done():
        answer.set_exception(ConnectionError())
