"""The command line. Heavy imports happen inside the commands, so that ``--help`` is instant."""

import csv
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn, get_args

import click

from telefonie_mcp import __version__
from telefonie_mcp.cli_inbound import COMMANDS
from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.ledger.records import State
from telefonie_mcp.settings import Settings, read_settings

if TYPE_CHECKING:
    from telefonie_mcp.app import App

__all__ = ["SECRETS", "main"]

_COLUMNS: Final = (
    "id",
    "created",
    "updated",
    "account",
    "caller",
    "tool",
    "subject",
    "state",
    "monthly_rate",
    "reason",
    "arguments",
)
_PROGRAM: Final = "telefonie-mcp"
SECRETS: Final = frozenset({"api_key", "ledger", "state_keys"})


def main() -> NoReturn:
    """Run the command line; mistakes in settings and documents end it with one sentence and status 2."""
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
    """Imports what a command of another module needs when that command is named."""

    modules: Final = {"config": "telefonie_mcp.clients.command", "doctor": "telefonie_mcp.doctor.command"}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), *self.modules])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command that is called so."""
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
        _serve(_configure(flags))


def _configure(flags: dict[str, Any], **forced: Any) -> Settings:
    from telefonie_mcp.logs import configure_logging  # noqa: PLC0415

    settings = read_settings(os.environ, {**flags, **forced})
    configure_logging(settings.log_level, settings.log_format, settings.secrets)
    return settings


def _app(settings: Settings) -> "App":
    from telefonie_mcp.app import App  # noqa: PLC0415

    return App.from_settings(settings)


def _serve(settings: Settings) -> NoReturn:
    gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of the start
    import anyio  # noqa: PLC0415

    from telefonie_mcp.serve import serve_http, serve_stdio  # noqa: PLC0415

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
    from telefonie_mcp.server import tool_definition  # noqa: PLC0415

    catalog = _app(_configure(flags)).catalog
    listed = [
        tool_definition(tool).model_dump(mode="json", by_alias=True, exclude_none=True) for tool in catalog
    ]
    if as_json:
        click.echo(json.dumps({"tools": listed}, ensure_ascii=False, indent=2))
        return
    total = 0
    for tool, definition in zip(catalog, listed, strict=True):
        tokens = len(json.dumps(definition, ensure_ascii=False, separators=(",", ":")).encode()) // 4
        total += tokens
        kind = "reads" if tool.read_only else "needs confirm" if tool.destructive else "writes"
        click.echo(f"{tool.name:<26} {kind:<14} {tokens:>5} tokens  {tool.title}")
    click.echo(f"{'total':<26} {'':<14} {total:>5} tokens")


@cli.command()
@click.argument("tool")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json", "json_arguments", metavar="JSON", help="Arguments as one JSON object.")
@click.pass_obj
def call(flags: dict[str, Any], tool: str, arguments: Sequence[str], json_arguments: str | None) -> None:
    """Call one TOOL as an agent would, and print its result.

    Ends with status 1 when the tool answers with an error. telefonie-mcp tools lists the tools.
    """
    import anyio  # noqa: PLC0415

    from telefonie_mcp.errors import ToolError  # noqa: PLC0415
    from telefonie_mcp.signals import ending_on_signal  # noqa: PLC0415
    from telefonie_mcp.tools.approval import CommandLine  # noqa: PLC0415

    app = _app(_configure(flags))
    given = _arguments(app.catalog[tool].input_schema, arguments, json_arguments)

    async def run() -> tuple[dict[str, Any], int] | None:
        answer = None
        with anyio.CancelScope() as scope:
            async with ending_on_signal(app.calls.drain, scope.cancel):
                try:
                    answer = (await app.calls.call(tool, given, CommandLine())).content, 0
                except ToolError as error:
                    answer = error.as_dict(), 1
        await app.aclose()
        return answer

    if (answer := anyio.run(run)) is None:
        raise click.Abort
    content, status = answer
    click.echo(json.dumps(content, ensure_ascii=False, indent=2))
    sys.exit(status)


def _arguments(schema: dict[str, Any], pairs: Sequence[str], text: str | None) -> dict[str, Any]:
    """Return the arguments of ``NAME=VALUE`` pairs, read as their schema's type, over those of ``text``."""
    try:
        given: Any = json.loads(text) if text else {}
    except ValueError as error:
        raise click.BadParameter(f"is not JSON: {error}", param_hint="--json") from error
    if not isinstance(given, dict):
        raise click.BadParameter("is not a JSON object", param_hint="--json")
    named = set[str]()
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="arguments")
        if name in named:
            raise click.BadParameter(f"{name} is given twice", param_hint="arguments")
        named.add(name)
        textual = schema["properties"].get(name, {}).get("type", "string") == "string"
        given[name] = value if textual else _value(value)
    return given  # pyright: ignore[reportUnknownVariableType] - JSON


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@cli.command()
def demo() -> None:
    """Play the whole life of a phone number through a real MCP client, on a sandbox of its own."""
    import anyio  # noqa: PLC0415

    from telefonie_mcp.demo import play  # noqa: PLC0415

    anyio.run(play)


