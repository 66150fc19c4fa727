"""Looks at the thing an operation is about, as its hints say: before a write, after it, or instead of it."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from telefonie_mcp.openapi.hints import Read
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.formats import DERIVATIONS
from telefonie_mcp.tools.requester import Api, content_of
from telefonie_mcp.upstream.outcomes import Answer, Outcome
from telefonie_mcp.upstream.retry import Deadline

__all__ = ["Fact", "look", "sentence"]

Fact = Mapping[str, Any]

_ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


async def look(
    api: Api, tool: Tool, read: Read, arguments: Mapping[str, Any], deadline: Deadline
) -> Fact | None:
    """Return the current facts about the subject of ``tool``, or ``None`` where it does not exist.

    Raises:
        ToolError: the facts could not be read. Reading changes nothing, so nothing was done.

    """
    reader = api.catalog.sibling(tool, read.operation)
    query = {name: _derived(source, arguments) for name, source in read.arguments.items()}
    outcome = await api.send(reader, query, deadline)
    if read.items is None and _denies(outcome):
        return None
    content = content_of(reader, outcome, query)
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


def _denies(outcome: Outcome) -> bool:
    """Whether the API says that there is no such thing (RFC 9110 §15.5.5, §15.5.11).

    A page for people is not the API's word: a gateway shows it that does not know the path, or has nobody
    to ask at the moment.
    """
    return (
        isinstance(outcome, Answer)
        and outcome.status in _ABSENT
        and not outcome.headers.get("content-type", "").lower().startswith("text/html")
    )


def _derived(source: str | int, arguments: Mapping[str, Any]) -> Any:
    if isinstance(source, int):
        return source
    name, _, derivation = source.partition("|")
    return DERIVATIONS[derivation](arguments[name]) if derivation else arguments[name]
