"""The answer to an unconfirmed call: what it would do, and the call that would do it; pure.

It says each thing once, and nothing that the caller has said: the facts that a decision needs, the monthly
rate, what the operator's limits leave, and the next call.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from telefonie_mcp.calls.approval import currency_of, purpose
from telefonie_mcp.calls.current_state import CurrentState
from telefonie_mcp.errors import NOTHING_DONE, ToolError
from telefonie_mcp.openapi.hints import Hints
from telefonie_mcp.redaction import HIDDEN
from telefonie_mcp.text import clean_line, line_of
from telefonie_mcp.tools.catalog import CONFIRM, Tool

__all__ = ["PreviewError", "preview_of"]

_UNREADABLE: Final = " Its monthly rate cannot be read as an amount: it can neither be shown nor be limited."


class PreviewError(ToolError):
    """The answer to an unconfirmed call: what it would do.

    Attributes:
        purpose: What it would do, as the predicate of a sentence.
        currency: In which currency the rate is, if it does not say so itself.
        digest: Identifies the call and the facts that were shown, so that a yes can be held to them.

    """

    purpose: str = ""
    currency: str | None = None
    digest: str = ""


def preview_of(
    tool: Tool,
    arguments: Mapping[str, Any],
    state: CurrentState | None,
    rate: Decimal | None,
    *,
    mode: str,
    limits: Mapping[str, Any],
    requires: str | None = None,
    currency: str | None = None,
) -> PreviewError:
    """Return the preview of a call that may be carried out.

    Args:
        tool: What would be done.
        arguments: With what.
        state: What the decision rests on: the offer, or else the current state.
        rate: The monthly rate in it, where it can be read.
        mode: ``sandbox`` or ``live``.
        limits: What the operator's limits leave.
        requires: What the API wants besides.
        currency: What the operator calls the currency of the account.

    """
    hints, shown, known = tool.hints, tool.shown(arguments), dict(state or {})
    acquires = hints.effect == "acquire"
    unreadable = acquires and state is not None and rate is None
    told = clean_line(purpose(tool, known, shown))
    unit = currency_of(tool, known, currency) if acquires and rate is not None else None
    lost = {name: known[name] for name in hints.loses if name in known}
    facts = {
        "mode": mode,
        "monthly_rate": None if rate is None else str(rate),
        "current": _unsaid(hints, known, {**shown, **lost}, rate, told),
        "would_be_lost": lost,
        "requires": requires,
        "limits": limits,
    }
    details: dict[str, Any] = {"preview": {name: value for name, value in facts.items() if value}}
    if not unreadable:
        agreed = {hints.ceiling: float(rate)} if acquires and hints.ceiling and rate is not None else {}
        details["next_call"] = {"name": tool.name, "arguments": {**shown, **agreed, CONFIRM: True}}
    priced = f", priced in {unit}" if unit else ""
    preview = PreviewError(
        f"{NOTHING_DONE}, because {CONFIRM} was not true. {tool.name} would {told}{priced}."
        f"{_UNREADABLE if unreadable else ''}",
        code="confirmation_required",
        hint=_next_step(hints, unreadable=unreadable),
        **details,
    )
    preview.purpose, preview.currency = told, unit
    return preview


def _unsaid(
    hints: Hints, state: CurrentState, said: Mapping[str, Any], rate: Decimal | None, told: str
) -> dict[str, Any]:
    """Return the facts that a decision needs and nothing else in the preview says.

    The rate stands here as well where the API writes it as more than an amount: ``1.15 EUR``.
    """
    named = {
        name
        for name, value in state.items()
        if value != HIDDEN and f"{{{name}}}" in hints.confirm and line_of(value) in told
    }
    if rate is not None and str(state.get(hints.offer_members.monthly_rate)) == str(rate):
        named.add(hints.offer_members.monthly_rate)
    return {
        name: _fact(state[name])
        for name in hints.asked or state
        if name in state and name not in named and (name not in said or said[name] != state[name])
    }


def _fact(value: Any) -> Any:
    """Return a fact, and of an object of booleans, such as capabilities, the names of those that are true."""
    if not isinstance(value, Mapping):
        return value
    members = cast("Mapping[str, Any]", value)
    flags = members and all(isinstance(member, bool) for member in members.values())
    return line_of(members) if flags else members


def _next_step(hints: Hints, *, unreadable: bool) -> str:
    if unreadable:
        return "Show this to the user. Do not go ahead at a price that nobody knows unless they insist."
    covered = ", or agreed to such a price," if hints.ceiling else ","
    return f"Show this to the user. Only if they agree{covered} make exactly the call in next_call."
