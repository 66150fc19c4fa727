"""The commands and options of ``telefonie-mcp``. A command imports what it needs when it runs."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, Literal, get_args, get_origin

import click

from telefonie_mcp import __version__
from telefonie_mcp.cli.environment import PROGRAM, settings_in_force
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.hosted import HostedSettings
from telefonie_mcp.text import clean_line, did_you_mean

__all__ = ["SECRETS", "cli", "run"]

SECRETS: Final = frozenset({"api_key", "ledger", "state_keys"})
"""Settings without a flag, because command lines are visible to every user of a machine."""

_KINDS: Final = {
    "account": "NAME",
    "allowed_origins": "ORIGIN,...",
    "audience": "TEXT",
    "base_url": "URL",
    "countries": "CODE,...",
    "currency": "CODE",
    "exclude_tools": "TOOL,...",
    "introspection_client": "ID",
    "introspection_url": "URL",
    "issuer": "URL",
    "number_types": "TYPE,...",
    "protected_numbers": "NUMBER,...",
    "public_url": "URL",
    "sandbox_db": "FILE",
    "state_dir": "DIRECTORY",
    "tenant_claim": "NAME",
    "tools": "TOOL,...",
    "toolsets": "NAME,...",
    "upload_dirs": "DIRECTORY:...",
    "webhook_hosts": "HOST,...",
}
"""Setting → the kind of its value."""

_KINDS_BY_TYPE: Final = {
    "Path": "FILE",
    "Address": "HOST:PORT",
    "Decimal": "AMOUNT",
    "float": "SECONDS",
    "int": "N",
}
"""The same by the type of the others."""


def run() -> int | Settings:
    """Run the command that the arguments name; return the status, or the settings of the server to run.

    What click says of wrong arguments is shown as the window has room for it.
    """
    try:
        done = cli.main(prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        from telefonie_mcp.cli.usage import show  # noqa: PLC0415

        show(error)
        return error.exit_code
    except click.Abort:
        click.echo("Aborted!", err=True)
        return 1
    return done if isinstance(done, int | Settings) else 0


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add one flag per setting, secrets excepted; those for serving HTTP come last."""
    fields = sorted(Settings.model_fields.items(), key=lambda field: field[0] in HostedSettings.model_fields)
    for name, field in reversed(fields):
        if name in SECRETS:
            continue
        flag = f"--{name.replace('_', '-')}"
        switch = field.annotation is bool or field.annotation == bool | None
        command = click.option(
            f"{flag}/--no-{flag[2:]}" if switch else flag,
            name,
            default=None,
            multiple=name == "spec",
            metavar=None if switch else _values(name, field.annotation),
            help=field.description,
        )(command)
    return command


def _values(name: str, annotation: Any) -> str:
    """Return what stands for the value of a flag in the help: its choices, or what kind of value it is."""
    if get_origin(annotation) is Literal:
        return f"[{'|'.join(get_args(annotation))}]"
    return _KINDS.get(name) or next(kind for of, kind in _KINDS_BY_TYPE.items() if of in str(annotation))


class _Context(click.Context):
    """A context that shows help in the width of the window."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return what lays out the help."""
        from telefonie_mcp.cli.usage import formatter  # noqa: PLC0415

        return formatter(super().make_formatter())


def _fitted(command: click.Command) -> click.Command:
    """Make a command, and those below it, show their help in the width of the window."""
    command.context_class = _Context
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _fitted(each)
    return command


class _Commands(click.Group):
    """A group that imports the module of a command when the command is used."""

    context_class = _Context

    modules: Final = {
        "call": "telefonie_mcp.cli.call",
        "config": "telefonie_mcp.cli.config.command",
        "doctor": "telefonie_mcp.cli.doctor.command",
        "log": "telefonie_mcp.cli.log",
        "sandbox": "telefonie_mcp.cli.sandbox",
        "tools": "telefonie_mcp.cli.tools",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), *self.modules])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        if module := self.modules.get(cmd_name):
            return _fitted(getattr(import_module(module), cmd_name))
        found = super().get_command(ctx, cmd_name)
        return found and _fitted(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is asked for; one that there is not is answered with those like it."""
        names = self.list_commands(ctx)
        if not ctx.resilient_parsing and not args[0].startswith("-") and args[0] not in names:
            asked, known = clean_line(args[0], 40), f"the commands are {', '.join(names)}."
            ctx.fail(f"No such command {asked!r}; {did_you_mean(asked, names, known)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name=PROGRAM)
@_settings_options
@click.pass_context
def cli(context: click.Context, **flags: Any) -> Settings | None:
    """Run the MCP server for the Telefonie Number Management API over stdio.

    Without TELEFONIE_API_KEY it works on an embedded sandbox, where nothing costs money. Every option is
    also an environment variable: --log-level is TELEFONIE_LOG_LEVEL. Options come before a command:
    telefonie-mcp --read-only tools.
    """
    context.obj = flags
    if context.invoked_subcommand is None:
        return settings_in_force(flags)
    from telefonie_mcp.cli.terminal import shows_colors  # noqa: PLC0415 - a server prints nothing

    context.color = None if shows_colors(os.environ) else False
    return None


@cli.command(short_help="Buy and release a number in a sandbox.")
def demo() -> None:
    """Play the whole life of a phone number through a real MCP client, on a sandbox of its own."""
    import anyio  # noqa: PLC0415

    from telefonie_mcp.cli.demo import play  # noqa: PLC0415

    anyio.run(play)
