"""``telefonie-mcp config CLIENT``: configuration on stdout, what a person must know on stderr."""

import json
import os
import re
import shutil
import sys
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from telefonie_mcp.cli.config.clients import CLIENTS, config_file

if TYPE_CHECKING:
    from telefonie_mcp.cli.config.entry import Configuration
    from telefonie_mcp.cli.config.launch import Launch

__all__ = ["config", "without_secrets"]

_SECRET: Final = re.compile(
    r"""([\w.-]*(?:KEY|TOKEN|SECRET|PASSW|AUTH|LEDGER)(?![\w.-]*_FILE)[\w.-]*["']?\s*[:=]\s*)"""
    r"""(["'])(?!\$\{[^{}"']*\}\2|\2)(?:\\.|(?!\2).)*""",
    re.IGNORECASE,
)
"""A name that promises a secret, and its value, unless that does nothing but refer to something."""

_INSIDE: Final = re.compile(
    r"""((["'])[^"']*(?:KEY|TOKEN|SECRET|PASSW|AUTH)(?![\w.-]*[_-]FILE)[\w.-]*\s*[=:]\s*)(?!\$\{[^{}"']*\}\2)[^"']+""",
    re.IGNORECASE,
)
"""A string that holds both, such as the argument ``--api-key=…`` or the header ``Authorization: …``."""


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
    told = settings_as_variables(settings)
    made = build_configuration(CLIENTS[client], _this_installation(), told, with_key=with_key)
    path = Path(config_file(CLIENTS[client], sys.platform, os.environ))
    if settings.http:
        _note("TELEFONIE_HTTP is left out: the client starts the server over stdio.")
    if with_key and told.secret:
        where = path if write else "it"
        _note(f"{', '.join(told.secret)} is in it in plain text: whoever can read {where} can use it.")
    if made.references and made.client.asks:
        _note(f"{made.client.title} asks for {', '.join(made.references)} once, and keeps it.")
    elif made.references:
        _note(f"Start {made.client.title} where {', '.join(made.references)} is set; it is not in the file.")
    if write:
        _write(path, made, yes=yes)
        return
    click.echo(made.text, nl=False)
    if made.missing:
        _note(
            f"{made.client.title} can refer to no secret: replace what stands for "
            f"{', '.join(made.missing)}, or put the key into a file and set TELEFONIE_API_KEY_FILE instead."
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


def _write(path: Path, made: "Configuration", *, yes: bool) -> None:
    from telefonie_mcp.cli.config.files import ConfigFile  # noqa: PLC0415
    from telefonie_mcp.cli.config.merging import MergeError, merged  # noqa: PLC0415

    file = ConfigFile.read(path)
    old = file.text
    try:
        new = merged(old, made)
    except MergeError as error:
        _note(f"This is what it would have to say:\n\n{without_secrets(made.text)}")
        raise MergeError(f"{path} was not changed: {error}") from error
    if new == old:
        _note(f"{path} says so already.")
        return
    names = (str(path), str(path))
    for line in unified_diff(old.splitlines(), new.splitlines(), *names, lineterm=""):
        click.secho(without_secrets(line), fg={"+": "green", "-": "red"}.get(line[:1]), err=True)
    if not yes:
        click.confirm(f"Change {path}?", abort=True, err=True)
    backup = file.replace(new)
    _note(f"{path} is written{f'; what it said before is in {backup}' if backup else ''}.")
    _note(f"Restart {made.client.title}, or reload its servers.")


def without_secrets(text: str) -> str:
    """Return text for a terminal, which scrolls, is recorded, and is shared with others."""
    return _INSIDE.sub(r"\1**********", _SECRET.sub(r"\1\2**********", text))


def _note(text: str) -> None:
    click.echo(text, err=True)
