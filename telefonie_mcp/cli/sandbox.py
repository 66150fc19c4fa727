"""``telefonie-mcp sandbox``: serves, empties and drives the embedded sandbox."""

import os
import sys
from functools import partial
from typing import Any, Final

import click

from telefonie_mcp.cli.environment import sandbox_errors, sandbox_settings
from telefonie_mcp.cli.inbound import COMMANDS
from telefonie_mcp.cli.terminal import columns_of, interactive, paragraph, say
from telefonie_mcp.settings.fields import Settings

__all__ = ["sandbox"]

_ACCOUNT: Final = "account-1"
"""The key that is suggested."""

_CONTRARY: Final = ("TELEFONIE_SANDBOX", "TELEFONIE_SANDBOX_DB", "TELEFONIE_API_KEY_FILE")
"""Variables that contradict the address of a sandbox on a socket."""


@click.group(
    invoke_without_command=True, commands=COMMANDS, short_help="Serve, empty or drive the sandbox alone."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N", help="Serve on this loopback port; 0 takes any."
)
@click.option("--verbose", is_flag=True, help="With --port: a line on stderr for each request.")
@click.option("--reset", is_flag=True, help="Empty the sandbox first; without --port, only that.")
@click.option("--yes", is_flag=True, help="With --reset: do not ask.")
@click.option("--sandbox-db", metavar="FILE", help=Settings.model_fields["sandbox_db"].description)
@click.pass_context
def sandbox(
    context: click.Context, *, port: int | None, verbose: bool, reset: bool, yes: bool, sandbox_db: str | None
) -> None:
    """Serve the sandbox alone, as an API on a socket, or empty it.

    Every API key of 8 to 128 letters, digits, - and _ opens an account of its own. --reset takes the
    sandbox's entries in the ledger along, says what it empties, and asks on a terminal.
    """
    flags = {**context.obj, **({"sandbox_db": sandbox_db} if sandbox_db else {})}
    if context.invoked_subcommand:
        if port is not None or reset:
            raise click.UsageError("--port and --reset go without a command.")
        context.obj = flags
        return
    if port is None and not reset:
        raise click.UsageError("Say --port N to serve the sandbox, or --reset to empty it.")
    if verbose and port is None:
        raise click.UsageError("--verbose is about the requests to --port.")
    if yes and not reset:
        raise click.UsageError("--yes answers the question of --reset, and there is none.")
    settings = sandbox_settings(flags)
    with sandbox_errors():
        if reset:
            from telefonie_mcp.cli.reset import reset_sandbox  # noqa: PLC0415

            reset_sandbox(settings, ask=interactive() and not yes)
        if port is not None:
            _serve(settings.sandbox_database, port, verbose=verbose)


def _serve(database: str, port: int, *, verbose: bool) -> None:
    import anyio  # noqa: PLC0415

    from telefonie_mcp.cli.requests import ShowRequests  # noqa: PLC0415
    from telefonie_mcp.server.run_http import serve_sandbox  # noqa: PLC0415
    from telefonie_mcp.settings.types import Address  # noqa: PLC0415

    def around(app: Any) -> Any:
        return ShowRequests(app, partial(say, err=True)) if verbose else app

    address = Address(host="127.0.0.1", port=port)
    anyio.run(partial(serve_sandbox, database, address, ready=_show_exports, around=around))


def _show_exports(url: str) -> None:
    """Print what makes a server in another terminal use the sandbox, so that a shell can read it."""
    columns = columns_of(sys.stdout)
    lines = paragraph("The sandbox as if it were the live API; in another terminal:", columns, "# ", "# ")
    if there := [name for name in _CONTRARY if os.environ.get(name)]:
        lines.append(f"unset {' '.join(there)}")
    lines += [f"export TELEFONIE_API_KEY={_ACCOUNT}", f"export TELEFONIE_BASE_URL={url}"]
    more = "Every other key of 8 to 128 letters, digits, - and _ opens another account. Ctrl+C stops."
    click.echo("\n".join([*lines, *paragraph(more, columns, "# ", "# ")]))


@sandbox.command(
    short_help="Show or move the sandbox's clock.",
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("move", required=False, metavar="[+3d|+12h|+30m|reset]")
@click.pass_obj
def clock(flags: dict[str, Any], move: str | None) -> None:
    """Show the sandbox's clock, move it forward, or return to the real time.

    What falls due on the way, such as a port, happens at its own time.
    """
    from telefonie_mcp.sandbox import clock as read_clock  # noqa: PLC0415
    from telefonie_mcp.sandbox import move_clock, reset_clock  # noqa: PLC0415
    from telefonie_mcp.sandbox.clocks import distance  # noqa: PLC0415

    database = sandbox_settings(flags).sandbox_database
    try:
        with sandbox_errors():
            if move is None:
                now = read_clock(database)
            elif move == "reset":
                now = reset_clock(database)
            else:
                now = move_clock(database, distance(move))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{now:%Y-%m-%d %H:%M:%S} UTC")
