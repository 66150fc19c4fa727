"""OpenAPI documents → catalog; pure and deterministic.

One tool per operation, in document order. Its arguments are the operation's parameters and the members of
its request body in one flat object; a :class:`~telefonie_mcp.openapi.operation.Binding` maps each back to its
place (named in :mod:`~telefonie_mcp.tools.argument_names`, in the order path, query, header, cookie, body).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.openapi.hints import Hints, ResourceHint, reads_of
from telefonie_mcp.openapi.operation import Binding, Operation
from telefonie_mcp.openapi.references import MAX_SCHEMA, SharedSchemas, bounded_input, is_object
from telefonie_mcp.tools.argument_names import ArgumentNames
from telefonie_mcp.tools.catalog import CONFIRM, MAX_NAME, Catalog, Tool
from telefonie_mcp.tools.differences import described
from telefonie_mcp.tools.formats import DERIVATIONS, FORMATS
from telefonie_mcp.tools.secret_names import with_secret_names

__all__ = ["build_catalog", "snake_case"]

_MAX_FLATTENED: Final = 500
"""Members of a body that become arguments; a larger body is one argument."""

_MAX_TOOLS: Final = 4 * 1024 * 1024
"""Bytes of the schemas and descriptions of one document's tools, which ``tools/list`` sends at once."""

_DIGEST_LENGTH: Final = 6
"""Hexadecimal digits that keep the names of two shortened tools distinct."""

_NO_HINTS: Final = Hints()


def build_catalog(documents: Iterable[Document]) -> Catalog:
    """Return a catalog with one tool per operation.

    Raises:
        DocumentError: two operations result in the same tool name, the tools of a document are too large, or
            a hint refers to an operation, argument or format that does not exist.

    """
    tools: dict[str, Tool] = {}
    for document in documents:
        left = _MAX_TOOLS
        shared = SharedSchemas()
        for operation in document.operations:
            tool = _tool(document, operation, shared, min(MAX_SCHEMA, left // 2))
            left -= sum(map(shared.size, (tool.input_schema, tool.output_schema, tool.description)))
            if other := tools.get(tool.name):
                raise DocumentError(
                    f"{document.title}: {operation.id} and {other.operation.id} of {other.document.title} "
                    f"would both be the tool {tool.name!r}"
                )
            tools[tool.name] = tool
    catalog = Catalog({tool.name: with_secret_names(tool, tools.values()) for tool in tools.values()})
    for tool in catalog:
        _check_hints(catalog, tool)
    return catalog


def _tool(document: Document, operation: Operation, shared: SharedSchemas, most: int) -> Tool:
    """Return the tool of ``operation``; what would make a schema larger than ``most`` bytes is open in it."""
    hints = document.hints.get(operation.id, _NO_HINTS)
    read_only = operation.method == "GET" if hints.read_only is None else hints.read_only
    destructive = not read_only if hints.destructive is None else hints.destructive
    idempotent = (
        read_only or operation.method in {"PUT", "DELETE"} if hints.idempotent is None else hints.idempotent
    )
    answer = _answer_schema(operation, hints, shared, most)
    listed = _brief_schema(answer) if hints.brief else answer
    strict = document.packaged or hints.relies_on_answers or operation.id in reads_of(document.hints)
    bindings = tuple(_bind(operation, destructive=destructive))
    what = operation.description or operation.summary or f"{operation.method} {operation.path}"
    words = [what if what.endswith(".") else f"{what}.", hints.description]
    if destructive:
        words.append("Without confirm=true nothing is done and you get a preview.")
    return Tool(
        name=_tool_name(operation.id),
        title=operation.summary or snake_case(operation.id).replace("_", " ").capitalize(),
        description=" ".join(filter(None, words)),
        input_schema=bounded_input(
            _input_schema(bindings, hints, destructive=destructive),
            shared,
            most,
            f"{document.title}: {operation.method} {operation.path}",
        ),
        output_schema=listed if strict else {"type": "object", **described(listed)},
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


def snake_case(name: str) -> str:
    """Return ``name`` in snake_case, with the characters ``[a-z0-9_]`` only.

    >>> snake_case("searchAvailableNumbers"), snake_case("X-Request-ID"), snake_case("getHTTPStatus2")
    ('search_available_numbers', 'x_request_id', 'get_http_status2')
    """
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _tool_name(operation_id: str) -> str:
    name = snake_case(operation_id) or "operation"
    if len(name) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: MAX_NAME - _DIGEST_LENGTH - 1].rstrip('_')}_{digest}"


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
            yield Binding(names.unique(member, "body"), member in required, member_schema, "member", member)
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
                schema = _or_null(schema)
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


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that allows null as well, with what describes it where clients look for it."""
    annotations = {key: value for key, value in schema.items() if key in {"description", "title"}}
    value = {key: keyword for key, keyword in schema.items() if key not in annotations}
    return {**annotations, "anyOf": [value, {"type": "null"}]}


def _agreement(hints: Hints) -> str:
    """Return the description of ``confirm``; a price that the user named is a yes up to it."""
    if not hints.ceiling:
        return "true only after the user agreed to this exact call"
    what = "any number" if hints.preview else "it"
    return (
        f"true only after the user agreed to this call, or to {what} up to a price that they named, "
        f"sent as {hints.ceiling}"
    )


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
            if argument not in arguments or (derivation and derivation not in DERIVATIONS):
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
