"""The tools of one document together: names, secrets, what is left out, and how large they are; pure."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.openapi.omissions import LeftOut, Omissions, TooMuchError, nothing_left
from telefonie_mcp.openapi.operation import Operation
from telefonie_mcp.openapi.sizes import MAX_SCHEMA, SharedSchemas
from telefonie_mcp.tools.catalog import Tool, member_name
from telefonie_mcp.tools.naming import plain_name, tool_name, unique_name

__all__ = [
    "Derived",
    "Limits",
    "by_name",
    "derive_all",
    "place_of",
    "with_secret_names",
    "without_dependents",
]

_MAX_TOOLS: Final = 4 * 1024 * 1024
"""Bytes of the schemas and descriptions of one document's tools, which ``tools/list`` sends at once."""

_MAX_UNFITTED: Final = 16 * 1024 * 1024
"""Bytes of the same, before the largest schemas are opened: more than a document of a provider has."""


class Limits(NamedTuple):
    """How many bytes the schemas of a tool may have; what would make them larger is open in them."""

    input: int = MAX_SCHEMA
    output: int = MAX_SCHEMA


_LIMITS: Final = tuple(
    Limits(MAX_SCHEMA >> halvings, MAX_SCHEMA >> halvings + further)
    for halvings in range(7)
    for further in (1, 2)
)
"""Limits for documents whose tools are too large together: what agents write is worth more than answers."""

Make = Callable[[Document, Operation, str, SharedSchemas, Limits], Tool]


class Derived(NamedTuple):
    """The tools of a document in document order, and what is left out."""

    tools: Sequence[Tool]
    left_out: Sequence[LeftOut]
    notes: Sequence[str]


def place_of(document: Document, operation: Operation) -> str:
    """Return file, method and path of an operation, for messages."""
    return f"{document.name}: {operation.method} {operation.path}"


def derive_all(document: Document, taken: Container[str], make: Make) -> Derived:
    """Return the tools of ``document``.

    Args:
        document: The document.
        taken: The names of tools of other documents.
        make: Derives a tool from document, operation, name and limits.

    Raises:
        DocumentError: nothing is left of the document, or its tools together are too large.

    """
    shared = SharedSchemas()
    omissions = Omissions(document.name)
    tools: dict[str, Tool] = {}
    total = 0
    names = _Names(tools, taken, frozenset(map(tool_name, document.reserved)))
    for operation in document.operations:
        name = unique_name(operation, document.id, names, own=tools)
        place = place_of(document, operation)
        derive = partial(make, document, operation, name, shared, Limits())
        tool = omissions.attempt(operation.id, place, derive)
        if tool is None:
            continue
        tools[name] = tool
        total += _size(tool, shared)
        if total > _MAX_UNFITTED:
            raise _too_large(tool)
        if name != (plain := plain_name(operation)):
            omissions.note(f"another tool is called {plain}; this one is {name}")
    if omissions.left_out and not tools:
        raise nothing_left(omissions.left_out)
    fitted = _fitted(document, list(tools.values()), shared, make)
    return Derived(fitted, omissions.left_out, [*omissions.notes])


class _Names:
    """Names that a tool cannot have."""

    def __init__(self, *parts: Container[str]) -> None:
        self._parts = parts

    def __contains__(self, name: Any) -> bool:
        return any(name in part for part in self._parts)


def _fitted(document: Document, tools: list[Tool], shared: SharedSchemas, make: Make) -> list[Tool]:
    """Return the tools with as little left open as makes them fit together."""
    for limits in _LIMITS:
        if sum(_size(tool, shared) for tool in tools) <= _MAX_TOOLS:
            return tools
        for index, tool in enumerate(tools):
            too_large = shared.size(tool.input_schema) > limits.input
            if too_large or shared.size(tool.output_schema) > limits.output:
                try:
                    tools[index] = make(document, tool.operation, tool.name, shared, limits)
                except DocumentError:  # too many arguments for this limit, though not for the tool's own
                    smaller = Limits(MAX_SCHEMA, limits.output)
                    tools[index] = make(document, tool.operation, tool.name, shared, smaller)
    total = 0
    for tool in tools:
        total += _size(tool, shared)
        if total > _MAX_TOOLS:
            raise _too_large(tool)
    return tools


def _size(tool: Tool, shared: SharedSchemas) -> int:
    return sum(map(shared.size, (tool.input_schema, tool.output_schema, tool.description)))


def _too_large(tool: Tool) -> TooMuchError:
    operation = tool.operation
    return TooMuchError(
        f"{tool.document.title}: {operation.method} {operation.path}: its tool, or those of the document "
        "together, are too large even with open arguments"
    )


def without_dependents(
    tools: Sequence[Tool], left_out: Iterable[LeftOut]
) -> tuple[list[Tool], list[LeftOut]]:
    """Return the tools of a document that need no operation which is left out, and the others as left out.

    A write whose preview or outcome cannot be read as its hints say is not safe.
    """
    kept = [*tools]
    gone = {each.operation for each in left_out}
    dependents: list[LeftOut] = []
    while dependent := next((tool for tool in kept if _needs(tool) & gone), None):
        kept.remove(dependent)
        reason = f"its hints need {', '.join(sorted(_needs(dependent) & gone))}, which is left out"
        place = place_of(dependent.document, dependent.operation)
        dependents.append(LeftOut(dependent.operation.id, place, reason))
        gone.add(dependent.operation.id)
    return kept, dependents


def _needs(tool: Tool) -> set[str]:
    return {read.operation for read in (tool.hints.preview, tool.hints.settle) if read}


def by_name(left_out: Iterable[LeftOut], tools: Container[str]) -> dict[str, LeftOut]:
    """Return what is left out by the names that the tools would have; where another has it, by the place."""
    named: dict[str, LeftOut] = {}
    for each in left_out:
        name = tool_name(each.operation) if each.operation else each.place
        named[each.place if name in named or name in tools else name] = each
    return named


def with_secret_names(document: Document, siblings: Sequence[Tool]) -> list[Tool]:
    """Return the tools of a document with the names that the document hides, without demands on those."""
    secrets = {  # of operations that are left out as well
        member_name(name)
        for hints in document.hints.values()
        for name, hint in hints.arguments.items()
        if hint.secret
    } | {
        member_name(name)
        for each in siblings
        for binding in each.bindings
        if (hint := each.hints.arguments.get(binding.argument)) and hint.secret
        for name in (binding.argument, binding.name)
    }
    subjects = {member_name(each.hints.subject) for each in siblings if each.hints.subject}
    hidden = frozenset(filter(None, secrets))
    named = [
        replace(tool, document_secrets=hidden, document_subjects=frozenset(subjects)) for tool in siblings
    ]
    return [
        replace(tool, output_schema=_with_hidden(tool.output_schema, tool.secret_names)) for tool in named
    ]


def _with_hidden(schema: Any, names: frozenset[str]) -> Any:
    """Return an output schema that accepts what stands for a secret, whatever the document demands there."""
    if not names:
        return schema
    if isinstance(schema, list):
        return [_with_hidden(each, names) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _with_hidden(value, names) for key, value in cast("dict[str, Any]", schema).items()}
    if isinstance(properties := kept.get("properties"), dict):
        kept["properties"] = {
            name: {} if member_name(name) in names else member
            for name, member in cast("dict[str, Any]", properties).items()
        }
    return kept
