"""The command line ``telefonie-mcp``. Commands import what they need when they run, to keep starts fast."""

import gc
import json
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from telefonie_mcp import __version__
from telefonie_mcp.cli.environment import settings_in_force
from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.settings.fields import Settings

if TYPE_CHECKING:
    from telefonie_mcp.app import App

__all__ = ["SECRETS", "main"]

_PROGRAM: Final = "telefonie-mcp"
SECRETS: Final = frozenset({"api_key", "ledger", "state_keys"})
"""Settings without a flag, because command lines are visible to every user of a machine."""


def main() -> NoReturn:
    """Run the command line; a ``TelefonieError`` ends it with one sentence and status 2."""
    try:
        cli(prog_name=_PROGRAM)
    except TelefonieError as error:
        click.echo(f"{_PROGRAM}: {error}", err=True)
    sys.exit(2)


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add one flag per setting, secrets excepted."""
    for name, field in reversed(Settings.model_fields.items()):
        if name in SECRETS:
            continue
        flag = f"--{name.replace('_', '-')}"
        switch = field.annotation is bool or field.annotation == bool | None
        command = click.option(
            f"{flag}/--no-{flag[2:]}" if switch else flag,
            name,
            default=None,
            multiple=name == "spec",
            metavar=None if switch else name.upper(),
            help=field.description,
        )(command)
    return command


class _Commands(click.Group):
    """A group that imports the module of a command when the command is used."""

    modules: Final = {
        "call": "telefonie_mcp.cli.call",
        "config": "telefonie_mcp.cli.config.command",
        "doctor": "telefonie_mcp.cli.doctor.command",
        "log": "telefonie_mcp.cli.log",
        "sandbox": "telefonie_mcp.cli.sandbox",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), *self.modules])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        if module := self.modules.get(cmd_name):
            return getattr(import_module(module), cmd_name)
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name=_PROGRAM)
@_settings_options
@click.pass_context
def cli(context: click.Context, **flags: Any) -> None:
    """Run the MCP server for the Telefonie Number Management API over stdio.

    Without TELEFONIE_API_KEY it works on an embedded sandbox, where nothing costs money. Every option is
    also an environment variable: --log-level is TELEFONIE_LOG_LEVEL. Options come before a command:
    telefonie-mcp --read-only tools.
    """
    context.obj = flags
    if context.invoked_subcommand is None:
        _serve(settings_in_force(flags))


def _app(settings: Settings) -> "App":
    from telefonie_mcp.app import App  # noqa: PLC0415

    return App.from_settings(settings)


def _serve(settings: Settings) -> NoReturn:
    gc.disable()  # imported modules are not garbage, and collection takes a tenth of the start
    import anyio  # noqa: PLC0415

    from telefonie_mcp.server.run import serve_http, serve_stdio  # noqa: PLC0415

    app = _app(settings)
    gc.freeze()
    gc.enable()
    anyio.run(partial(serve_http, app, settings.http) if settings.http else partial(serve_stdio, app))
    sys.exit(0)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print exactly what tools/list answers.")
@click.pass_obj
def tools(flags: dict[str, Any], *, as_json: bool) -> None:
    """Show the tools as an agent sees them, and what each costs in tokens (bytes / 4)."""
    from telefonie_mcp.server.handlers import tool_definition  # noqa: PLC0415
    from telefonie_mcp.text import compact  # noqa: PLC0415

    catalog = _app(settings_in_force(flags)).catalog
    listed = [
        tool_definition(tool).model_dump(mode="json", by_alias=True, exclude_none=True) for tool in catalog
    ]
    if as_json:
        click.echo(json.dumps({"tools": listed}, ensure_ascii=False, indent=2))
        for sentence in catalog.omissions:
            click.echo(sentence, err=True)
        return
    total = 0
    for tool, definition in zip(catalog, listed, strict=True):
        tokens = len(compact(definition).encode()) // 4
        total += tokens
        kind = "reads" if tool.read_only else "needs confirm" if tool.destructive else "writes"
        click.echo(f"{tool.name:<26} {kind:<14} {tokens:>5} tokens  {tool.title}")
    click.echo(f"{'total':<26} {'':<14} {total:>5} tokens")
    if catalog.omissions:
        click.echo("\nleft out:")
    for sentence in catalog.omissions:
        click.echo(f"  {sentence}")


@cli.command()
def demo() -> None:
    """Play the whole life of a phone number through a real MCP client, on a sandbox of its own."""
    import anyio  # noqa: PLC0415

    from telefonie_mcp.cli.demo import play  # noqa: PLC0415

    anyio.run(play)
