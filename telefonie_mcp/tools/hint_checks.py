"""Checks that hints refer to what exists: a mistake in them stops the start, and not a later call; pure."""

import re

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.hints import ResourceHint
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.formats import DERIVATIONS, FORMATS

__all__ = ["check_hints"]


def check_hints(catalog: Catalog, tool: Tool) -> None:
    """Raise :class:`DocumentError` for hints that refer to something that does not exist."""
    hints, where = tool.hints, f"hints of {tool.operation.id}"
    arguments = {binding.argument for binding in tool.bindings}
    named = {*hints.arguments, *filter(None, [hints.subject])}
    if unknown := named - arguments:
        raise DocumentError(
            f"{where}: {', '.join(sorted(unknown))} is no argument of {tool.name}; "
            "a document that differs can bring its own x-telefonie-hints"
        )
    if hints.resource:
        _check_resource(tool, hints.resource, where)
    if hints.ceiling in arguments:
        raise DocumentError(f"{where}: {tool.name} has an argument {hints.ceiling} of its own")
    if unknown := set(tool.formats.values()) - FORMATS.keys():
        raise DocumentError(f"{where}: unknown format {', '.join(sorted(unknown))}")
    for read in filter(None, (hints.preview, hints.settle)):
        target = next((t for t in catalog if t.operation.id == read.operation), None)
        if target is None or not target.read_only or target.document is not tool.document:
            raise DocumentError(f"{where}: {read.operation} is no GET operation of the same document")
        if unknown := read.arguments.keys() - target.input_schema["properties"].keys():
            raise DocumentError(f"{where}: {', '.join(sorted(unknown))} is no argument of {target.name}")
        for source in filter(lambda value: isinstance(value, str), read.arguments.values()):
            argument, _, derivation = str(source).partition("|")
            if argument not in arguments or (derivation and derivation not in DERIVATIONS):
                raise DocumentError(f"{where}: cannot derive {source!r}")


def _check_resource(tool: Tool, exposed: ResourceHint, where: str) -> None:
    properties = tool.input_schema["properties"]
    pages = {exposed.pages.page, exposed.pages.size} if exposed.pages else set[str]()
    named = {*re.findall(r"{(\w+)}", exposed.uri), *exposed.arguments, *pages}
    if not tool.read_only or named - properties.keys():
        raise DocumentError(
            f"{where}: only a read can be the resource {exposed.uri}, and only with its own arguments"
        )
