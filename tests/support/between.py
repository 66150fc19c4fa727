"""A TCP port before PostgreSQL's socket, where a test can let the database hang, break or be away."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import make_url


@dataclass
class Between:
    """The way to a database.

    Attributes:
        url: The URL by which it leads there.
        direct: The URL of the database itself.
        delay: Seconds by which everything that the database says comes later.

    """

    socket: str
    url: str = ""
    direct: str = ""
    passes: asyncio.Event = field(default_factory=asyncio.Event)
    away: bool = False
    delay: float = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def hang(self) -> None:
        """Let nothing through, and break nothing."""
        self.passes.clear()

    def go_on(self) -> None:
        """Let everything through, also what was sent in the meantime."""
        self.away = False
        self.passes.set()

    def go_away(self) -> None:
        """Break every connection, and refuse new ones."""
        self.away = True
        self.restart()

    def restart(self) -> None:
        """Break every connection."""
        for task in self.tasks:
            task.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        if self.away:
            writer.close()
            return
        theirs, ours = await asyncio.open_unix_connection(self.socket)
        both = asyncio.gather(self._pass(reader, ours), self._pass(theirs, writer, slow=True))
        task = asyncio.ensure_future(self._finished(both))
        self.tasks.add(task)
        try:
            await task
        except asyncio.CancelledError:
            both.cancel()
        finally:
            self.tasks.discard(task)
            writer.transport.abort()
            ours.transport.abort()

    @staticmethod
    async def _finished(both: "asyncio.Future[tuple[None, None]]") -> None:
        with suppress(OSError):
            await both

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool = False
    ) -> None:
        while data := await reader.read(65536):
            await self.passes.wait()
            if slow and self.delay:
                await asyncio.sleep(self.delay)
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def between(url: str) -> AsyncGenerator[Between]:
    """Open a way to the database at `url`, which names a socket."""
    parsed = make_url(url)
    way = Between(f"{parsed.query['host']}/.s.PGSQL.5432", direct=url)
    way.go_on()
    server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    way.url = parsed.set(host="127.0.0.1", port=port, query={"sslmode": "disable"}).render_as_string(
        hide_password=False
    )
    try:
        yield way
    finally:
        server.close()
        way.go_away()
