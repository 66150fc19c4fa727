"""``telefonie-mcp call``: makes one tool call, through the same pipeline as an agent's.

On a terminal it asks before it confirms: the person sees the preview, and their yes holds for exactly that.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from telefonie_mcp.cli.arguments import arguments_of
from telefonie_mcp.cli.completion import complete_argument, complete_tool
from telefonie_mcp.cli.environment import settings_in_force
from telefonie_mcp.cli.terminal import columns_of, interactive, is_terminal, say
from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.catalog import CONFIRM

if TYPE_CHECKING:
    from telefonie_mcp.app import App
    from telefonie_mcp.calls.approval import CommandLine
    from telefonie_mcp.tools.catalog import Tool

__all__ = ["call"]

_UNREAD: Final = "The call was made; telefonie-mcp log shows what it did."


class _CallCommand(click.Command):
    """A command whose help is about the tool that stands before it, if one does."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option, which is processed after the tool."""
        option = super().get_help_option(ctx)
        if option:
            option.is_eager = False
            option.callback = _show_help
        return option


def _show_help(ctx: click.Context, _: click.Parameter, value: Any) -> None:
    if not value or ctx.resilient_parsing:
        return
    if name := ctx.params.get("tool"):
        from telefonie_mcp.app import App  # noqa: PLC0415
        from telefonie_mcp.cli.tool_help import tool_help  # noqa: PLC0415

        catalog = App.from_settings(settings_in_force(ctx.obj)).catalog
        for line in tool_help(catalog[name], columns_of(sys.stdout)):
            click.echo(line)
    else:
        click.echo(ctx.get_help())
    ctx.exit()


@click.command(cls=_CallCommand)
@click.argument("tool", required=False, metavar="TOOL", is_eager=True, shell_complete=complete_tool)
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...", shell_complete=complete_argument)
@click.option(
    "--json", "json_arguments", metavar="JSON", help="Arguments as one JSON object; @FILE and - read it."
)
@click.option("--yes", is_flag=True, help="The same as confirm=true: go ahead without being asked.")
@click.pass_context
def call(
    context: click.Context,
    tool: str | None,
    arguments: Sequence[str],
    json_arguments: str | None,
    *,
    yes: bool,
) -> None:
    """Call one TOOL as an agent would, and print its result.

    telefonie-mcp tools lists the tools, and telefonie-mcp call TOOL --help shows the arguments of one. A list
    is separated by commas, or its NAME is repeated. NAME=@FILE reads a file, NAME=@- standard input, and
    NAME=@@… is a value that begins with @.

    On a terminal, a call that buys or releases something shows what it would do and asks. Elsewhere it needs
    --yes. Ends with status 1 when the tool answers with an error.
    """
    from telefonie_mcp.app import App  # noqa: PLC0415
    from telefonie_mcp.ledger.files import file_warnings  # noqa: PLC0415

    if tool is None:
        raise click.MissingParameter(ctx=context, param_hint="'TOOL'", param_type="argument")
    app = App.from_settings(settings_in_force(context.obj))
    for sentence in file_warnings(app.settings.ledger_url, app.settings.secret_files):
        say(sentence, err=True)
    found = app.catalog[tool]
    given = arguments_of(found.input_schema, arguments, json_arguments)
    if yes:
        given |= {CONFIRM: True} if found.destructive else {}
    answer = _asking(app, found, given) if found.destructive and interactive() else _made(app, found, given)
    try:
        _print(answer, found)
    except OSError:
        if not found.read_only and not isinstance(answer, ToolError):
            click.echo(_UNREAD, err=True)
        raise
    sys.exit(1 if isinstance(answer, ToolError) else 0)


def _asking(app: "App", tool: "Tool", given: Mapping[str, Any]) -> dict[str, Any] | ToolError:
    """Make a destructive call after a yes of the person at the terminal, if it needs one."""
    from telefonie_mcp.calls.approval import CommandLine  # noqa: PLC0415
    from telefonie_mcp.calls.preview import PreviewError  # noqa: PLC0415
    from telefonie_mcp.cli.question import asked  # noqa: PLC0415

    if given.get(CONFIRM) is True and app.settings.approval != "human":
        return _made(app, tool, given)
    preview = _made(app, tool, {**given, CONFIRM: False})
    if not isinstance(preview, PreviewError) or "next_call" not in preview.details:
        return preview
    if not asked(tool, preview, columns_of(sys.stdout)):
        sys.exit(1)
    held = {
        name: preview.details["next_call"]["arguments"].get(name) for name in [tool.hints.ceiling] if name
    }
    confirmed = {**given, **held, CONFIRM: True}
    return _made(app, tool, confirmed, CommandLine(answered=True), agreed=preview.digest)


def _made(
    app: "App",
    tool: "Tool",
    given: Mapping[str, Any],
    caller: "CommandLine | None" = None,
    *,
    agreed: str | None = None,
) -> dict[str, Any] | ToolError:
    """Make one call, and return its content or its error."""
    import anyio  # noqa: PLC0415

    from telefonie_mcp.calls.approval import CommandLine  # noqa: PLC0415
    from telefonie_mcp.server.signals import ending_on_signal  # noqa: PLC0415

    async def run() -> dict[str, Any] | ToolError | None:
        answer = None
        with anyio.CancelScope() as scope:
            async with ending_on_signal(app.pipeline.drain, scope.cancel):
                try:
                    result = await app.pipeline.call(tool.name, given, caller or CommandLine(), agreed=agreed)
                    answer = result.content
                except ToolError as error:
                    answer = error
        await app.aclose()
        return answer

    if (answer := anyio.run(run)) is None:
        raise click.Abort
    return answer


def _print(answer: dict[str, Any] | ToolError, tool: "Tool") -> None:
    content = answer.as_dict() if isinstance(answer, ToolError) else answer
    if not is_terminal(sys.stdout):
        click.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    from telefonie_mcp.cli.results import answer_lines, refusal_lines  # noqa: PLC0415

    columns = columns_of(sys.stdout)
    if isinstance(answer, ToolError):
        lines = refusal_lines(content, tool.name, columns)
    else:
        lines = answer_lines(content, tool.hints, columns)
    for line in lines:
        click.echo(line)
