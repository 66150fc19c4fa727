"""Looks at the thing an operation is about, as its hints say: before a write, after it, or instead of it."""

import re
from collections.abc import Mapping
from typing import Any, cast

from telefonie_mcp.errors import ToolError
from telefonie_mcp.openapi.hints import Read
from telefonie_mcp.tools.api import Api
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.formats import DERIVATIONS
from telefonie_mcp.upstream.policy import Deadline

__all__ = ["Fact", "look", "sentence"]

Fact = Mapping[str, Any]


async def look(
    api: Api, tool: Tool, read: Read, arguments: Mapping[str, Any], deadline: Deadline
) -> Fact | None:
    """Return the current facts about the subject of ``tool``, or ``None`` where it does not exist.

    Raises:
        ToolError: the facts could not be read. Reading changes nothing, so nothing was done.

    """
    reader = api.catalog.sibling(tool, read.operation)
    query = {name: _derived(source, arguments) for name, source in read.arguments.items()}
    try:
        content = await api.read(reader, query, deadline)
    except ToolError as error:
        if error.status == 404:  # noqa: PLR2004 - RFC 9110 §15.5.5: there is no such thing
            return None
        raise
    if read.items is None:
        return content
    subject = tool.hints.subject or ""
    items = cast("list[Fact]", content.get(read.items, []))
    return next((item for item in items if item.get(subject) == arguments[subject]), None)


def sentence(template: str, values: Mapping[str, Any]) -> str:
    """Fill values into a sentence of the hints, where their names stand in braces."""

    def value(match: re.Match[str]) -> str:
        filled = values.get(match[1], match[0])
        return ", ".join(map(str, cast("list[Any]", filled))) if isinstance(filled, list) else str(filled)

    return re.sub(r"{(\w+)}", value, template)


def _derived(source: str | int, arguments: Mapping[str, Any]) -> Any:
    if isinstance(source, int):
        return source
    name, _, derivation = source.partition("|")
    return DERIVATIONS[derivation](arguments[name]) if derivation else arguments[name]
