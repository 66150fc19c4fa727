"""``telefonie-mcp config CLIENT``: the configuration on stdout, notes for the user on stderr."""

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from telefonie_mcp.cli.config.clients import CLIENTS, config_file

if TYPE_CHECKING:
    from telefonie_mcp.cli.config.entry import Configuration
    from telefonie_mcp.cli.config.launch import Launch

__all__ = ["config"]


@click.command()
@click.argument("client", type=click.Choice(tuple(CLIENTS)))
@click.option("--write", is_flag=True, help="Merge it into the client's file, after showing the difference.")
@click.option("--yes", is_flag=True, help="With --write: do not ask.")
@click.option("--with-key", is_flag=True, help="Let the API key and other secrets themselves stand in it.")
@click.pass_obj
def config(flags: dict[str, Any], *, client: str, write: bool, yes: bool, with_key: bool) -> None:
    """Print what CLIENT must be told to start this server.

    The settings now in force go along. Secrets are referred to where the client can do that, and otherwise
    left to you. --write keeps everything else in the client's file, and a backup beside it.
    """
    from telefonie_mcp.cli.config.entry import build_configuration  # noqa: PLC0415
    from telefonie_mcp.cli.config.launch import settings_as_variables  # noqa: PLC0415
    from telefonie_mcp.settings.reading import read_settings  # noqa: PLC0415

    if yes and not write:
        raise click.UsageError("--yes answers the question of --write, and there is none.")
    settings = read_settings(os.environ, flags)
    variables = settings_as_variables(settings)
    configuration = build_configuration(CLIENTS[client], _this_installation(), variables, with_key=with_key)
    title = configuration.client.title
    path = Path(config_file(CLIENTS[client], sys.platform, os.environ))
    if settings.http:
        _note("TELEFONIE_HTTP is left out: the client starts the server over stdio.")
    if with_key and variables.secret:
        where = path if write else "it"
        _note(f"{', '.join(variables.secret)} is in it in plain text: whoever can read {where} can use it.")
    if configuration.references and configuration.client.asks:
        _note(f"{title} asks for {', '.join(configuration.references)} once, and keeps it.")
    elif configuration.references:
        _note(f"Start {title} where {', '.join(configuration.references)} is set; it is not in the file.")
    if write:
        _write(path, configuration, yes=yes, private=with_key)
        return
    click.echo(configuration.text, nl=False)
    if configuration.missing:
        _note(
            f"{title} can refer to no secret: replace what stands for {', '.join(configuration.missing)}, "
            "or put the key into a file and set TELEFONIE_API_KEY_FILE instead."
        )
    _note(f"It belongs in {path}; --write merges it into that file.")


def _this_installation() -> "Launch":
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415

    from telefonie_mcp.cli.config.launch import Launch, source_of  # noqa: PLC0415

    origin = None
    with suppress(PackageNotFoundError):
        origin = distribution("telefonie-mcp").read_text("direct_url.json")
    beside = os.path.dirname(os.environ.get("UV", ""))  # noqa: PTH120 - empty stays empty
    return Launch.of(
        script=shutil.which(sys.argv[0]),
        python=sys.executable,
        prefix=sys.prefix,
        uvx=shutil.which("uvx", path=beside) if beside else shutil.which("uvx"),
        source=source_of(json.loads(origin or "{}")),
    )


def _write(path: Path, configuration: "Configuration", *, yes: bool, private: bool) -> None:
    from telefonie_mcp.cli.config.files import ConfigFile  # noqa: PLC0415
    from telefonie_mcp.cli.config.masking import difference, without_secrets  # noqa: PLC0415
    from telefonie_mcp.cli.config.merging import MergeError, merged  # noqa: PLC0415

    file = ConfigFile.read(path)
    old = file.text
    try:
        new = merged(old, configuration)
    except MergeError as error:
        _note(f"This is what it would have to say:\n\n{without_secrets(configuration.text)}")
        raise MergeError(f"{path} was not changed: {error}") from error
    if new == old:
        _note(f"{path} says so already.")
        if private and file.exposed:
            file.make_private()
            _note("Others could read it; only you can now.")
        return
    for line in difference(old, new, str(path)):
        click.secho(line, fg={"+": "green", "-": "red"}.get(line[:1]), err=True)
    if not yes:
        click.confirm(f"Change {path}?", abort=True, err=True)
    backup = file.replace(new, private=private)
    _note(f"{path} is written{f'; what it said before is in {backup}' if backup else ''}.")
    _note(f"Restart {configuration.client.title}, or reload its servers.")


def _note(text: str) -> None:
    click.echo(text, err=True)
