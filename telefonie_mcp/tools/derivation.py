"""OpenAPI documents → catalog; pure and deterministic.

One tool per operation, in document order. Its arguments are the operation's parameters and the members of
its request body in one flat object; a :class:`~telefonie_mcp.openapi.operation.Binding` maps each back to its
place (named in :mod:`~telefonie_mcp.tools.naming`, in the order path, query, header, cookie, body).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import is_object, or_null, without_null
from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.openapi.hints import Hints, ResourceHint, answer_path, reads_of
from telefonie_mcp.openapi.omissions import LeftOut
from telefonie_mcp.openapi.operation import Binding, Operation
from telefonie_mcp.openapi.sizes import SharedSchemas, bounded_input
from telefonie_mcp.tools.catalog import CONFIRM, Catalog, Tool
from telefonie_mcp.tools.document_tools import (
    Limits,
    by_name,
    derive_all,
    with_secret_names,
    without_dependents,
)
from telefonie_mcp.tools.formats import DERIVATIONS, FORMATS
from telefonie_mcp.tools.naming import ArgumentNames, snake_case

__all__ = ["build_catalog"]

_MAX_FLATTENED: Final = 500
"""Members of a body that become arguments; a larger body is one argument."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})
"""Methods that only read (RFC 9110 §9.2.1, OpenAPI 3.2); TRACE repeats the API key in its answer."""

_NO_HINTS: Final = Hints()


def build_catalog(documents: Iterable[Document]) -> Catalog:
    """Return a catalog with one tool per operation; one that cannot become a tool is left out.

    Raises:
        DocumentError: nothing is left of a document, its tools together are too large, or a hint refers to an
            operation, argument or format that does not exist.

    """
    tools: dict[str, Tool] = {}
    left_out: list[LeftOut] = []
    notes: list[str] = []
    for document in documents:
        derived = derive_all(document, tools, _tool)
        gone = [*document.left_out, *derived.left_out]
        kept, dependents = without_dependents(derived.tools, gone)
        tools |= {tool.name: tool for tool in with_secret_names(document, kept)}
        left_out += [*gone, *dependents]
        notes += [*document.notes, *derived.notes]
    catalog = Catalog(tools, left_out=by_name(left_out, tools), notes=tuple(notes))
    for tool in catalog:
        _check_hints(catalog, tool)
    return catalog


def _tool(document: Document, operation: Operation, name: str, shared: SharedSchemas, limits: Limits) -> Tool:
    """Return the tool of ``operation``; what would make a schema larger than its limit is open in it."""
    hints = document.hints.get(operation.id, _NO_HINTS)
    read_only = operation.method in _SAFE if hints.read_only is None else hints.read_only
    destructive = not read_only if hints.destructive is None else hints.destructive
    idempotent = (
        read_only or operation.method in {"PUT", "DELETE"} if hints.idempotent is None else hints.idempotent
    )
    answer = _answer_schema(operation, hints, shared, limits.output)
    listed = _brief_schema(answer) if hints.brief else answer
    strict = document.packaged or hints.relies_on_answers or operation.id in reads_of(document.hints)
    bindings = tuple(_bind(operation, destructive=destructive))
    what = operation.description or operation.summary or f"{operation.method} {operation.path}"
    words = [what if what.endswith(".") else f"{what}.", hints.description]
    if operation.deprecated:
        words.insert(0, "Deprecated: use it only if nothing else does the same.")
    if destructive:
        words.append("Without confirm=true nothing is done and you get a preview.")
    return Tool(
        name=name,
        title=operation.summary or snake_case(operation.id).replace("_", " ").capitalize(),
        description=" ".join(filter(None, words)),
        input_schema=bounded_input(
            _input_schema(bindings, hints, destructive=destructive),
            shared,
            limits.input,
            f"{document.title}: {operation.method} {operation.path}",
        ),
        output_schema=listed if strict else _described(listed),
        answer_schema=answer,
        read_only=read_only,
        destructive=destructive,
        idempotent=idempotent,
        operation=operation,
        document=document,
        hints=hints,
        bindings=bindings,
        strict=strict,
    )


def _bind(operation: Operation, *, destructive: bool) -> Iterator[Binding]:
    names = ArgumentNames({CONFIRM} if destructive else ())
    for parameter in operation.parameters:
        name = names.unique(parameter.name, parameter.location)
        yield Binding(name, parameter.required, parameter.schema, parameter, parameter.name)
    if operation.body is None:
        return
    schema = operation.body.schema
    if _can_be_flattened(schema):
        required = schema.get("required", ()) if operation.body.required else ()
        for member, member_schema in schema["properties"].items():
            given = without_null(member_schema)  # which counts as absent
            yield Binding(names.unique(member, "body"), member in required, given, "member", member)
    else:
        yield Binding(names.unique("body", "request"), operation.body.required, schema, "body")


def _can_be_flattened(schema: Mapping[str, Any]) -> bool:
    """Whether a body can be flattened: an object whose properties are all declared, without composition."""
    closed = not schema.get("additionalProperties") and not schema.keys() & {
        "anyOf",
        "allOf",
        "patternProperties",
    }
    few = 0 < len(schema.get("properties", ())) <= _MAX_FLATTENED
    return schema.get("type", "object") == "object" and few and closed


