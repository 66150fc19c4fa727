"""Threads in which calls wait for a database, so that no other call waits with them.

One that the database keeps is left behind: it is waited for neither by its call nor when the process ends, as
threads of ``concurrent.futures`` are. Handing over a transaction costs half of what it does with anyio.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Final, NamedTuple, TypeVar

__all__ = ["Threads"]

_MOST: Final = 40
"""Threads at the same time: more than the database has connections for one process."""

_IDLE_SECONDS: Final = 10.0
"""How long a thread without work is kept."""

_T = TypeVar("_T")


class _Work(NamedTuple):
    do: Callable[[], Any]
    context: Context
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"


class Threads:
    """Runs what blocks, for any number of event loops.

    Args:
        most: Threads at the same time; further work waits for one of them, as long as its caller does.

    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._queue: Final[SimpleQueue[_Work]] = SimpleQueue()
        self._lock: Final = Lock()
        self._threads = 0
        self._free = 0
        """Threads without work; negative where work waits for a thread."""

    async def run(self, do: Callable[[], _T], seconds: float) -> _T:
        """Return the result of ``do``, which is not begun any more when nobody waits for it.

        Raises:
            TimeoutError: there is none after so many seconds.

        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()
        late = loop.call_later(seconds, _answer, answer, None, TimeoutError())
        try:
            self._begin(_Work(do, copy_context(), loop, answer))
            return await answer
        finally:
            late.cancel()

    def _begin(self, work: _Work) -> None:
        with self._lock:
            self._free -= 1
            one_more = self._free < 0 and self._threads < self._most
            if one_more:
                self._threads += 1
                self._free += 1
        self._queue.put(work)
        if one_more:
            Thread(target=self._serve, name="ledger", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                work = self._queue.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._free > 0:
                        self._free -= 1
                        self._threads -= 1
                        return
            else:
                self._do(work)
                del work  # which may hold much, and no thread needs it while it waits

    def _do(self, work: _Work) -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            if not work.answer.done():
                result = work.context.run(work.do)
        except BaseException as raised:  # noqa: BLE001 - whoever waits is to know
            error = raised
        with self._lock:
            self._free += 1
        with suppress(RuntimeError):  # the event loop is closed, so that nobody waits
            work.loop.call_soon_threadsafe(_answer, work.answer, result, error)


def _answer(answer: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
