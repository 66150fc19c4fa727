"""Reads a resource with tool calls, so that the same policy, rate limit and validation apply.

The resource as a whole has no deadline; each tool call has one. After a refusal with ``rate_limited`` it
waits, reports that as progress, and tries again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from telefonie_mcp.calls.approval import Caller
from telefonie_mcp.errors import ToolError
from telefonie_mcp.progress import report
from telefonie_mcp.resources.collection import read_collection
from telefonie_mcp.resources.exposed import ReadableResource, ResourceRead
from telefonie_mcp.text import compact

if TYPE_CHECKING:
    from telefonie_mcp.calls.pipeline import Pipeline

__all__ = ["Reading"]

_MAX_WAITS: Final = 5
"""How often one read waits for a rate limit before its refusal is final."""

_MAX_WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Reading:
    """Reads resources on behalf of one caller."""

    pipeline: "Pipeline"
    caller: Caller

    async def text(self, readable: ReadableResource, variables: Mapping[str, str]) -> str:
        """Return one resource as JSON.

        Raises:
            ToolError: one of its reads failed.

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

    async def _read(self, part: ResourceRead, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        whole = {**part.hint.arguments, **arguments}
        for _ in range(_MAX_WAITS):
            try:
                return (await self.pipeline.call(part.tool.name, whole, self.caller)).content
            except ToolError as error:
                seconds = error.details.get("retry_after", _MAX_WAIT_SECONDS + 1)
                if error.code != "rate_limited" or seconds > _MAX_WAIT_SECONDS:
                    raise
                await report(f"{part.hint.title}: too many requests; waiting {seconds:g} seconds")
                await anyio.sleep(seconds)
        return (await self.pipeline.call(part.tool.name, whole, self.caller)).content
