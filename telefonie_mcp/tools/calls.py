"""What every call goes through: find the tool, read the arguments, guard, act, present.

::

    arguments ─► read_arguments ─► confirmed? ─► read                      ─► present
                                       │     └─► write, settled if unclear ─► present
                                       └─► preview (nothing is done)
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from telefonie_mcp.errors import NOTHING_DONE, TelefonieError, ToolError
from telefonie_mcp.tools.api import Api
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.confirmation import preview
from telefonie_mcp.tools.writes import write
from telefonie_mcp.upstream.policy import Deadline

__all__ = ["Calls", "Result"]

_log: Final = logging.getLogger(__name__)
_RESTART: Final = "Make the call again when the server is back."


@dataclass(frozen=True, slots=True)
class Result:
    """A call that succeeded: structured content, and facts about the call for ``_meta``."""

    content: dict[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Calls:
    """Runs tool calls, for every transport and every caller alike.

    Args:
        catalog: The tools.
        api: The way to the API.
        mode: ``sandbox`` or ``live``, as previews and results say.
        seconds: How long one call may take in all, retries and reconciliation included.

    """

    def __init__(self, catalog: Catalog, api: Api, *, mode: str, seconds: float) -> None:
        self.catalog = catalog
        self._api = api
        self._mode = mode
        self._seconds = seconds
        self._closing = False
        self._writing = 0
        self._idle = anyio.Event()

    async def call(self, name: str, arguments: Mapping[str, Any] | None) -> Result:
        """Run one call.

        A write, once begun, is finished or settled even when the caller goes away; it is bounded by the
        deadline all the same.

        Raises:
            UnknownToolError: there is no such tool.
            ToolError: the call did not succeed; its message says what is known to be done.

        """
        tool = self.catalog[name]
        try:
            return await self._guarded(tool, arguments)
        except TelefonieError:
            raise
        except Exception as error:
            _log.exception("%s failed unexpectedly", name)
            raise _unexpected(tool) from error

    async def _guarded(self, tool: Tool, arguments: Mapping[str, Any] | None) -> Result:
        if self._closing:
            raise ToolError(
                f"{NOTHING_DONE}: the server is shutting down.", code="shutting_down", hint=_RESTART
            )
        values, confirmed = read_arguments(tool, arguments)
        deadline = Deadline.after(self._seconds)
        if tool.read_only:
            return Result(await self._api.read(tool, values, deadline), {"mode": self._mode})
        if tool.destructive and not confirmed:
            raise await preview(self._api, tool, values, deadline, mode=self._mode)
        self._writing += 1
        try:
            return await self._write(tool, values, deadline)
        finally:
            self._writing -= 1
            if not self._writing:
                self._idle.set()
                self._idle = anyio.Event()

    async def _write(self, tool: Tool, values: Mapping[str, Any], deadline: Deadline) -> Result:
        with anyio.CancelScope(shield=True):
            done = await write(self._api, tool, values, deadline)
            return Result(
                done.content, {"mode": self._mode, **({"reconciled": True} if done.reconciled else {})}
            )
        raise AssertionError  # a shielded scope without a deadline is never cancelled

    async def drain(self) -> None:
        """Accept no further call, and wait until no write is in flight."""
        self._closing = True
        while self._writing:
            await self._idle.wait()


def _unexpected(tool: Tool) -> ToolError:
    done = NOTHING_DONE if tool.read_only else f"It is unknown whether {tool.name} was carried out"
    return ToolError(
        f"{done}: the server failed unexpectedly.",
        code="internal_error",
        hint="Look at the current state before another attempt. The server's log has the reason.",
    )
