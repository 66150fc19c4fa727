"""The question that a terminal asks before a destructive call, with the facts of its preview."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

import click

from telefonie_mcp.calls.preview import PreviewError
from telefonie_mcp.cli.results import shown
from telefonie_mcp.cli.terminal import agreed, paragraph, record
from telefonie_mcp.errors import NOTHING_DONE
from telefonie_mcp.money import ACCOUNT_CURRENCY
from telefonie_mcp.openapi.hints import sentence
from telefonie_mcp.text import clean_line, one_line
from telefonie_mcp.tools.catalog import CONFIRM, Tool

__all__ = ["asked"]

_OF_AGENTS = frozenset({"preview", "next_call"})
"""Members of a preview that are shown in another form, or not at all."""


def asked(tool: Tool, preview: PreviewError, columns: int) -> bool:
    """Show a preview, and return whether the person at the terminal says yes; if not, say so.

    What was typed before the question is no answer to it.
    """
    for line in _facts(tool, preview, columns):
        click.echo(line)
    *lines, last = paragraph(f"{_question(tool, preview)} [y/N]", columns - 1)
    for line in lines:
        click.echo(line)
    _discard_input()
    return agreed(last, NOTHING_DONE, prompt_suffix=" ", show_default=False)


def _question(tool: Tool, preview: PreviewError) -> str:
    """Return what the person is asked, such as "Buy +14155550123 for 1.15 a month?"."""
    purpose, rate = _capital(preview.purpose), preview.details["preview"].get("monthly_rate")
    if rate is None or tool.hints.effect != "acquire":
        return f"{clean_line(purpose, 1000)}?"
    unit = preview.currency
    price = f"{shown(rate)}{f' {unit}' if unit and unit != ACCOUNT_CURRENCY else ''} a month"
    arguments: Mapping[str, Any] = preview.details["next_call"]["arguments"]
    if thing := re.match(rf"\w+ {{{tool.hints.subject}}}(?= and start)", tool.hints.confirm):
        return f"{clean_line(_capital(sentence(thing[0], one_line(arguments))), 1000)} for {price}?"
    return f"{clean_line(purpose, 1000)}, at {price}?"


def _facts(tool: Tool, preview: PreviewError, columns: int) -> Iterator[str]:
    """Yield what a preview says, and the arguments that go along."""
    details = preview.details
    facts = dict[str, Any](details["preview"])
    current: Mapping[str, Any] = facts.pop("current", None) or {}
    rate = facts.pop("monthly_rate", None)
    lost: Mapping[str, Any] = facts.pop("would_be_lost", None) or {}
    fields = {"mode": shown(facts.pop("mode", None))}
    fields |= {name: shown(value) for name, value in current.items()}
    unit = f", in {preview.currency}" if preview.currency == ACCOUNT_CURRENCY else ""
    fields |= {} if rate is None else {"monthly_rate": f"{shown(rate)}{unit}"}
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
