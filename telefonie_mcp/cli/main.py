"""The command line ``telefonie-mcp``. Commands import what they need when they run, to keep starts fast."""

import errno
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, cast, get_args, get_origin

import click

from telefonie_mcp import __version__
from telefonie_mcp.cli.environment import settings_in_force
from telefonie_mcp.errors import DocumentError, SettingsError, TelefonieError
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.hosted import HostedSettings
from telefonie_mcp.settings.types import Address
from telefonie_mcp.text import clean_line, did_you_mean

if TYPE_CHECKING:
    from telefonie_mcp.telemetry.metrics import Metrics

__all__ = ["SECRETS", "main"]

_PROGRAM: Final = "telefonie-mcp"
SECRETS: Final = frozenset({"api_key", "ledger", "state_keys"})
"""Settings without a flag, because command lines are visible to every user of a machine."""


_COMPLETES: Final = "_TELEFONIE_MCP_COMPLETE"
"""Variable by which a shell asks for completions."""


def main() -> NoReturn:
    """Run the command line; a ``TelefonieError`` ends it with one sentence and status 2.

    Output that cannot be written ends it with a sentence and status 1, and without one where the reader left.
    """
    try:
        status = _run()
    except BaseExceptionGroup as group:
        status = _unwritten(group)
    except OSError as error:
        status = _unwritten(error)
    sys.exit(status)


def _run() -> int:
    try:
        if os.environ.get(_COMPLETES):
            from telefonie_mcp.cli.completion import register  # noqa: PLC0415

            register()
        status = _command()
        if sys.stdout:
            sys.stdout.flush()  # here, where it can still be told that it failed
    except TelefonieError as error:
        from telefonie_mcp.cli.terminal import say  # noqa: PLC0415

        say(f"{_PROGRAM}: {error}{_diagnosis(error)}", err=True)
        return 2
    except SystemExit as end:
        if sys.stdout:
            sys.stdout.flush()
        return end.code if isinstance(end.code, int) else 0
    return status


def _command() -> int:
    """Run the command, and show what click says of its arguments as the window has room for it."""
    try:
        status = cli.main(prog_name=_PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        from telefonie_mcp.cli.usage import show  # noqa: PLC0415

        show(error)
        return error.exit_code
    except click.Abort:
        click.echo("Aborted!", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _diagnosis(error: TelefonieError) -> str:
    """Return where more can be learned about a ledger that cannot be used; a damaged entry names itself."""
    from telefonie_mcp.ledger.errors import LedgerError  # noqa: PLC0415

    explained = isinstance(error, LedgerError) and "is damaged" not in str(error)
    return f". {_PROGRAM} doctor looks for the cause." if explained else ""


def _unwritten(error: Exception | BaseExceptionGroup[BaseException]) -> int:
    """Report that a stream cannot be written, or raise ``error`` if it is something else."""
    leaves = [*_leaves(error)]
    reasons = [each for each in leaves if isinstance(each, OSError) and each.filename is None]
    if not reasons or len(reasons) < len(leaves):
        raise error
    with suppress(OSError, ValueError, AttributeError):  # what is buffered must not fail again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if reasons[0].errno != errno.EPIPE:
        with suppress(OSError):
            click.echo(f"{_PROGRAM}: the output cannot be written ({reasons[0].strerror})", err=True)
    return 1


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(each)
    else:
        yield error


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
    """Return what stands for the value of a flag in the help: its choices, or the name of its setting."""
    return f"[{'|'.join(get_args(annotation))}]" if get_origin(annotation) is Literal else name.upper()


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

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and let an error about settings say which options gave them."""
        try:
            return super().invoke(ctx)
        except (SettingsError, DocumentError) as error:
            from telefonie_mcp.cli.sources import with_options  # noqa: PLC0415 - only for an error

            error.args = (with_options(str(error), ctx.params),)
            raise

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
    from telefonie_mcp.cli.terminal import shows_colors  # noqa: PLC0415 - a server prints nothing

    context.color = None if shows_colors(os.environ) else False


def _serve(settings: Settings) -> NoReturn:
    gc.disable()  # imported modules are not garbage, and collection takes a tenth of the start
    import anyio  # noqa: PLC0415

    from telefonie_mcp.app import App  # noqa: PLC0415
    from telefonie_mcp.server.run import serve_http, serve_stdio  # noqa: PLC0415

    if settings.hosted and not settings.http:
        raise SettingsError("TELEFONIE_PUBLIC_URL needs TELEFONIE_HTTP: over stdio nobody signs in")
    if settings.tenants and settings.http:
        _serve_tenants(settings, settings.http)
    app = App.from_settings(settings)
    _collect_garbage()
    with _telemetry(settings) as metrics:
        app = replace(app, metrics=metrics) if metrics else app
        anyio.run(partial(serve_http, app, settings.http) if settings.http else partial(serve_stdio, app))
    sys.exit(0)


def _serve_tenants(settings: Settings, address: Address) -> NoReturn:
    import anyio  # noqa: PLC0415

    from telefonie_mcp.server.run import serve_tenants  # noqa: PLC0415
    from telefonie_mcp.server.tenants import TenantServers  # noqa: PLC0415
    from telefonie_mcp.telemetry.logs import configure_logging  # noqa: PLC0415

    def redact(servers: TenantServers) -> None:
        hidden = [*settings.secrets, *servers.secrets]
        configure_logging(settings.log_level, settings.log_format, hidden)

    servers = TenantServers.from_settings(settings, changed=redact)
    _collect_garbage()
    with _telemetry(settings) as metrics:
        servers.metrics = metrics
        anyio.run(serve_tenants, servers, address)
    sys.exit(0)


def _collect_garbage() -> None:
    """Collect from now on, but nothing that is there already."""
    gc.freeze()
    gc.enable()


def _telemetry(settings: Settings) -> "AbstractContextManager[Metrics | None]":
    """Return what collects spans and metrics, if the operator asks for them."""
    metrics = settings.metrics
    if not metrics and not any(name.startswith("OTEL_") for name in os.environ):
        return nullcontext()
    from telefonie_mcp.telemetry.setup import asked_for, collecting  # noqa: PLC0415

    if not asked_for(os.environ, prometheus=bool(metrics)):
        return nullcontext()
    return collecting(os.environ, (metrics.host, metrics.port) if metrics else None, __version__)


@cli.command(short_help="Buy and release a number in a sandbox.")
def demo() -> None:
    """Play the whole life of a phone number through a real MCP client, on a sandbox of its own."""
    import anyio  # noqa: PLC0415

    from telefonie_mcp.cli.demo import play  # noqa: PLC0415

    anyio.run(play)
