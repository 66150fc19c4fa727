"""Shell completion of tools, their arguments and choices; click completes commands and options.

Bash breaks words at ``=``, so an argument may arrive in three parts; zsh and fish pass it whole. Whatever
fails here suggests nothing: a shell has no place for errors.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import BashComplete, CompletionItem, ZshComplete, add_completion_class

from telefonie_mcp.cli.environment import settings_in_force
from telefonie_mcp.errors import TelefonieError

if TYPE_CHECKING:
    from telefonie_mcp.tools.catalog import Catalog, Tool

__all__ = ["LINES", "complete_argument", "complete_tool", "register"]

LINES = {
    "bash": 'eval "$(_TELEFONIE_MCP_COMPLETE=bash_source telefonie-mcp)"',
    "zsh": 'eval "$(_TELEFONIE_MCP_COMPLETE=zsh_source telefonie-mcp)"',
    "fish": "_TELEFONIE_MCP_COMPLETE=fish_source telefonie-mcp | source",
}
"""Shell → the line that installs completion, for ~/.bashrc, ~/.zshrc and ~/.config/fish/config.fish."""


class _Bash(BashComplete):
    """Completion for Bash that adds no space after ``NAME=``, where the value follows."""

    source_template = BashComplete.source_template.replace(
        "COMPREPLY+=($value)", 'COMPREPLY+=("$value")\n            [[ $value == *= ]] && compopt -o nospace'
    )


class _Zsh(ZshComplete):
    """Completion for zsh that adds no space after ``NAME=``, where the value follows."""

    source_template = (
        ZshComplete.source_template.replace(
            "    local -a response\n", "    local -a response\n    local -a joined\n"
        )
        .replace(
            '        if [[ "$type" == "plain" ]]; then\n',
            '        [[ "$key" == *= ]] && joined=(-S "")\n        if [[ "$type" == "plain" ]]; then\n',
        )
        .replace("completions_with_descriptions -U\n", 'completions_with_descriptions -U "${joined[@]}"\n')
        .replace("compadd -U -V", 'compadd -U "${joined[@]}" -V')
    )


def register() -> None:
    """Make click use the completion of this module."""
    add_completion_class(_Bash)
    add_completion_class(_Zsh)


def complete_tool(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the tools whose name begins so."""
    return [
        CompletionItem(tool.name, help=tool.title)
        for tool in _catalog(context)
        if tool.name.startswith(incomplete)
    ]


def complete_argument(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the arguments that the tool still takes, as ``NAME=``, or the values of one that is begun."""
    tool = next((each for each in _catalog(context) if each.name == context.params.get("tool")), None)
    if tool is None:
        return []
    *before, last = _joined([*context.params.get("arguments", ()), incomplete], tool)
    name, equals, value = last.partition("=")
    if equals:
        whole = f"{name}=" if "=" in incomplete else ""  # Bash wants what stands after the =
        return [CompletionItem(f"{whole}{each}") for each in _values(tool, name, value)]
    given = {each.partition("=")[0] for each in before}
    properties: dict[str, Any] = tool.input_schema["properties"]
    return [
        CompletionItem(f"{each}=", help=schema.get("description"))
        for each, schema in properties.items()
        if each.startswith(last) and (each not in given or schema.get("type") == "array")
    ]


def _joined(words: Sequence[str], tool: "Tool") -> list[str]:
    """Return words with those joined that Bash has broken at ``=``; click drops a last ``=``."""
    joined: list[str] = []
    rest = [*words]
    while rest:
        word = rest.pop(0)
        if rest and rest[0] == "=":
            word = f"{word}=" + (rest[1] if len(rest) > 1 else "")
            rest = rest[2:]
        elif len(rest) == 1 and not rest[0] and word in tool.input_schema["properties"]:
            word, rest = f"{word}=", []
        joined.append(word)
    return joined or [""]


def _values(tool: "Tool", name: str, value: str) -> Iterator[str]:
    schema: dict[str, Any] = tool.input_schema["properties"].get(name, {})
    schema = schema.get("items") or schema if schema.get("type") == "array" else schema
    choices: list[Any] = schema.get("enum", [])
    if schema.get("type") == "boolean":
        choices = ["true", "false"]
    elif not choices and tool.formats.get(name) == "country":
        from telefonie_mcp.numbering.countries import countries  # noqa: PLC0415

        choices = [code for code in countries("") if code.startswith(value.upper())]
        value = ""
    yield from (str(choice) for choice in choices if str(choice).startswith(value))


def _catalog(context: click.Context) -> "Catalog | tuple[()]":
    from telefonie_mcp.app import App  # noqa: PLC0415

    try:
        return App.from_settings(settings_in_force(context.find_root().params)).catalog
    except TelefonieError:
        return ()
