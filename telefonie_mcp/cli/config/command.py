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
from telefonie_mcp.cli.terminal import agreed, say
from telefonie_mcp.text import clean_line

if TYPE_CHECKING:
    from telefonie_mcp.cli.config.clients import ClientProfile
    from telefonie_mcp.cli.config.entry import Configuration
    from telefonie_mcp.cli.config.files import ConfigFile
    from telefonie_mcp.cli.config.launch import Launch
    from telefonie_mcp.settings.fields import Settings

__all__ = ["config"]

_UNASKED = "Add --yes to write without being asked."
_MAX_NAMES = 1000
"""Characters of the names of what an entry keeps."""


@click.command(epilog=f"CLIENT is one of {', '.join(CLIENTS)}.")
@click.argument("client", metavar="CLIENT", type=click.Choice(tuple(CLIENTS)))
@click.option("--write", is_flag=True, help="Merge it into the client's file, after showing the difference.")
@click.option("--replace", is_flag=True, help="Write it so that the entry says exactly what is asked.")
@click.option("--remove", is_flag=True, help="Remove this server's entry from the client's file.")
@click.option("--project", is_flag=True, help="The file of the project in this directory, not the user's.")
@click.option("--yes", is_flag=True, help="With --write, --replace or --remove: do not ask.")
@click.option("--with-key", is_flag=True, help="Let the API key and other secrets themselves stand in it.")
@click.pass_obj
def config(
    flags: dict[str, Any],
    *,
    client: str,
    write: bool,
    replace: bool,
    remove: bool,
    project: bool,
    yes: bool,
    with_key: bool,
) -> None:
    """Print what CLIENT must be told to start this server.

    The settings now in force go along. Secrets are referred to where the client can do that, and otherwise
    left to you. --write keeps everything else in the client's file, says which settings of an earlier entry
    stay, and leaves a backup beside it.
    """
    from telefonie_mcp.cli.config.entry import build_configuration  # noqa: PLC0415
    from telefonie_mcp.cli.config.launch import settings_as_variables  # noqa: PLC0415
    from telefonie_mcp.settings.reading import read_settings  # noqa: PLC0415

    writes = write or replace or remove
    if yes and not writes:
        raise click.UsageError("--yes answers the question of --write, and there is none.")
    if remove and (replace or with_key):
        raise click.UsageError("--remove goes without --replace and --with-key.")
    profile = CLIENTS[client]
    path = _project_file(profile, with_key=with_key) if project else None
    path = path or Path(config_file(profile, sys.platform, os.environ))
    if remove:
        _remove(path, profile, yes=yes)
        return
    settings = read_settings(os.environ, flags)
    variables = settings_as_variables(settings)
    configuration = build_configuration(profile, _this_installation(), variables, with_key=with_key)
    _explain_missing_files(settings)
    if settings.http:
        _note("TELEFONIE_HTTP is left out: the client starts the server over stdio.")
    if with_key and variables.secret:
        where = path if writes else "it"
        _note(f"{', '.join(variables.secret)} is in it in plain text: whoever can read {where} can use it.")
    _explain_references(configuration)
    if project:
        _note("The paths in it are those of this machine: whoever shares the project needs their own.")
    if writes:
        _write(path, configuration, yes=yes, private=with_key, replace=replace)
        return
    click.echo(configuration.text, nl=False)
    if configuration.missing:
        _note(
            f"{profile.title} can refer to no secret: replace what stands for "
            f"{', '.join(configuration.missing)}, "
            "or put the key into a file and set TELEFONIE_API_KEY_FILE instead."
        )
    _note(f"It belongs in {path}; --write merges it into that file.")


def _explain_missing_files(settings: "Settings") -> None:
    """Name the files that the server will want to read, and that are not there."""
    from telefonie_mcp.cli.config.launch import absolute  # noqa: PLC0415

    files = {"API_KEY_FILE": settings.api_key_file, "SPEC_CREDENTIALS": settings.spec_credentials}
    for name, file in [*files.items(), *(("SPEC", each) for each in settings.spec)]:
        if file and not absolute(file).is_file():
            _note(
                f"TELEFONIE_{name}: there is no file {absolute(file)}. The server does not start without it."
            )


def _explain_references(configuration: "Configuration") -> None:
    """Say where the secrets come from that the configuration refers to."""
    title, names = configuration.client.title, ", ".join(configuration.references)
    if names and configuration.client.asks:
        _note(f"{title} asks for {names} once, and keeps it.")
    elif names:
        _note(f"Start {title} where {names} is set; it is not in the file.")


def _project_file(profile: "ClientProfile", *, with_key: bool) -> Path:
    """Return the file of the project in this directory."""
    if profile.project is None:
        known = ", ".join(name for name, each in CLIENTS.items() if each.project)
        raise click.UsageError(f"{profile.title} has no file for one project; {known} have.")
    if with_key:
        raise click.UsageError("A project's file is shared, so --with-key does not go with --project.")
    return Path.cwd() / profile.project


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


def _write(path: Path, configuration: "Configuration", *, yes: bool, private: bool, replace: bool) -> None:
    from telefonie_mcp.cli.config.files import ConfigFile  # noqa: PLC0415
    from telefonie_mcp.cli.config.masking import without_secrets  # noqa: PLC0415
    from telefonie_mcp.cli.config.merging import MergeError, kept, merged  # noqa: PLC0415

    file = ConfigFile.read(path)
    old = file.text
    try:
        new = merged(old, configuration, replace=replace)
        stays = [] if replace else kept(old, configuration)
    except MergeError as error:
        _note(f"This is what it would have to say:\n\n{without_secrets(configuration.text)}")
        raise MergeError(f"{path} was not changed: {error}") from error
    if stays:
        names = clean_line(", ".join(stays), _MAX_NAMES)
        _note(f"The entry keeps what it said besides: {names}. --replace leaves that out.")
    if new == old:
        _note(f"{path} says so already.")
        if private and file.exposed:
            file.make_private()
            _note("Others could read it; only you can now.")
        return
    _change(path, file, new, yes=yes, private=private, title=configuration.client.title)


def _remove(path: Path, profile: "ClientProfile", *, yes: bool) -> None:
    from telefonie_mcp.cli.config.files import ConfigFile  # noqa: PLC0415
    from telefonie_mcp.cli.config.merging import MergeError, removed  # noqa: PLC0415

    file = ConfigFile.read(path)
    try:
        new = removed(file.text, profile)
    except MergeError as error:
        raise MergeError(f"{path} was not changed: {error}") from error
    if new == file.text:
        _note(f"{path} has no entry of this server.")
        return
    _change(path, file, new, yes=yes, private=False, title=profile.title)


def _change(path: Path, file: "ConfigFile", new: str, *, yes: bool, private: bool, title: str) -> None:
    """Show a difference, ask, and write the new content."""
    from telefonie_mcp.cli.config.masking import difference  # noqa: PLC0415

    for line in difference(file.text, new, str(path)):
        click.secho(line, fg={"+": "green", "-": "red"}.get(line[:1]), err=True)
    if not (yes or agreed(f"Change {path}?", "Nothing was written", remedy=_UNASKED, err=True)):
        sys.exit(1)
    backup = file.replace(new, private=private)
    _note(f"{path} is written{f'; what it said before is in {backup}' if backup else ''}.")
    _note(f"Restart {title}, or reload its servers.")


def _note(text: str) -> None:
    if "\n" in text:
        click.echo(text, err=True)
    else:
        say(text, err=True)
