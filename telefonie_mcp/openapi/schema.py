"""Converts OpenAPI schema objects into self-contained JSON Schema 2020-12 that MCP clients support; pure.

* ``$ref`` is inlined, because clients do not resolve it, and definitions are removed. A cycle or a missing
  target raises :class:`~telefonie_mcp.errors.DocumentError`.
* OpenAPI 3.0 forms become 2020-12: ``nullable``, boolean ``exclusiveMinimum``/``exclusiveMaximum``,
  ``example`` (OpenAPI 3.0.3 §4.7.24; 3.1 already uses 2020-12).
* ``const`` becomes ``enum``, ``oneOf`` and type lists become ``anyOf``; ``not``, ``if`` and OpenAPI-only
  keywords are removed, because common clients reject them. The result is never stricter than the original.
* ``pattern`` is removed where it has more than 4,096 characters.
* A schema of more than :data:`MAX_SCHEMA` characters becomes an open one, which allows anything.
* For input, ``readOnly`` properties and ``null`` are removed (an explicit null counts as absent). For output,
  ``writeOnly`` properties are removed; an optional null is dropped from a response before it is validated.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.openapi.references import Direction, Json, References

__all__ = ["convert", "nullable_members"]

_MAX_PATTERN: Final = 4096
"""Characters of a pattern: compiling one takes much more memory than its text."""

_DROPPED = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$dynamicAnchor",
        "$id",
        "$schema",
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
_SCHEMA_MAPS = frozenset({"dependentSchemas", "patternProperties", "properties"})
_SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset({"additionalProperties", "contains", "propertyNames", "unevaluatedProperties"})


def convert(
    schema: Any, references: References, direction: Direction, trail: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return ``schema`` as JSON Schema 2020-12 without references, for arguments or for results.

    Raises:
        DocumentError: a reference cannot be inlined.

    """
    if not isinstance(schema, Mapping):  # 3.1 allows true and false; both become {}
        return {}
    source = cast("Json", schema)
    if (known := references.converted(source, direction)) is not None:
        return known
    node, trail = references.resolve(source, trail)
    if (known := references.converted(node, direction)) is None:
        known = references.remember(node, direction, _convert(node, references, direction, trail))
    return references.remember(source, direction, known)


def _convert(
    node: Json, references: References, direction: Direction, trail: tuple[str, ...]
) -> dict[str, Any]:
    result = dict(_convert_keywords(node, references, direction, trail))
    _convert_bounds(result)
    _simplify_type(result)
    removed = "readOnly" if direction == "input" else "writeOnly"
    _remove_properties(result, node, references, removed)
    if result.get("type") == "array":
        result.setdefault("items", {})
    if "example" in node and "examples" not in result:
        result["examples"] = [node["example"]]
    if _accepts_null(node) and direction == "output":
        return {"anyOf": [result, {"type": "null"}]} if result else {}
    return result


def _convert_keywords(
    node: Json, references: References, direction: Direction, trail: tuple[str, ...]
) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if _is_dropped(key, value):
            continue
        if key in {"const", "enum"}:
            if members := [value] if key == "const" else [member for member in value if member is not None]:
                yield "enum", members
        elif key == "items":  # also a boolean, which clients do not support
            yield key, convert(value, references, direction, trail)
        elif key in _SCHEMA_MAPS and isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value)
            yield (
                key,
                {name: convert(member, references, direction, trail) for name, member in members.items()},
            )
        elif key in _SCHEMA_LISTS and isinstance(value, Sequence):
            parts = [convert(part, references, direction, trail) for part in cast("Sequence[Any]", value)]
            if parts := [part for part in parts if part != {"type": "null"}]:
                yield ("anyOf" if key == "oneOf" else key), parts
        elif key in _SCHEMAS and isinstance(value, Mapping):
            yield key, convert(value, references, direction, trail)
        else:
            yield key, value


def _is_dropped(key: str, value: Any) -> bool:
    too_long = key == "pattern" and isinstance(value, str) and len(value) > _MAX_PATTERN
    return too_long or key in _DROPPED or key.startswith("x-")


def _convert_bounds(schema: dict[str, Any]) -> None:
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            if flag and bound in schema:
                schema[exclusive] = schema.pop(bound)


def _simplify_type(schema: dict[str, Any]) -> None:
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return
    names = [kind for kind in cast("list[str]", kinds) if kind != "null"]
    del schema["type"]
    if len(names) == 1:
        schema["type"] = names[0]
    elif names and "anyOf" not in schema:
        schema["anyOf"] = [{"type": name, **({"items": {}} if name == "array" else {})} for name in names]


def _accepts_null(node: Json) -> bool:
    kinds = node.get("type")
    alternatives = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    return (
        node.get("nullable") is True
        or (isinstance(kinds, list) and "null" in kinds)
        or {"type": "null"} in alternatives
        or (None in node.get("enum", ()) and "type" not in node)
    )


def _remove_properties(result: dict[str, Any], node: Json, references: References, flag: str) -> None:
    properties = node.get("properties")
    if not isinstance(properties, Mapping):
        return
    removed = {
        name
        for name, member in cast("Mapping[str, Any]", properties).items()
        if isinstance(member, Mapping) and references.resolve(cast("Json", member))[0].get(flag) is True
    }
    for name in removed:
        del result["properties"][name]
    if removed and "required" in result:
        result["required"] = [name for name in result["required"] if name not in removed]
    if result.get("required") == []:
        del result["required"]


def nullable_members(schema: Any, references: References) -> frozenset[str]:
    """Return the names of the members of an object that may be null, its ``allOf`` parts included.

    Raises:
        DocumentError: a reference has no target.

    """
    names: set[str] = set()
    waiting, seen = [schema], set[int]()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Mapping):
            continue
        node = references.resolve(cast("Json", part))[0]
        if id(node) in seen:  # many parts can refer to one
            continue
        seen.add(id(node))
        waiting += node.get("allOf", ())
        members = cast("Json", node.get("properties") or {})
        names |= {name for name, member in members.items() if _resolves_to_nullable(member, references)}
    return frozenset(names)


def _resolves_to_nullable(member: Any, references: References) -> bool:
    return isinstance(member, Mapping) and _accepts_null(references.resolve(cast("Json", member))[0])
