"""``telefonie-mcp tools``: shows the tools, or one of them with its arguments."""

import json
import sys
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from telefonie_mcp.cli.completion import complete_tool
from telefonie_mcp.cli.environment import settings_in_force
from telefonie_mcp.cli.terminal import Column, columns_of, is_terminal, say, table
from telefonie_mcp.text import clean_line

if TYPE_CHECKING:
    from telefonie_mcp.tools.catalog import Tool

__all__ = ["tools"]


@click.command(short_help="Show the tools as an agent sees them.")
@click.argument("tool", required=False, metavar="[TOOL]", shell_complete=complete_tool)
@click.option("--json", "as_json", is_flag=True, help="Print exactly what tools/list answers.")
@click.pass_obj
def tools(flags: dict[str, Any], *, tool: str | None, as_json: bool) -> None:
    """Show the tools as an agent sees them, and what each costs in tokens (bytes / 4).

    With TOOL, show one: its arguments with types and choices, an example, and what it changes.
    """
    from telefonie_mcp.app import App  # noqa: PLC0415
    from telefonie_mcp.cli.tool_help import tool_help  # noqa: PLC0415
    from telefonie_mcp.server.handlers import tool_definition  # noqa: PLC0415
    from telefonie_mcp.text import compact  # noqa: PLC0415

    catalog = App.from_settings(settings_in_force(flags)).catalog
    chosen = [catalog[tool]] if tool else [*catalog]
    listed = [
        tool_definition(each).model_dump(mode="json", by_alias=True, exclude_none=True) for each in chosen
    ]
    if as_json:
        click.echo(json.dumps({"tools": listed}, ensure_ascii=False, indent=2))
        for sentence in catalog.omissions:
            click.echo(sentence, err=True)
        return
    if tool:
        for line in tool_help(chosen[0], columns_of(sys.stdout)):
            click.echo(line)
        return
    costs = [len(compact(definition).encode()) // 4 for definition in listed]
    _show(chosen, costs)
    if catalog.omissions:
        click.echo("\nleft out:")
    width = columns_of(sys.stdout) if is_terminal(sys.stdout) else sys.maxsize
    for sentence in catalog.omissions:
        click.echo(fill(sentence, width, initial_indent="  ", subsequent_indent="    "))


def _show(chosen: "Sequence[Tool]", costs: Sequence[int]) -> None:
    """Print a line for each tool, and one for all of them: a table on a terminal."""
    rows = [
        (
            each.name,
            "reads" if each.read_only else "needs confirm" if each.destructive else "writes",
            f"{cost}",
        )
        for each, cost in zip(chosen, costs, strict=True)
    ]
    titles = [clean_line(each.title) for each in chosen]
    rows.append(("total", "", str(sum(costs))))
    if is_terminal(sys.stdout):
        heads = [
            Column("tool", kept=True),
            Column("kind", kept=True),
            Column("tokens", kept=True, right=True),
        ]
        lined = [(*row, title) for row, title in zip(rows, [*titles, ""], strict=True)]
        for line in table([*heads, Column("title")], lined, columns_of(sys.stdout)):
            click.echo(line)
        say("telefonie-mcp call TOOL --help shows the arguments of one.")
    else:
        for (name, kind, cost), title in zip(rows, [*titles, ""], strict=True):
            click.echo(f"{name:<26} {kind:<14} {cost:>5} tokens  {title}".rstrip())
