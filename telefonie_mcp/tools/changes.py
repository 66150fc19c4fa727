"""Whether a write would change anything: one that would not is refused before it is sent; pure."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.openapi.operation import Parameter
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.upstream.serialization import build_request

__all__ = ["check_changes", "clears"]

_UPDATE: Final = re.compile(r"(?:^|[/.])(?:[Uu]pdate|[Mm]odify|[Ee]dit)(?![a-z])")
"""An ``operationId`` that begins with one of these words, after a group such as ``numbers/``."""


def clears(tool: Tool, argument: str) -> bool:
    """Whether an explicit null clears the member that the argument stands for."""
    hint = tool.hints.arguments.get(argument)
    return hint is not None and hint.null == "clears"


def check_changes(tool: Tool, arguments: Mapping[str, Any], *, nulls: Collection[str]) -> None:
    """Refuse an update of nothing.

    That is one whose effect is that the members sent are what is there (PATCH, or as its hints or its name
    say), and any write whose only members are nulls that mean something to the API and are not sent. An
    action can need no member.

    Args:
        tool: A tool.
        arguments: Its arguments, which are valid.
        nulls: Arguments that were given as null and count as absent.

    Raises:
        ToolError: ``invalid_arguments``: nothing would be changed.

    """
    body = tool.operation.body
    if tool.read_only or body is None:
        return
    members = {each.argument: each.name for each in tool.bindings if each.place == "member"}
    given = arguments
    if body.form and not build_request(tool.operation, tool.bindings, arguments).content:
        given = {name: value for name, value in arguments.items() if name not in members}  # empty lists
    if any(_changes(tool, name, value, members) for name, value in given.items()):
        return
    cleared = [name for name in members if name in nulls and members[name] in body.nullable]
    if cleared or _updates(tool):
        raise _changes_nothing(tool, members, cleared)


def _updates(tool: Tool) -> bool:
    settle, operation = tool.hints.settle, tool.operation
    return (
        operation.method == "PATCH"
        or (settle is not None and settle.done == "matches")
        or _UPDATE.search(operation.id) is not None
    )


def _changes(tool: Tool, name: str, value: Any, members: Mapping[str, str]) -> bool:
    """Whether an argument is part of a change: in the body or the query, not what is changed or how."""
    if name in members:
        return True
    place = next((each.place for each in tool.bindings if each.argument == name), None)
    return (place == "body" and value != {}) or (isinstance(place, Parameter) and place.location == "query")


def _changes_nothing(tool: Tool, members: Mapping[str, str], cleared: list[str]) -> ToolError:
    if cleared:
        why = f"null counts as absent, and nothing but {', '.join(cleared)} was given"
        hint = "Ask the operator for the hint null: clears where null must clear a member."
    else:
        what = f"one of {', '.join(members)}" if members else "a member of the body"
        why = f"give at least {what}"
        hint = f"Say what changes and call {tool.name} again."
    return ToolError(
        f"{NOTHING_DONE}: {tool.name} would change nothing; {why}.",
        code="invalid_arguments",
        field=cleared[0] if cleared else next(iter(members), None),
        hint=hint,
    )
