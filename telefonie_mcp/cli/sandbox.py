"""``telefonie-mcp sandbox``: serves, empties and drives the embedded sandbox."""

from typing import Any

import click

from telefonie_mcp.cli.environment import sandbox_errors, sandbox_settings
from telefonie_mcp.cli.inbound import COMMANDS
from telefonie_mcp.settings.fields import Settings

__all__ = ["sandbox"]


@click.group(invoke_without_command=True, commands=COMMANDS)
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

    from telefonie_mcp.sandbox import reset as empty  # noqa: PLC0415
    from telefonie_mcp.server.run import serve_sandbox  # noqa: PLC0415
    from telefonie_mcp.settings.types import Address  # noqa: PLC0415

    if port is None and not reset:
        raise click.UsageError("Say --port N to serve the sandbox, or --reset to empty it.")
    settings = sandbox_settings(flags)
    database = settings.sandbox_database
    with sandbox_errors():
        if reset:
            _delete_ledger_entries(settings)  # first, so that a ledger that cannot be opened changes nothing
            empty(database)
            click.echo(f"The sandbox in {database} is empty.", err=True)
        if port is not None:
            anyio.run(serve_sandbox, database, Address(host="127.0.0.1", port=port))


@sandbox.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
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


def _delete_ledger_entries(settings: Settings) -> None:
    """Delete the sandbox's ledger entries: the numbers that they are about no longer exist."""
    from telefonie_mcp.app import SANDBOX_ACCOUNT  # noqa: PLC0415
    from telefonie_mcp.ledger.store import Ledger  # noqa: PLC0415

    ledger = Ledger.open(settings.ledger_url)
    ledger.forget(SANDBOX_ACCOUNT)
    ledger.close()
