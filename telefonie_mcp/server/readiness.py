"""Whether this server should get requests: ``/healthz`` (the process lives) and ``/readyz`` (it is of use).

``/readyz`` answers 503 until everything that calls depend on was reached once, and while the server is about
to stop. An outage later is named, with 200: reads go on, and a proxy that took every replica out of service
would turn it into an outage of everything. The answers name no address, and are the same for everybody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from telefonie_mcp import __version__

__all__ = ["Reach", "Readiness"]

Reach = Callable[[], Awaitable[bool]]
"""Whether something can be reached now; an exception means that it cannot."""

_SECONDS: Final = 2.0
"""How long an attempt is waited for; it goes on beyond that."""

_FRESH_SECONDS: Final = 1.0
"""How long its result is good: however many ask, there is about one attempt a second."""


@dataclass
class _Dependency:
    """Something that calls depend on, and what is known of it."""

    reach: Reach
    fresh_seconds: float
    reached_once: bool = False
    answers: bool = False
    until: float = 0.0
    attempt: asyncio.Task[None] | None = None

    async def look(self, seconds: float) -> None:
        """Find out whether it can be reached, unless that is known or an attempt is under way."""
        loop = asyncio.get_running_loop()
        if self.attempt is None and loop.time() >= self.until:
            self.attempt = loop.create_task(self._try())
        if self.attempt and not (await asyncio.wait({self.attempt}, timeout=seconds))[0]:
            self.answers = False

    async def _try(self) -> None:
        try:
            self.answers = await self.reach()
        except Exception:  # noqa: BLE001 - whatever it is, it has not been reached
            self.answers = False
        finally:
            self.reached_once |= self.answers
            self.until = asyncio.get_running_loop().time() + self.fresh_seconds
            self.attempt = None


class Readiness:
    """The answers to both questions.

    Args:
        mode: ``sandbox`` or ``live``.
        dependencies: What calls depend on, such as ``ledger``, and whether it can be reached.
        seconds: How long an attempt to reach it is waited for.
        fresh: Seconds for which the result of an attempt is good.

    Attributes:
        draining: The server is about to stop.

    """

    def __init__(
        self,
        mode: str,
        dependencies: Mapping[str, Reach] | None = None,
        *,
        seconds: float = _SECONDS,
        fresh: float = _FRESH_SECONDS,
    ) -> None:
        self.draining = False
        self._mode = mode
        self._seconds = seconds
        self._fresh = fresh
        self._dependencies: dict[str, _Dependency] = {}
        for name, reach in (dependencies or {}).items():
            self.require(name, reach)

    def require(self, name: str, reach: Reach) -> None:
        """Take something else for what calls depend on."""
        self._dependencies[name] = _Dependency(reach, self._fresh)

    async def healthz(self, _: Request) -> Response:
        """Answer that the process lives."""
        return self._answer(HTTPStatus.OK, "ok")

    async def readyz(self, _: Request) -> Response:
        """Answer whether the server should get requests, and what cannot be reached."""
        await self.look()
        found = self._dependencies.items()
        states = {name: "ok" if each.answers else "unreachable" for name, each in found}
        if self.draining:
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "draining", **states)
        if not all(each.reached_once for _, each in found):
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "starting", **states)
        return self._answer(HTTPStatus.OK, "ready", **states)

    async def look(self) -> None:
        """Try to reach everything, as at the start, when nobody has asked yet."""
        await asyncio.gather(*(each.look(self._seconds) for each in self._dependencies.values()))

    async def aclose(self) -> None:
        """End the attempts that are under way."""
        attempts = [each.attempt for each in self._dependencies.values() if each.attempt]
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)

    def _answer(self, code: HTTPStatus, status: str, **states: str) -> Response:
        content = {"status": status, "mode": self._mode, "version": __version__, **states}
        return JSONResponse(content, code, headers={"Cache-Control": "no-store"})