def _input_schema(bindings: Iterable[Binding], hints: Hints, *, destructive: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for binding in bindings:
        schema = binding.schema
        if hint := hints.arguments.get(binding.argument):
            form = FORMATS.get(hint.format or "")
            keywords: Mapping[str, Any] = form.keywords if form else {}
            added = {"items": {**schema["items"], **keywords}} if "items" in schema else keywords
            schema = {**schema, **added, **hint.keywords}
            if hint.null == "clears":
                schema = or_null(schema)
        properties[binding.argument] = schema
        if binding.required:
            required.append(binding.argument)
    if hints.ceiling:
        properties[hints.ceiling] = {
            "type": "number",
            "minimum": 0,
            "description": "Refuse if it costs more per month",
        }
    if destructive:
        properties[CONFIRM] = {
            "type": "boolean",
            "default": False,  # clients that render a form would otherwise require the box to be ticked
            "description": _agreement(hints),
        }
        required.append(CONFIRM)
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _agreement(hints: Hints) -> str:
    """Return the description of ``confirm``; a price that the user named is a yes up to it."""
    if not hints.ceiling:
        return "true only after the user agreed to this exact call"
    what = "any number" if hints.preview else "it"
    return (
        f"true only after the user agreed to this call, or to {what} up to a price that they named, "
        f"sent as {hints.ceiling}"
    )


def _described(schema: Mapping[str, Any]) -> dict[str, Any]:
    from telefonie_mcp.tools.differences import described  # noqa: PLC0415 - no packaged document needs it

    return {"type": "object", **described(schema)}


def _content_schema(operation: Operation, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the schema of the structured content for one success response.

    ``structuredContent`` must be an object (MCP, "Tools"), so any other body is wrapped in ``result``. A
    response without a body becomes a ``message`` and the path parameters.
    """
    if body is None:
        names = ["message", *(p.name for p in operation.parameters if p.location == "path")]
        properties = {name: {"type": "string"} for name in names}
        return {"type": "object", "properties": properties, "required": [*properties]}
    if is_object(body):
        return {"type": "object", **body}
    return {"type": "object", "properties": {"result": dict(body)}, "required": ["result"]}


def _answer_schema(operation: Operation, hints: Hints, shared: SharedSchemas, most: int) -> dict[str, Any]:
    bodies = [None if body is None else shared.plain(body) for body in operation.successes.values()]
    shapes: list[dict[str, Any]] = []
    if sum(map(shared.size, bodies)) <= most:
        for body in bodies:
            shape = _content_schema(operation, body)
            if shape not in shapes:
                shapes.append(shape)
    schema: dict[str, Any] = shapes[0] if len(shapes) == 1 else {"type": "object", "anyOf": shapes}
    if not shapes or shared.size(schema) > most:
        schema = {"type": "object"}
    if hints.replaced:
        return {
            **schema,
            "properties": {**schema.get("properties", {}), hints.replaced: {"type": "object"}},
        }
    return schema


def _brief_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` reduced to its required members and their types, without nested members."""
    required = schema.get("required", ())
    members = cast("Mapping[str, Mapping[str, Any]]", schema.get("properties", {}))
    return {
        "type": "object",
        "properties": {name: _type_only(member) for name, member in members.items() if name in required},
    }


def _type_only(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind = {"type": schema["type"]} if "type" in schema else {}
    return {**kind, "items": _type_only(schema.get("items", {}))} if "items" in schema else kind


def _check_hints(catalog: Catalog, tool: Tool) -> None:
    """Raise :class:`DocumentError` for hints that refer to something that does not exist."""
    hints, where = tool.hints, f"hints of {tool.operation.id}"
    _check_arguments(tool, where)
    arguments = {binding.argument for binding in tool.bindings}
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
            known = argument in arguments or (read is hints.settle and bool(answer_path(argument)))
            if not known or (derivation and derivation not in DERIVATIONS):
                raise DocumentError(f"{where}: cannot derive {source!r}")


def _check_arguments(tool: Tool, where: str) -> None:
    hints, body = tool.hints, tool.operation.body
    named = {*hints.arguments, *filter(None, [hints.subject])}
    named |= {*hints.requires.arguments.values()} if hints.requires else set()
    if unknown := named - {binding.argument for binding in tool.bindings}:
        raise DocumentError(
            f"{where}: {', '.join(sorted(unknown))} is no argument of {tool.name}; "
            "a document that differs can bring its own x-telefonie-hints"
        )
    json = body is not None and not body.form
    members = {binding.argument for binding in tool.bindings if binding.place == "member" and json}
    cleared = {name for name, hint in hints.arguments.items() if hint.null == "clears"}
    if unclearable := cleared - members:
        raise DocumentError(f"{where}: {', '.join(sorted(unclearable))} is no member of a JSON body to clear")


def _check_resource(tool: Tool, exposed: ResourceHint, where: str) -> None:
    properties = tool.input_schema["properties"]
    pages = {exposed.pages.page, exposed.pages.size} if exposed.pages else set[str]()
    named = {*re.findall(r"{(\w+)}", exposed.uri), *exposed.arguments, *pages}
    if not tool.read_only or named - properties.keys():
        raise DocumentError(
            f"{where}: only a read can be the resource {exposed.uri}, and only with its own arguments"
        )