@cli.group(invoke_without_command=True, commands=COMMANDS)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Serve the sandbox on this loopback port (0: any)."
)
@click.option("--reset", is_flag=True, help="Empty the sandbox first; without --port, only that.")
@click.option("--sandbox-db", metavar="SANDBOX_DB", help=Settings.model_fields["sandbox_db"].description)
@click.pass_context
def sandbox(context: click.Context, *, port: int | None, reset: bool, sandbox_db: str | None) -> None:
    """Serve the sandbox alone, as an API on a socket, or empty it.

    Every API key of 8 to 128 letters, digits, - and _ opens an account of its own.
    """
    flags = {**context.obj, **({"sandbox_db": sandbox_db} if sandbox_db else {})}
    if context.invoked_subcommand:
        if port is not None or reset:
            raise click.UsageError("--port and --reset go without a command.")
        context.obj = flags
        return
    import anyio  # noqa: PLC0415

    from telefonie_mcp.sandbox import SandboxError  # noqa: PLC0415
    from telefonie_mcp.sandbox import reset as empty  # noqa: PLC0415
    from telefonie_mcp.serve import serve_sandbox  # noqa: PLC0415
    from telefonie_mcp.settings import Address  # noqa: PLC0415

    if port is None and not reset:
        raise click.UsageError("Say --port N to serve the sandbox, or --reset to empty it.")
    settings = _configure(flags, sandbox=True)
    database = settings.sandbox_database
    try:
        if reset:
            empty(database)
            _forget(settings)
            click.echo(f"The sandbox in {database} is empty.", err=True)
        if port is not None:
            anyio.run(serve_sandbox, database, Address(host="127.0.0.1", port=port))
    except SandboxError as error:
        raise TelefonieError(str(error)) from error


@sandbox.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("move", required=False, metavar="[+3d|+12h|+30m|reset]")
@click.pass_obj
def clock(flags: dict[str, Any], move: str | None) -> None:
    """Show the sandbox's clock, move it forward, or return to the real time.

    What falls due on the way, such as a port, happens at its own time.
    """
    from telefonie_mcp.sandbox import SandboxError, move_clock, reset_clock  # noqa: PLC0415
    from telefonie_mcp.sandbox import clock as read_clock  # noqa: PLC0415
    from telefonie_mcp.sandbox.clocks import distance  # noqa: PLC0415

    database = _configure(flags, sandbox=True).sandbox_database
    try:
        if move is None:
            now = read_clock(database)
        elif move == "reset":
            now = reset_clock(database)
        else:
            now = move_clock(database, distance(move))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except SandboxError as error:
        raise TelefonieError(str(error)) from error
    click.echo(f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _forget(settings: Settings) -> None:
    """Remove the ledger's entries about the sandbox, which have lost their object."""
    from telefonie_mcp.app import SANDBOX_ACCOUNT  # noqa: PLC0415
    from telefonie_mcp.ledger.store import Ledger  # noqa: PLC0415

    ledger = Ledger.open(settings.ledger_url)
    ledger.forget(SANDBOX_ACCOUNT)
    ledger.close()


@cli.command()
@click.option("--json", "form", flag_value="json", help="One JSON object a line.")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values with a header.")
@click.option("--number", "subject", metavar="NUMBER", help="Only writes about this number, in E.164.")
@click.option("--tool", metavar="TOOL", help="Only writes by this tool.")
@click.option("--state", type=click.Choice(get_args(State)), help="Only writes in this state.")
@click.option("--since", type=click.DateTime(), help="Only writes since this time, in UTC.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@click.pass_obj
def log(flags: dict[str, Any], *, form: str | None, since: datetime | None, **filters: Any) -> None:
    """Show the ledger: what was bought, changed and released, newest first."""
    from telefonie_mcp.ledger.store import Ledger  # noqa: PLC0415

    ledger = Ledger.open(_configure(flags).ledger_url)
    try:
        entries = ledger.recent(since=since and since.replace(tzinfo=UTC), **filters)
    finally:
        ledger.close()
    rows = [entry.as_dict() for entry in entries]
    if form == "json":
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row in rows:
            said = {name: _no_formula(row.get(name, "")) for name in ("caller", "reason")}
            shown = {**row, **said, "arguments": json.dumps(row["arguments"])}
            writer.writerow([shown.get(column, "") for column in _COLUMNS])
    else:
        for row in rows:
            rate = f"{row['monthly_rate']} per month" if "monthly_rate" in row else ""
            click.echo(
                f"{row['id']:>5}  {row['created'][:19]}  {row['state']:<10} {row['tool']:<20} "
                f"{row['subject']:<16} {rate:<16} {row['caller']}  {row.get('reason', '')}".rstrip()
            )
        if not rows:
            click.echo("The ledger holds no such entry.", err=True)


def _no_formula(text: str) -> str:
    """Return text that a spreadsheet shows and does not compute; others chose it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
