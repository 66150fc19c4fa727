"""References between the schemas of a document, how they combine, and how large what results may be; pure."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, cast
from urllib.parse import unquote

from telefonie_mcp.errors import DocumentError

__all__ = [
    "MAX_SCHEMA",
    "Direction",
    "Json",
    "References",
    "SharedSchemas",
    "bounded_input",
    "fold",
    "is_object",
    "opened",
]

Json = Mapping[str, Any]
Direction = Literal["input", "output"]

MAX_SCHEMA: Final = 64 * 1024
"""Characters of a schema, as compact JSON; also of all arguments of a tool, and of its output."""

_MAX_WORK: Final = 5_000_000
"""Values that are looked at to convert the schemas of one document: some two seconds."""

_MAX_TRAIL: Final = 100
"""References that lead to a schema, one inside the other."""

_ANNOTATIONS: Final = frozenset({"default", "description", "examples", "title"})


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


class SharedSchemas:
    """What is known of the schemas of one document; operations share what they refer to.

    Every schema is kept, so that its identity stays its own.
    """

    def __init__(self) -> None:
        self._sizes: dict[int, tuple[Any, int]] = {}
        self._plain: dict[int, tuple[Any, Any]] = {}

    def size(self, schema: Any) -> int:
        """Return the bytes of ``schema`` as compact JSON."""
        if not isinstance(schema, dict | list):
            return _bytes(schema)
        whole = cast("dict[str, Any] | list[Any]", schema)
        if id(whole) not in self._sizes:
            names = sum(_bytes(str(name)) + 1 for name in whole) if isinstance(whole, dict) else 0
            members = whole.values() if isinstance(whole, dict) else whole
            commas = max(0, len(whole) - 1)
            self._sizes[id(whole)] = whole, 2 + names + commas + sum(map(self.size, members))
        return self._sizes[id(whole)][1]

    def plain(self, schema: Any) -> Any:
        """Return ``schema`` without annotations."""
        if id(schema) not in self._plain:
            self._plain[id(schema)] = schema, _without_annotations(schema)
        return self._plain[id(schema)][1]


def _bytes(value: Any) -> int:
    """Return the bytes of a string, number, boolean or null as JSON."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def bounded_input(schema: dict[str, Any], shared: SharedSchemas, most: int, where: str) -> dict[str, Any]:
    """Return an input schema whose largest arguments are open, as far as its size requires.

    Raises:
        DocumentError: it would be too large even with every argument open.

    """
    properties: dict[str, Any] = dict(schema["properties"])
    total = shared.size(schema)
    for name in sorted(properties, key=lambda name: -shared.size(properties[name])):
        if total <= most:
            return {**schema, "properties": properties}
        total -= shared.size(properties[name])
        properties[name] = opened(properties[name])
        total += shared.size(properties[name])
    if total <= most:
        return {**schema, "properties": properties}
    raise DocumentError(
        f"{where}: its tool, or those of the document together, are too large even with open arguments"
    )


def _without_annotations(schema: Any) -> Any:
    """Return ``schema`` without annotations: validation ignores them, and they cost a model's context."""
    if isinstance(schema, list):
        return [_without_annotations(member) for member in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", schema).items():
        if key == "properties":
            kept[key] = {name: _without_annotations(member) for name, member in value.items()}
        elif key not in _ANNOTATIONS:
            kept[key] = _without_annotations(value)
    return kept


def is_object(schema: Json) -> bool:
    """Return whether ``schema`` describes an object, as the result of a tool must be."""
    return schema.get("type", "object") == "object" and ("properties" in schema or "type" in schema)
