"""News between replicas: which resources of an account may have changed (PostgreSQL ``LISTEN``/``NOTIFY``).

The channel is that of one ledger: channels belong to a database, which may hold several ledgers. A message
names the account, and is given to the listeners of that account only. Nothing is lost silently: what cannot
be sent is sent later, what is too long or too much becomes "anything", and so does what may have been missed
while the connection was away. News are hints to read again, so that too many do no harm.
"""

import asyncio
import json
import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from telefonie_mcp.ledger.statements import Statements, connected

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["Listener", "Notifications"]

_MAX_BYTES: Final = 7900
"""Bytes of one message; PostgreSQL takes 7999."""

_MAX_URIS: Final = 1000
"""URIs of an account that wait to be sent; beyond them, anything may have changed."""

_RETRY_SECONDS: Final = 2.0
_FIRST_RETRY_SECONDS: Final = 0.05
"""The first of the pauses, which double: at the start, the ledger is made at the same time."""

_IDLE_SECONDS: Final = 30.0
"""How long a silent connection is taken for a good one."""

_PATIENCE_SECONDS: Final = 10.0
"""How long the database may take to show that it is."""

_log: Final = logging.getLogger(__name__)

Listener = Callable[[Collection[str] | None], Awaitable[None]]
"""Is told the URIs that may have changed; ``None``: any of the account's."""


class Notifications:
    """The news of this process and its replicas.

    Args:
        url: The ledger's URL, of PostgreSQL.
        statements: Sends them.
        retry: Seconds between two attempts to send or to listen.
        idle: Seconds for which a silent connection is taken for a good one.
        patience: Seconds that the database then has to show that it is.

    """

    def __init__(
        self,
        url: str,
        statements: Statements,
        *,
        retry: float = _RETRY_SECONDS,
        idle: float = _IDLE_SECONDS,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._url = url
        self._statements = statements
        self._retry = retry
        self._idle = idle
        self._patience = patience
        self._sender = secrets.token_hex(8)
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)
        self._waiting: dict[str, set[str] | None] = {}
        self._more = asyncio.Event()
        self._channel = ""
        self.listening = asyncio.Event()

    def listen(self, account: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for the news of other replicas about ``account``; return what ends that."""
        listeners = self._listeners[account]
        listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                listeners.remove(listener)
            if not listeners and self._listeners.get(account) is listeners:
                del self._listeners[account]

        return end

    def publish(self, account: str, uris: Collection[str]) -> None:
        """Tell the other replicas, soon, that these resources of ``account`` may have changed."""
        waiting = self._waiting.setdefault(account, set())
        if waiting is not None:
            waiting.update(uris)
            if len(waiting) > _MAX_URIS:
                self._waiting[account] = None
        self._more.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Send and receive while the block runs."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._receive)
            tasks.start_soon(self._send)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    async def _send(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                await self.listening.wait()  # which knows the channel
                account, uris = next(iter(self._waiting.items()))
                del self._waiting[account]
                for message in self._messages(account, uris):
                    sent = await self._statements.run(
                        "SELECT pg_notify(%(channel)s, %(message)s)",
                        {"channel": self._channel, "message": message},
                    )
                    if sent is None:
                        self._waiting[account] = None  # some of it may have been sent
                        await anyio.sleep(self._retry)
                        break

    def _messages(self, account: str, uris: Collection[str] | None) -> list[str]:
        """Return what to send about ``account``, in as many messages as it takes."""
        head: dict[str, Any] = {"from": self._sender, "account": account}
        anything = json.dumps({**head, "uris": None})
        if uris is None:
            return [anything]
        messages: list[str] = []
        part: list[str] = []
        for uri in sorted(uris):
            message = json.dumps({**head, "uris": [*part, uri]})
            if len(message) > _MAX_BYTES:
                messages.append(json.dumps({**head, "uris": part}))
                part = [uri]
                if len(json.dumps({**head, "uris": part})) > _MAX_BYTES:
                    return [anything]
            else:
                part.append(uri)
        return [*messages, json.dumps({**head, "uris": part})] if part else messages

    async def _receive(self) -> None:
        """Listen, again after every interruption."""
        from psycopg import Error  # noqa: PLC0415 - an extra

        pause = _FIRST_RETRY_SECONDS
        while True:
            try:
                async with connected(self._url) as connection, anyio.create_task_group() as told:
                    await self._listen(connection)
                    self.listening.set()
                    for account in [*self._listeners]:
                        self._tell(told, account, None)  # of what came before, nothing was heard
                    await self._hear(connection, told)
            except* (Error, OSError) as errors:
                if self.listening.is_set():
                    pause = _FIRST_RETRY_SECONDS
                    _log.warning("no news of other replicas: %s", type(errors.exceptions[0]).__name__)
            self.listening.clear()
            await anyio.sleep(pause)
            pause = min(2 * pause, self._retry)

    async def _listen(self, connection: "AsyncConnection[tuple[Any, ...]]") -> None:
        """Listen on the ledger's own channel, which is there when the ledger is."""
        from psycopg import sql  # noqa: PLC0415 - an extra

        cursor = await connection.execute("SELECT id FROM ledger_identity")
        (identity,) = await cursor.fetchone() or ("",)
        self._channel = f"telefonie_{identity}"
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))

    async def _hear(self, connection: "AsyncConnection[tuple[Any, ...]]", told: anyio.abc.TaskGroup) -> None:
        while True:
            async for notify in connection.notifies(timeout=self._idle):
                self._heard(notify.payload, told)
            async with asyncio.timeout(self._patience):  # what lies between may keep a dead connection open
                await connection.execute("SELECT")

    def _heard(self, payload: str, told: anyio.abc.TaskGroup) -> None:
        """Tell the listeners of an account, if a message is one of another replica."""
        try:
            message = json.loads(payload)
            sender, account, uris = message["from"], message["account"], message["uris"]
        except (ValueError, LookupError, TypeError):
            return
        if sender != self._sender and isinstance(account, str) and isinstance(uris, list | None):
            self._tell(told, account, None if uris is None else {*map(str, cast("list[Any]", uris))})

    def _tell(self, told: anyio.abc.TaskGroup, account: str, uris: Collection[str] | None) -> None:
        for listener in self._listeners.get(account, []):
            told.start_soon(self._safely, listener, uris)

    @staticmethod
    async def _safely(listener: Listener, uris: Collection[str] | None) -> None:
        try:
            await listener(uris)
        except Exception:  # noqa: BLE001 - the others are told all the same
            _log.exception("a subscriber could not be told what may have changed")
