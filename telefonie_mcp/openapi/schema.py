"""Converts OpenAPI schema objects into self-contained JSON Schema 2020-12 that MCP clients support; pure.

* ``$ref`` is inlined, because clients do not resolve it, and definitions are removed. A cycle or a missing
  target raises :class:`~telefonie_mcp.errors.DocumentError`.
* OpenAPI 3.0 forms become 2020-12: ``nullable``, boolean ``exclusiveMinimum``/``exclusiveMaximum``,
  ``example`` (OpenAPI 3.0.3 §4.7.24; 3.1 already uses 2020-12).
* ``const`` becomes ``enum``, ``oneOf`` and type lists become ``anyOf``; ``not``, ``if`` and OpenAPI-only
  keywords are removed, because common clients reject them. The result is never stricter than the original.
* For input, ``readOnly`` properties and ``null`` are removed (an explicit null counts as absent). For output,
  ``writeOnly`` properties are removed; an optional null is dropped from a response before it is validated.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast
from urllib.parse import unquote

from telefonie_mcp.errors import DocumentError

__all__ = ["Direction", "Json", "References", "convert", "fold", "is_object"]

Json = Mapping[str, Any]
Direction = Literal["input", "output"]

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


class References:
    """Resolves local references (``#/components/…``) of one document.

    Raises:
        DocumentError: from :meth:`resolve`, for a reference to another document, to a missing target, or in a
            cycle.

    """

    def __init__(self, root: Json, *, document: str) -> None:
        self._root = root
        self._document = document

    def resolve(self, node: Json, trail: tuple[str, ...] = ()) -> tuple[Json, tuple[str, ...]]:
        """Follow ``node``'s ``$ref``, if it has one, and return the target with the references on the way.

        In 2020-12 the target and the keywords beside ``$ref`` both apply. Where they cannot be merged, the
        keyword beside ``$ref`` is used.
        """
        while isinstance(reference := node.get("$ref"), str):
            if reference in trail:
                path = " → ".join((*trail, reference))
                raise DocumentError(f"{self._document}: the reference {path} leads back to itself")
            trail = (*trail, reference)
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            node = _merge(self._target(reference), siblings)
        return node, trail

    def _target(self, reference: str) -> Json:
        if not reference.startswith("#/"):
            raise DocumentError(f"{self._document}: the reference {reference!r} leaves the document")
        node: Any = self._root
        for token in unquote(reference[2:]).split("/"):
            key = token.replace("~1", "/").replace("~0", "~")
            node = cast("Json", node).get(key) if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping):
            raise DocumentError(f"{self._document}: the reference {reference!r} has no target")
        return cast("Json", node)


def convert(
    schema: Any, references: References, direction: Direction, trail: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return ``schema`` as JSON Schema 2020-12 without references, for arguments or for results.

    Raises:
        DocumentError: a reference cannot be inlined.

    """
    if not isinstance(schema, Mapping):  # 3.1 allows true and false; both become {}
        return {}
    node, trail = references.resolve(cast("Json", schema), trail)
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


def fold(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a converted object schema with its ``allOf`` parts merged, so that it lists its properties."""
    parts = [fold(part) for part in schema.get("allOf", ())]
    if not parts or any(part.get("type", "object") != "object" or "anyOf" in part for part in parts):
        return schema
    merged: Json = {"type": "object"}
    for part in (*parts, {key: value for key, value in schema.items() if key != "allOf"}):
        merged = _merge(merged, part)
    return dict(merged)


def _merge(first: Json, second: Json) -> Json:
    """Merge two schemas: properties, ``required`` and ``allOf`` of both; other keywords of the ``second``."""
    both = {**first, **second}
    if "properties" in first and "properties" in second:
        both["properties"] = {**first["properties"], **second["properties"]}
    for key in ("allOf", "required"):
        if isinstance(first.get(key), list) and isinstance(second.get(key), list):
            both[key] = [*first[key], *(part for part in second[key] if part not in first[key])]
    return both


def _convert_keywords(
    node: Json, references: References, direction: Direction, trail: tuple[str, ...]
) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if key in _DROPPED or key.startswith("x-"):
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
    for name, member in cast("Mapping[str, Any]", properties).items():
        if isinstance(member, Mapping) and references.resolve(cast("Json", member))[0].get(flag) is True:
            result["properties"].pop(name)
            if name in result.get("required", ()):
                result["required"] = [other for other in result["required"] if other != name]
    if result.get("required") == []:
        del result["required"]


def is_object(schema: Json) -> bool:
    """Return whether ``schema`` describes an object, as the result of a tool must be."""
    return schema.get("type", "object") == "object" and ("properties" in schema or "type" in schema)
