"""How schemas combine into objects whose members are listed; pure."""

from collections.abc import Mapping
from typing import Any

__all__ = ["Json", "fold", "is_object", "merged", "opened"]

Json = Mapping[str, Any]


def is_object(schema: Json) -> bool:
    """Return whether ``schema`` describes an object, as the result of a tool must be."""
    return schema.get("type", "object") == "object" and ("properties" in schema or "type" in schema)


def opened(schema: Json) -> dict[str, Any]:
    """Return the schema that only says whether ``schema`` is an object, and allows anything else."""
    return {"type": "object"} if is_object(schema) else {}


def fold(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a converted object schema with its ``allOf`` parts merged, so that it lists its properties."""
    parts = [fold(part) for part in schema.get("allOf", ())]
    if not parts or any(part.get("type", "object") != "object" or "anyOf" in part for part in parts):
        return schema
    own = {key: value for key, value in schema.items() if key != "allOf"}
    return dict(merged({"type": "object"}, *parts, own))


def merged(*schemas: Json) -> Json:
    """Merge schemas: properties, ``required`` and ``allOf`` of all; other keywords of the last with them."""
    result: dict[str, Any] = {}
    for schema in schemas:
        result |= schema
    if all_properties := [schema["properties"] for schema in schemas if "properties" in schema]:
        result["properties"] = {name: member for each in all_properties for name, member in each.items()}
    for key in ("allOf", "required"):
        lists = [schema[key] for schema in schemas if isinstance(schema.get(key), list)]
        if isinstance(result.get(key), list) and len(lists) > 1:
            distinct = {repr(part): part for parts in lists for part in parts}
            result[key] = [*distinct.values()]
    return result
