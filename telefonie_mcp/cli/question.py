"""The question that a terminal asks before a destructive call, with the facts of its preview."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

import click

from telefonie_mcp.cli.results import shown
from telefonie_mcp.cli.terminal import paragraph, record
from telefonie_mcp.errors import ToolError
from telefonie_mcp.openapi.hints import sentence
from telefonie_mcp.text import clean_line, one_line
from telefonie_mcp.tools.catalog import CONFIRM, Tool

__all__ = ["asked", "question"]

_OF_AGENTS = frozenset({"preview", "next_call"})
"""Members of a preview that are shown in another form, or not at all."""


def asked(tool: Tool, preview: ToolError, currency: str | None, columns: int) -> bool:
    """Show a preview, and return whether the person at the terminal says yes.

    What was typed before the question is no answer to it. End of input is a no.
    """
    for line in _facts(tool, preview, columns):
        click.echo(line)
    *lines, last = paragraph(f"{question(tool, preview, currency)} [y/N]", columns - 1)
    for line in lines:
        click.echo(line)
    _discard_input()
    return click.confirm(last, default=False, prompt_suffix=" ", show_default=False)


def question(tool: Tool, preview: ToolError, currency: str | None) -> str:
    """Return what the person is asked, such as "Buy +14155550123 for 1.15 a month?"."""
    details = preview.details
    facts: Mapping[str, Any] = details["preview"]
    arguments: Mapping[str, Any] = details["next_call"]["arguments"]
    values = one_line({**(facts.get("current") or {}), **arguments})
    confirm, rate = tool.hints.confirm, facts.get("monthly_rate")
    whole = sentence(confirm, values) or f"send {tool.operation.method} {tool.operation.path}"
    if rate is None:
        return f"{clean_line(_capital(whole), 1000)}?"
    price = f"{shown(rate)}{f' {currency}' if currency else ''} a month"
    if thing := re.match(rf"\w+ {{{tool.hints.subject}}}(?= and start)", confirm):
        return f"{clean_line(_capital(sentence(thing[0], values)), 1000)} for {price}?"
    return f"{clean_line(_capital(whole), 1000)}, at {price}?"


def _facts(tool: Tool, preview: ToolError, columns: int) -> Iterator[str]:
    """Yield what a preview says, and the arguments that go along."""
    details = preview.details
    facts = dict[str, Any](details["preview"])
    current: Mapping[str, Any] = facts.pop("current", None) or {}
    rate = facts.pop("monthly_rate", None)
    lost: Mapping[str, Any] = facts.pop("would_be_lost", None) or {}
    fields = {"mode": shown(facts.pop("mode", None))}
    fields |= {name: shown(value) for name, value in current.items()}
    fields |= {} if rate is None else {"monthly_rate": shown(rate)}
    hidden = {tool.hints.subject, tool.hints.ceiling, CONFIRM}
    sent = cast("dict[str, Any]", details["next_call"]["arguments"])
    fields |= {f"with {name}": shown(value) for name, value in sent.items() if name not in hidden}
    fields |= {f"lost: {name}": shown(value) for name, value in lost.items()}
    fields |= {name: shown(value) for name, value in facts.items()}
    fields |= {name: shown(value) for name, value in details.items() if name not in _OF_AGENTS}
    yield from record({clean_line(n, 60).replace("_", " "): v for n, v in fields.items() if v}, columns)
    yield ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _discard_input() -> None:
    """Forget what was typed before the question was asked."""
    try:
        import termios  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
