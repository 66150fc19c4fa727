"""Reads the current state of an operation's subject, with the read named in its hints, and compares it.

The state before a write says whether the write is possible; the state after it says whether it has happened.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal, assert_never, cast

from telefonie_mcp.deadline import Deadline
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.openapi.hints import Read, Settle, answer_path, sentence
from telefonie_mcp.text import clean, clean_line, line_of, one_line
from telefonie_mcp.tools.catalog import Catalog, Tool, ungiven
from telefonie_mcp.tools.formats import DERIVATIONS
from telefonie_mcp.tools.requester import Requester, content_of
from telefonie_mcp.upstream.outcomes import Answer, Outcome

__all__ = [
    "CurrentState",
    "can_read",
    "happened",
    "impossible",
    "read_current_state",
    "refused",
    "sent_members",
    "tells",
    "values_of",
]

CurrentState = Mapping[str, Any]

_MAX_REASON: Final = 1000
"""Characters of a reason that the hints give, values included."""

_ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


async def read_current_state(
    requester: Requester,
    tool: Tool,
    read: Read,
    arguments: Mapping[str, Any],
    deadline: Deadline,
    *,
    answer: Any = None,
) -> CurrentState | None:
    """Return the current facts about the subject of ``tool``, or ``None`` where it does not exist.

    Args:
        requester: The way to the API.
        tool: The tool that writes.
        read: The read, for which :func:`can_read` is true.
        arguments: Arguments of the write.
        deadline: When the facts must be there.
        answer: The answer of the write, if it has one.

    Raises:
        ToolError: the facts could not be read. Reading changes nothing, so nothing was done.

    """
    reader = requester.catalog.sibling(tool, read.operation)
    sources = {name: _value(source, arguments, answer) for name, source in read.arguments.items()}
    query = {name: value for name, value in sources.items() if value is not None}
    outcome = await requester.send(reader, query, deadline)
    if read.items is None and _denies(outcome):
        return None
    content = content_of(reader, outcome, query)
    if read.items is None:
        return content
    subject = tool.hints.subject or ""
    key = read.key or subject
    items = cast("list[CurrentState]", content.get(read.items, []))
    found = [item for item in items if item.get(key) == arguments[subject]]
    if any(_terms(tool, item) != _terms(tool, found[0]) for item in found[1:]):
        raise ToolError(
            f"{NOTHING_DONE}: the API lists {line_of(arguments[subject])} twice, at different terms.",
            code="upstream_invalid_response",
            hint="Nobody can tell which of them hold; report it to the provider if it stays so.",
        )
    return found[0] if found else None


def _terms(tool: Tool, item: CurrentState) -> list[Any]:
    """Return what rules are applied to: rate, country and type."""
    members = tool.hints.offer_members
    names = (members.monthly_rate, members.highest_rate, members.country, members.type)
    return [item.get(name) for name in names if name]


def can_read(
    catalog: Catalog, tool: Tool, read: Read, arguments: Mapping[str, Any], *, answer: Any = None
) -> bool:
    """Whether it is known what to read: the arguments that identify it may be optional, and not given.

    In a list, the subject identifies the thing, and what else would narrow the list down may be unknown.
    """
    subject = tool.hints.subject
    if read.items is not None and arguments.get(subject or "") is None:
        return False
    required = catalog.sibling(tool, read.operation).input_schema.get("required", ())
    needed = [
        source
        for name, source in read.arguments.items()
        if read.items is None or name in required or _is_subject(source, subject)
    ]
    return all(_value(source, arguments, answer) is not None for source in needed)


def happened(
    tool: Tool,
    settle: Settle,
    arguments: Mapping[str, Any],
    before: CurrentState | None,
    after: CurrentState | None,
) -> bool | None:
    """Whether the facts after a write show that it has happened.

    ``None`` where they cannot tell: the thing is gone, or its values are neither those that were sent nor
    those from before, as when the provider spells them differently or somebody else changed them.
    """
    match settle.done:
        case "present":
            return after is not None
        case "absent":
            return after is None
        case "matches":
            sent: CurrentState = clean(sent_members(tool, arguments))  # as everything that is read
            if after is None or not sent:
                return None
            now = values_of(after, sent)
            return now == sent or _unless_unchanged(sent, before, now)
        case "state":
            if after is None:
                return None
            now = values_of(after, [settle.member])
            return now[settle.member] in settle.values or _unless_unchanged([settle.member], before, now)
        case _:
            assert_never(settle.done)


def _unless_unchanged(names: Iterable[str], before: CurrentState | None, now: CurrentState) -> bool | None:
    """Return ``False`` where the values are still those from before, else ``None``."""
    return False if before is not None and now == values_of(before, names) else None


def values_of(fact: CurrentState, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of a fact's members; an empty string where there is none."""
    return {name: fact.get(name, "") for name in names}


def tells(
    catalog: Catalog, tool: Tool, settle: Settle, arguments: Mapping[str, Any], *, answer: Any = None
) -> bool:
    """Whether looking can tell: it is known what to look for, and what was sent is shown.

    No answer shows a secret, so what was sent as one cannot be compared with it.
    """
    shown = settle.done != "matches" or not tool.secrets & arguments.keys()
    return shown and can_read(catalog, tool, settle, arguments, answer=answer)


def sent_members(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of the body as they are sent, secrets aside; one that a null clears is empty."""
    return {
        binding.name: "" if arguments[binding.argument] is None else arguments[binding.argument]
        for binding in tool.bindings
        if binding.place == "member"
        and binding.argument in arguments
        and binding.argument not in tool.secrets
    }


def impossible(tool: Tool, arguments: Mapping[str, Any], before: CurrentState | None) -> ToolError | None:
    """Return the refusal of a write that the facts before it make impossible or pointless."""
    settle = tool.hints.settle
    if settle is None:
        return None
    code: Literal["not_found", "conflict"]
    if before is None and settle.done != "present":
        reason, code = settle.absent, "not_found"
    elif settle.done in {"present", "state"} and happened(tool, settle, arguments, None, before):
        reason, code = settle.already, "conflict"
    elif before is not None and before.get(tool.hints.lacks):
        reason, code = f"the API wants {{{tool.hints.lacks}}} first", "conflict"
    else:
        return None
    return refused(tool, reason, {**ungiven(tool), **(before or {}), **tool.shown(arguments)}, code)


def refused(
    tool: Tool, reason: str, values: Mapping[str, Any], code: Literal["not_found", "conflict"]
) -> ToolError:
    """Return a refusal for a reason that the hints give, with ``values`` filled in, each on one line."""
    return ToolError(
        f"{NOTHING_DONE}: {clean_line(sentence(reason, one_line(values)), _MAX_REASON)}.",
        code=code,
        field=tool.hints.subject,
        hint="Look at the current state before another attempt.",
    )


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


def _value(source: str | int, arguments: Mapping[str, Any], answer: Any) -> Any:
    """Return an argument of a read; ``None`` where the write was not given it, or has no such answer."""
    if isinstance(source, int):
        return source
    name, _, derivation = source.partition("|")
    value: Any = arguments.get(name)
    if path := answer_path(name):
        value = answer
        for step in path:
            value = cast("Mapping[str, Any]", value).get(step) if isinstance(value, Mapping) else None
    return DERIVATIONS[derivation](str(value)) if derivation and value is not None else value


def _is_subject(source: str | int, subject: str | None) -> bool:
    return isinstance(source, str) and source.partition("|")[0] == subject
