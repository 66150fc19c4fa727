"""Converts OpenAPI schema objects into self-contained JSON Schema 2020-12 that MCP clients support; pure.

* ``$ref`` is inlined, because clients do not resolve it, and definitions are removed. A missing target raises
  :class:`~telefonie_mcp.errors.DocumentError`. A recursive schema is cut at the second turn, where it becomes
  an open one.
* A keyword whose value JSON Schema does not know is removed, with a note.
* A schema with a ``discriminator`` is the union of its children (:mod:`~telefonie_mcp.openapi.inheritance`).
* OpenAPI 3.0 forms become 2020-12: ``nullable``, boolean ``exclusiveMinimum``/``exclusiveMaximum``,
  ``example`` (OpenAPI 3.0.3 §4.7.24; 3.1 already uses 2020-12).
* ``const`` becomes ``enum``, ``oneOf`` and type lists become ``anyOf``; ``not``, ``if`` and OpenAPI-only
  keywords are removed, because common clients reject them. The result is never stricter than the original.
* ``pattern`` is removed where it has more than 4,096 characters.
* A schema of more than :data:`MAX_SCHEMA` characters becomes an open one, which allows anything.
* For input, ``readOnly`` properties and ``null`` are removed (an explicit null counts as absent). For output,
  ``writeOnly`` properties are removed; an optional null is dropped from a response before it is validated.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.openapi.combining import Json, or_null, reopened, without_required
from telefonie_mcp.openapi.keywords import problem_of, translate
from telefonie_mcp.openapi.references import MAX_TRAIL, Direction, References, Trail
from telefonie_mcp.openapi.structure import shown

__all__ = ["convert", "nullable_members"]

_MAX_PATTERN: Final = 4096
"""Characters of a pattern: compiling one takes much more memory than its text."""

_DROPPED = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$dynamicAnchor",
        "$dynamicRef",
        "$recursiveAnchor",
        "$recursiveRef",
        "$id",
        "$schema",
        "definitions",
        "dependencies",
        "deprecated",
        "discriminator",
        "else",
        "example",
        "externalDocs",
        "if",
        "not",
        "nullable",
        "readOnly",
        "then",
        "writeOnly",
        "xml",
    }
)
_ANNOTATIONS: Final = frozenset({"description", "examples", "title"})
"""Keywords that are dropped without a note: they change nothing but what is read."""

_VALUES: Final[Mapping[str, Callable[[Any], list[Any]]]] = {
    "const": lambda value: [value],
    "enum": lambda values: [value for value in values if value is not None],
    "required": lambda names: [
        *dict.fromkeys(name if isinstance(name, str) else str(name) for name in names)
    ],
}
"""Keyword → its values, without null and with names as strings, each once."""

_SCHEMA_MAPS = frozenset({"dependentSchemas", "patternProperties", "properties"})
_SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset({"additionalProperties", "contains", "propertyNames", "unevaluatedProperties"})


def convert(
    schema: Any, references: References, direction: Direction, trail: Trail = (), *, part: bool = False
) -> dict[str, Any]:
    """Return ``schema`` as JSON Schema 2020-12 without references, for arguments or for results.

    Args:
        schema: The schema in the document.
        references: Resolves its references.
        direction: For arguments or for results.
        trail: The references that lead to it.
        part: It is a part of an ``allOf``: it stands for itself, not for the schemas that inherit from it.

    Raises:
        DocumentError: a reference cannot be inlined.

    """
    if not isinstance(schema, Mapping):  # 3.1 allows true and false; both become {}
        return {}
    source = cast("Json", schema)
    if (known := references.converted(source, direction, part=part)) is not None:
        return known
    node, inner, turn = references.enter(source, trail, "allOf " if part else "")
    if turn is not None:
        references.outermost = min(references.outermost, turn)
        return _with_null({"type": "object"} if _names_object(node) else {}, node, direction)
    outer, references.outermost = references.outermost, MAX_TRAIL
    if (known := references.converted(node, direction, part=part)) is None:
        known = _convert(node, references, direction, inner, part=part)
        cut = references.outermost < len(trail)
        known = references.remember(node, direction, known, part=part, cut=cut)
        if cut:
            references.outermost = min(outer, references.outermost)
            return references.remember(source, direction, known, part=part, cut=True)
    references.outermost = outer
    return references.remember(source, direction, known, part=part)


def _without_family(
    node: Json, references: References, direction: Direction, trail: Trail, *, part: bool
) -> tuple[Json, dict[str, Any] | None]:
    """Return what remains of ``node`` if it stands for itself, and else the union of those that inherit."""
    from telefonie_mcp.openapi.inheritance import (  # noqa: PLC0415 - no packaged document needs it
        FAMILY,
        family,
        is_parent,
        united,
    )

    own = {key: value for key, value in node.items() if key not in FAMILY}
    if part and is_parent(node, references):
        return own, None
    found = family(node, references, direction)
    if found is None:
        return node, None
    children = [convert(child.schema, references, direction, trail) for child in found.children]
    return node, united(found, convert(own, references, direction, trail, part=True), children)


def _convert(
    node: Json, references: References, direction: Direction, trail: Trail, *, part: bool
) -> dict[str, Any]:
    if "discriminator" in node:
        node, union = _without_family(node, references, direction, trail, part=part)
        if union is not None:
            return _with_null(union, node, direction)
    result = dict(_convert_keywords(node, references, direction, trail))
    translate(result, node, references.omissions.note)
    if direction != "output":
        result = reopened(result)
    result = _without_members(result, node, references, "writeOnly" if direction == "output" else "readOnly")
    if result.get("type") == "array":
        result.setdefault("items", {})
    if "example" in node and "examples" not in result:
        result["examples"] = [node["example"]]
    return _with_null(result, node, direction)


def _with_null(result: dict[str, Any], node: Json, direction: Direction) -> dict[str, Any]:
    if direction == "output" and _accepts_null(node):
        return {"anyOf": [result, {"type": "null"}]} if result else {}
    return result


def _names_object(node: Json) -> bool:
    """Return whether a schema that is not converted describes an object, as far as it says itself."""
    objects = {"allOf", "discriminator", "properties"}
    return node.get("type") == "object" or ("type" not in node and bool(node.keys() & objects))


def _convert_keywords(
    node: Json, references: References, direction: Direction, trail: Trail
) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if _is_dropped(key, value) or _is_malformed(key, value, references):
            continue
        if key in _VALUES:
            if members := _VALUES[key](value):
                yield ("enum" if key == "const" else key), members
        elif key in _SCHEMA_MAPS:
            yield key, _convert_members(cast("Json", value), references, direction, trail)
        elif key in _SCHEMA_LISTS:
            parts = [
                convert(each, references, direction, trail, part=key == "allOf")
                if key != "prefixItems"
                else _convert_member(each, references, direction, trail)
                for each in cast("Sequence[Any]", value)
            ]
            if parts := [each for each in parts if each != {"type": "null"}]:
                yield ("anyOf" if key == "oneOf" else key), parts
        elif key == "items" or (key in _SCHEMAS and isinstance(value, Mapping)):
            # clients support no boolean in items
            yield key, _convert_member(value, references, direction, trail)
        else:
            yield key, value


def _convert_members(
    members: Json, references: References, direction: Direction, trail: Trail
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, member in members.items():
        references.steps.append(name)
        if member is not None and not isinstance(member, Mapping | bool):
            references.omissions.note(f"{name}: {shown(member)} is no schema, and allows anything")
        schema = _convert_member(member, references, direction, trail)
        if isinstance(member, Mapping) and cast("Json", member).get("deprecated") is True:
            schema = {**schema, "description": f"Deprecated. {schema.get('description', '')}".strip()}
        result[name] = schema
        references.steps.pop()
    return result


def _convert_member(
    member: Any, references: References, direction: Direction, trail: Trail
) -> dict[str, Any]:
    """Return the schema of what is inside an object or list: of a body, with null where that is allowed."""
    schema = convert(member, references, direction, trail)
    nullable = direction == "body" and isinstance(member, Mapping)
    return or_null(schema) if nullable and _resolves_to_nullable(member, references) else schema


def _is_malformed(key: str, value: Any, references: References) -> bool:
    """Return whether JSON Schema does not know the value; a note says so, unless it says nothing anyway."""
    must = problem_of(key, value)
    if must and key not in _ANNOTATIONS and value is not False and value not in ([], None):
        place = "".join(f"{step}: " for step in references.steps)
        references.omissions.note(f"{place}{key}: {shown(value)} in a schema is dropped, {must}")
    return bool(must)


def _is_dropped(key: str, value: Any) -> bool:
    too_long = key == "pattern" and isinstance(value, str) and len(value) > _MAX_PATTERN
    return too_long or key in _DROPPED or key.startswith("x-")


def _accepts_null(node: Json) -> bool:
    kinds = node.get("type")
    alternatives = [*_items(node, "anyOf"), *_items(node, "oneOf")]
    return (
        node.get("nullable") is True
        or (isinstance(kinds, list) and "null" in kinds)
        or {"type": "null"} in alternatives
        or (None in _items(node, "enum") and "type" not in node)
    )


def _items(node: Json, key: str) -> list[Any]:
    return cast("list[Any]", node[key]) if isinstance(node.get(key), list) else []


def _without_members(schema: dict[str, Any], node: Json, references: References, flag: str) -> dict[str, Any]:
    """Return a converted schema without the members that have the flag, and without demands on them."""
    flagged = {name for part in _parts(node, references) for name in _flagged(part, references, flag)}
    if not flagged:
        return schema
    properties = {name: each for name, each in schema.get("properties", {}).items() if name not in flagged}
    changed = {**schema, "properties": properties} if "properties" in schema else schema
    return without_required(changed, flagged)


def _flagged(node: Json, references: References, flag: str) -> Iterator[str]:
    members = node.get("properties")
    for name, member in cast("Json", members).items() if isinstance(members, Mapping) else ():
        if not isinstance(member, Mapping):
            continue
        schema = cast("Json", member)
        inherits = "$ref" in schema or "allOf" in schema
        parts = _parts(schema, references) if inherits else (schema,)
        if any(part.get(flag) is True for part in parts):
            yield name


def _parts(node: Json, references: References) -> Iterator[Json]:
    """Yield a schema, and those that it is made of by ``allOf``, each once."""
    waiting: list[Any] = [node]
    seen = set[int]()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Mapping):
            continue
        found = references.resolve(cast("Json", part))[0]
        if id(found) not in seen:  # many parts can refer to one
            seen.add(id(found))
            yield found
            inner = _items(found, "allOf")
            references.count(5 * len(inner))  # takes as long; many members can be made of the same parts
            waiting += inner


def nullable_members(schema: Any, references: References) -> frozenset[str]:
    """Return the names of the members of an object that may be null, its ``allOf`` parts included.

    Raises:
        DocumentError: a reference has no target.

    """
    names: set[str] = set()
    for node in _parts(cast("Json", schema), references) if isinstance(schema, Mapping) else ():
        members = cast("Json", node.get("properties") or {})
        names |= {name for name, member in members.items() if _resolves_to_nullable(member, references)}
    return frozenset(names)


def _resolves_to_nullable(member: Any, references: References) -> bool:
    return isinstance(member, Mapping) and _accepts_null(references.resolve(cast("Json", member))[0])
