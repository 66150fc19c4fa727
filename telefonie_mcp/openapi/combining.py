"""How schemas combine into objects whose members are listed; pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final

__all__ = [
    "Json",
    "fold",
    "is_object",
    "merged",
    "opened",
    "or_null",
    "reopened",
    "without_null",
    "without_required",
]

Json = Mapping[str, Any]


_NULL: Final = {"type": "null"}
_DESCRIBING: Final = frozenset({"description", "title"})


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


def reopened(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a converted schema that allows the members of its own parts.

    ``additionalProperties: false`` beside ``allOf`` or ``anyOf``, or inside a part, forbids the members that
    others have. Nobody could send such an object, and no author means that.
    """
    parts = [*schema.get("allOf", ()), *schema.get("anyOf", ())]
    closed = [each for each in (schema, *parts) if each.get("additionalProperties") is False]
    names = {name for each in (schema, *parts) for name in each.get("properties", ())}
    if not parts or all(names <= each.get("properties", {}).keys() for each in closed):
        return schema
    if "anyOf" not in schema and "allOf" not in (folded := fold(schema)):
        return folded
    opened_parts = {key: [_open(each) for each in schema[key]] for key in ("allOf", "anyOf") if key in schema}
    return {**_open(schema), **opened_parts}


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    closed = schema.get("additionalProperties") is False
    return (
        {key: value for key, value in schema.items() if key != "additionalProperties"} if closed else schema
    )


def without_required(schema: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a converted schema that does not demand ``names``, its ``allOf`` parts included."""
    result = dict(schema)
    if "required" in result:
        result["required"] = [name for name in result["required"] if name not in names]
        if not result["required"]:
            del result["required"]
    if "allOf" in result:
        result["allOf"] = [without_required(part, names) for part in result["allOf"]]
    return result


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that allows null as well, with what describes it where clients look for it."""
    annotations = {key: value for key, value in schema.items() if key in _DESCRIBING}
    value = {key: keyword for key, keyword in schema.items() if key not in annotations}
    if not value:
        return schema
    return {**annotations, "anyOf": [*(value["anyOf"] if [*value] == ["anyOf"] else [value]), _NULL]}


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what :func:`or_null` was made of."""
    alternatives = schema.get("anyOf", ())
    if _NULL not in alternatives:
        return schema
    annotations = {key: value for key, value in schema.items() if key != "anyOf"}
    others = [each for each in alternatives if each != _NULL]
    return {**(others[0] if len(others) == 1 else {"anyOf": others}), **annotations}
