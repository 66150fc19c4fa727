"""The connections to the API: a limited number, in groups with an HTTP client each.

Before each request and after it, httpx looks at every idle connection of a client: with 32 requests at once,
that is a seventh of a server's work. A request gets the first group with room, so that few connections of a
group in use are idle. There are as many connections in all, and nobody waits while one is free.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import anyio

__all__ = ["COMMON_CONNECTIONS", "GROUP_CONNECTIONS", "MAX_CONNECTIONS", "Connections", "Group", "Share"]

MAX_CONNECTIONS: Final = 32
"""Concurrent connections to the API; further requests wait for one."""

COMMON_CONNECTIONS: Final = 512
"""The same where several clients use them, each of which takes at most ``MAX_CONNECTIONS``."""

GROUP_CONNECTIONS: Final = 4
"""Connections of a group."""


_Client = TypeVar("_Client")


@dataclass(slots=True)
class Group(Generic[_Client]):
    """A client, and how many requests it has in flight."""

    client: _Client
    busy: int = 0


class Connections(Generic[_Client]):
    """Groups of connections, each opened when those before it are busy.

    Args:
        open_client: Given the first client, if there is one, returns another.
        most: How many connections there may be, by default ``MAX_CONNECTIONS``.

    """

    def __init__(self, open_client: Callable[[_Client | None], _Client], most: int | None = None) -> None:
        self._open_client = open_client
        self._groups: list[Group[_Client]] = []
        self._free = anyio.Semaphore(most or MAX_CONNECTIONS, fast_acquire=True)

    def first(self) -> _Client:
        """Return the client of the first group, which is opened if need be."""
        if not self._groups:
            self._open()
        return self._groups[0].client

    def _open(self) -> Group[_Client]:
        first = self._groups[0].client if self._groups else None
        self._groups.append(Group(self._open_client(first)))
        return self._groups[-1]

    async def take(self, seconds: float) -> Group[_Client]:
        """Wait for a connection, and return a group that has room for one more.

        Raises:
            TimeoutError: none became free within ``seconds``.

        """
        if self._free.value:
            self._free.acquire_nowait()
        else:
            with anyio.fail_after(seconds):
                await self._free.acquire()
        group = next((each for each in self._groups if each.busy < GROUP_CONNECTIONS), None) or self._open()
        group.busy += 1
        return group

    def give_back(self, group: Group[_Client]) -> None:
        """Say that the request is over for which ``group`` was taken."""
        group.busy -= 1
        self._free.release()

    def leave(self) -> list[_Client]:
        """Return all clients, for which the next requests open others."""
        groups, self._groups = self._groups, []
        return [group.client for group in groups]


class Share(Generic[_Client]):
    """The part of ``whole`` that one of its users may have: as many as it could have of its own."""

    def __init__(self, whole: Connections[_Client]) -> None:
        self._whole = whole
        self._free = anyio.Semaphore(MAX_CONNECTIONS, fast_acquire=True)

    async def take(self, seconds: float) -> Group[_Client]:
        """Wait for a connection, as :meth:`Connections.take` does.

        Raises:
            TimeoutError: none became free within ``seconds``.

        """
        with anyio.fail_after(seconds):
            await self._free.acquire()
        try:
            return await self._whole.take(seconds)
        except BaseException:
            self._free.release()
            raise

    def give_back(self, group: Group[_Client]) -> None:
        """Say that the request is over for which ``group`` was taken."""
        self._whole.give_back(group)
        self._free.release()
