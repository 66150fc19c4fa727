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
from typing import Any, Final, Literal, cast
from urllib.parse import unquote

from telefonie_mcp.errors import DocumentError

__all__ = ["MAX_SCHEMA", "Direction", "Json", "References", "convert", "fold", "is_object", "opened"]

Json = Mapping[str, Any]
Direction = Literal["input", "output"]

MAX_SCHEMA: Final = 64 * 1024
"""Characters of a schema, as compact JSON; also of all arguments of a tool, and of its output."""

_MAX_PATTERN: Final = 4096
"""Characters of a pattern: compiling one takes much more memory than its text."""

_MAX_WORK: Final = 5_000_000
"""Values that are looked at to convert the schemas of one document: some two seconds."""

_MAX_TRAIL: Final = 100
"""References that lead to a schema, one inside the other."""

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
    """Resolves local references (``#/components/…``) of one document, and remembers converted schemas.

    What is referred to from many places is converted once: references that double at each step would
    otherwise take exponential time.

    Raises:
        DocumentError: from :meth:`resolve`, for a reference to another document, to a missing target, through
            too many others, or in a cycle.

    """

    def __init__(self, root: Json, *, document: str) -> None:
        self._root = root
        self._document = document
        self._converted: dict[tuple[int, Direction], tuple[Json, dict[str, Any]]] = {}
        self._folded: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._sizes: dict[int, int] = {}
        self._work = 0

    def converted(self, node: Json, direction: Direction) -> dict[str, Any] | None:
        """Return what ``node`` was converted to, if it was."""
        known = self._converted.get((id(node), direction))
        return known and known[1]

    def remember(self, node: Json, direction: Direction, schema: dict[str, Any]) -> dict[str, Any]:
        """Remember and return the converted ``schema`` of ``node``, or an open one if it is too large.

        The node is kept as well, so that its identity stays its own.
        """
        size = self._size(schema)
        if size > MAX_SCHEMA:
            schema = opened(schema)
            size = self._size(schema)
        self._converted[id(node), direction] = node, schema
        self._sizes[id(schema)] = size
        return schema

    def folded(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return :func:`fold` of a converted schema, and remember it."""
        if id(schema) not in self._folded:
            self._folded[id(schema)] = schema, fold(schema)
        return self._folded[id(schema)][1]

    def _size(self, value: Any) -> int:
        """Return about how many characters ``value`` has as JSON, without walking remembered schemas.

        Raises:
            DocumentError: the document's schemas repeat so much that this takes too long.

        """
        self._work += 1
        if self._work > _MAX_WORK:
            raise DocumentError(
                f"{self._document}: its schemas repeat too much: more than {_MAX_WORK:,} values"
            )
        match value:
            case dict():
                if (known := self._sizes.get(id(cast("Any", value)))) is not None:
                    return known
                members = cast("dict[str, Any]", value).items()
                return 2 + sum(len(str(name)) + 4 + self._size(member) for name, member in members)
            case list():
                return 2 + sum(1 + self._size(item) for item in cast("list[Any]", value))
            case str():
                return len(value) + 2
            case _:
                return len(str(value))

    def resolve(self, node: Json, trail: tuple[str, ...] = ()) -> tuple[Json, tuple[str, ...]]:
        """Follow ``node``'s ``$ref``, if it has one, and return the target with the references on the way.

        In 2020-12 the target and the keywords beside ``$ref`` both apply. Where they cannot be merged, the
        keyword beside ``$ref`` is used.
        """
        while isinstance(reference := node.get("$ref"), str):
            if reference in trail:
                path = " → ".join((*trail, reference))
                raise DocumentError(f"{self._document}: the reference {path} leads back to itself")
            if len(trail) == _MAX_TRAIL:
                raise DocumentError(
                    f"{self._document}: the reference {reference!r} is the end of more than {_MAX_TRAIL}"
                )
            trail = (*trail, reference)
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            target = self._target(reference)
            node = _merge(target, siblings) if siblings else target
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


def opened(schema: Json) -> dict[str, Any]:
    """Return the schema that only says whether ``schema`` is an object, and allows anything else."""
    return {"type": "object"} if is_object(schema) else {}


def fold(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a converted object schema with its ``allOf`` parts merged, so that it lists its properties."""
    parts = [fold(part) for part in schema.get("allOf", ())]
    if not parts or any(part.get("type", "object") != "object" or "anyOf" in part for part in parts):
        return schema
    own = {key: value for key, value in schema.items() if key != "allOf"}
    return dict(_merge({"type": "object"}, *parts, own))


def _merge(*schemas: Json) -> Json:
    """Merge schemas: properties, ``required`` and ``allOf`` of all; other keywords of the last with them."""
    merged: dict[str, Any] = {}
    for schema in schemas:
        merged |= schema
    if all_properties := [schema["properties"] for schema in schemas if "properties" in schema]:
        merged["properties"] = {name: member for each in all_properties for name, member in each.items()}
    for key in ("allOf", "required"):
        lists = [schema[key] for schema in schemas if isinstance(schema.get(key), list)]
        if isinstance(merged.get(key), list) and len(lists) > 1:
            distinct = {repr(part): part for parts in lists for part in parts}
            merged[key] = [*distinct.values()]
    return merged


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


def is_object(schema: Json) -> bool:
    """Return whether ``schema`` describes an object, as the result of a tool must be."""
    return schema.get("type", "object") == "object" and ("properties" in schema or "type" in schema)
