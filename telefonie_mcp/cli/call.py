"""``telefonie-mcp call``: makes one tool call, through the same pipeline as an agent's."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from telefonie_mcp.cli.environment import settings_in_force
from telefonie_mcp.errors import ToolError

__all__ = ["call"]


@click.command()
@click.argument("tool")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--json", "json_arguments", metavar="JSON", help="Arguments as one JSON object.")
@click.pass_obj
def call(flags: dict[str, Any], tool: str, arguments: Sequence[str], json_arguments: str | None) -> None:
    """Call one TOOL as an agent would, and print its result.

    Ends with status 1 when the tool answers with an error. telefonie-mcp tools lists the tools.
    """
    import anyio  # noqa: PLC0415

    from telefonie_mcp.app import App  # noqa: PLC0415
    from telefonie_mcp.calls.approval import CommandLine  # noqa: PLC0415
    from telefonie_mcp.ledger.files import file_warnings  # noqa: PLC0415
    from telefonie_mcp.server.signals import ending_on_signal  # noqa: PLC0415

    app = App.from_settings(settings_in_force(flags))
    for sentence in file_warnings(app.settings.ledger_url, app.settings.secret_files):
        click.echo(sentence, err=True)
    given = _arguments(app.catalog[tool].input_schema, arguments, json_arguments)

    async def run() -> tuple[dict[str, Any], int] | None:
        answer = None
        with anyio.CancelScope() as scope:
            async with ending_on_signal(app.pipeline.drain, scope.cancel):
                try:
                    answer = (await app.pipeline.call(tool, given, CommandLine())).content, 0
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
    """Return the arguments of the JSON ``text``, overridden by the ``NAME=VALUE`` pairs.

    A value is read as JSON unless its schema's type is string.
    """
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
