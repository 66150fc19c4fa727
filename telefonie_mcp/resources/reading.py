"""Reads a resource through the same calls that agents make: same rules, same pace, same checks.

Unlike a call, it has no deadline in all: each read behind it has one, and where this server's own pace or
the API's limit stands against the next read, it waits and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from telefonie_mcp.calls.approval import Caller
from telefonie_mcp.errors import ToolError
from telefonie_mcp.progress import report
from telefonie_mcp.resources.collection import read_collection
from telefonie_mcp.resources.exposed import Part, Readable
from telefonie_mcp.text import compact

if TYPE_CHECKING:
    from telefonie_mcp.calls.pipeline import Pipeline

__all__ = ["Reading"]

_WAITS: Final = 5
_LONGEST_WAIT: Final = 60.0


@dataclass(frozen=True)
class Reading:
    """One caller's way to read."""

    pipeline: "Pipeline"
    caller: Caller

    async def text(self, readable: Readable, variables: Mapping[str, str]) -> str:
        """Return the JSON of one resource.

        Raises:
            ToolError: one of the reads behind it did not succeed.

        """
        if pages := readable.hint.pages:
            part = readable.parts[0]

            async def page(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
                return await self._read(part, {**variables, **arguments})

            return await read_collection(page, pages, size=part.page_size, title=part.hint.title)
        content: dict[str, Any] = {}
        for part in readable.parts:
            answer = await self._read(part, variables)
            content |= {part.hint.member: answer} if part.hint.member else answer
        return compact(content)

    async def _read(self, part: Part, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        whole = {**part.hint.arguments, **arguments}
        for _ in range(_WAITS):
            try:
                return (await self.pipeline.call(part.tool.name, whole, self.caller)).content
            except ToolError as error:
                seconds = error.details.get("retry_after", _LONGEST_WAIT + 1)
                if error.code != "rate_limited" or seconds > _LONGEST_WAIT:
                    raise
                await report(f"{part.hint.title}: too many requests; waiting {seconds:g} seconds")
                await anyio.sleep(seconds)
        return (await self.pipeline.call(part.tool.name, whole, self.caller)).content
