"""What the API wants beyond the arguments of a write, such as an address, said before the write.

It is read with the operation that the hints name, if the same API has it. A read that this process answers in
place of the API knows no more than the API tells, so it is not asked.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from telefonie_mcp.calls.current_state import CurrentState
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import ToolError
from telefonie_mcp.openapi.hints import Requirement
from telefonie_mcp.text import line_of
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.requester import Requester, content_of

__all__ = ["read_requirement"]


async def read_requirement(
    requester: Requester,
    tool: Tool,
    arguments: Mapping[str, Any],
    offer: CurrentState | None,
    deadline: Deadline,
) -> str | None:
    """Return in words what a call requires, or that it cannot be known; ``None`` without a hint."""
    hint = tool.hints.requires
    if hint is None:
        return None
    told = (offer or {}).get(hint.member) or await _told(requester, tool, hint, arguments, deadline)
    return hint.words.get(str(told), line_of(told)) if told else hint.unknown


async def _told(
    requester: Requester, tool: Tool, hint: Requirement, arguments: Mapping[str, Any], deadline: Deadline
) -> Any:
    same_api = (
        other
        for other in requester.catalog.everything.values()
        if other.operation.id == hint.operation
        and other.read_only
        and requester.server(other) == requester.server(tool)
    )
    reader = next(same_api, None)
    if reader is None:
        return None
    query = {name: arguments[source] for name, source in hint.arguments.items() if source in arguments}
    with suppress(ToolError):  # it is unknown then, which is no reason to refuse
        answer = content_of(reader, await requester.send(reader, query, deadline), query)
        items = cast("list[Mapping[str, Any]]", answer.get(hint.items) or [{}])
        return items[0].get(hint.member)
    return None
