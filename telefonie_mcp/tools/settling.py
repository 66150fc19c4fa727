"""Whether a write has happened, by the facts that its hints say to look at; pure."""

from collections.abc import Mapping
from typing import Any, assert_never

from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.openapi.hints import Settle
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.facts import Fact, sentence

__all__ = ["happened", "impossible", "refused", "sent_members", "tells"]


def happened(tool: Tool, settle: Settle, arguments: Mapping[str, Any], after: Fact | None) -> bool:
    """Whether the facts after a write show that it has happened."""
    match settle.done:
        case "present":
            return after is not None
        case "absent":
            return after is None
        case "matches":
            sent = sent_members(tool, arguments).items()
            return after is not None and all(after.get(name, "") == value for name, value in sent)
        case "state":
            return after is not None and after.get(settle.member) in settle.values
        case _:
            assert_never(settle.done)


def tells(tool: Tool, settle: Settle, arguments: Mapping[str, Any]) -> bool:
    """Whether looking can tell: no answer shows a secret, so what was sent cannot be compared with it."""
    return settle.done != "matches" or not tool.secrets & arguments.keys()


def sent_members(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of the body as they are sent, secrets aside."""
    return {
        binding.name: arguments[binding.argument]
        for binding in tool.bindings
        if binding.place == "member"
        and binding.argument in arguments
        and binding.argument not in tool.secrets
    }


def impossible(tool: Tool, arguments: Mapping[str, Any], before: Fact | None) -> ToolError | None:
    """Return the refusal of a write that the facts before it make impossible or pointless."""
    settle = tool.hints.settle
    if settle is None:
        return None
    if before is None and settle.done != "present":
        reason, code = settle.absent, "not_found"
    elif settle.done in {"present", "state"} and happened(tool, settle, arguments, before):
        reason, code = settle.already, "conflict"
    else:
        return None
    return refused(tool, reason, {**(before or {}), **tool.shown(arguments)}, code)


def refused(tool: Tool, reason: str, values: Mapping[str, Any], code: str) -> ToolError:
    """Return a refusal for a reason that the hints give, with ``values`` filled in."""
    return ToolError(
        f"{NOTHING_DONE}: {sentence(reason, values)}.",
        code=code,
        field=tool.hints.subject,
        hint="Look at the current state before another attempt.",
    )
