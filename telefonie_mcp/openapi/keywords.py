"""Keywords of a schema whose value is none that JSON Schema 2020-12 knows; pure.

Real documents hold ``required: true`` (draft 4), ``type: file`` (Swagger 2.0), lists in ``items`` and numbers
in quotes. Without such a keyword a schema allows more than it should, so that the API decides.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from telefonie_mcp.openapi.combining import Json
from telefonie_mcp.openapi.structure import shown

__all__ = ["problem_of", "translate"]

_CONDITIONS: Final = frozenset({"allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"})
"""Keywords beside which nobody knows what is unevaluated once conditions are removed and recursion is cut."""

_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == round(value)


def _is_schema(value: Any) -> bool:
    return isinstance(value, Mapping | bool)


def _is_type(value: Any) -> bool:
    kinds = cast("list[Any]", value) if isinstance(value, list) else [value]
    return bool(kinds) and all(isinstance(kind, str) and kind in _TYPES for kind in kinds)


def _is_list_of_schemas(value: Any) -> bool:
    parts = cast("list[Any]", value)
    return isinstance(value, list) and parts != [] and all(map(_is_schema, parts))


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_map_of_names(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(each, list) and all(isinstance(name, str) for name in cast("list[Any]", each))
        for each in cast("Mapping[str, Any]", value).values()
    )


def _is_list_of_names(value: Any) -> bool:
    names = cast("list[Any]", value)
    return isinstance(value, list) and all(isinstance(name, str | int | float) for name in names)


_RULES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "type": (_is_type, f"a type is one of {', '.join(sorted(_TYPES))}"),
    "required": (_is_list_of_names, "it must be a list of names"),
    "enum": (lambda value: isinstance(value, list), "it must be a list"),
    "examples": (lambda value: isinstance(value, list), "it must be a list"),
    "properties": (_is_map, "it must hold a schema for each name"),
    "patternProperties": (_is_map, "it must hold a schema for each pattern"),
    "dependentSchemas": (_is_map, "it must hold a schema for each name"),
    "dependentRequired": (_is_map_of_names, "it must hold a list of names for each name"),
    "$ref": (lambda _: False, "it must be a string"),  # one that is a string is followed
    "items": (_is_schema, "it must be a schema"),
    **dict.fromkeys(
        ("additionalProperties", "contains", "propertyNames", "unevaluatedProperties", "unevaluatedItems"),
        (_is_schema, "it must be a schema"),
    ),
    **dict.fromkeys(
        ("allOf", "anyOf", "oneOf", "prefixItems"), (_is_list_of_schemas, "it must be a list of schemas")
    ),
    **dict.fromkeys(("minimum", "maximum"), (_is_number, "it must be a number")),
    **dict.fromkeys(
        ("exclusiveMinimum", "exclusiveMaximum"),
        (lambda value: isinstance(value, int | float), "it must be a number or a boolean"),
    ),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "it must be a number above 0"),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        (_is_count, "it must be a whole number, 0 or more"),
    ),
    **dict.fromkeys(("minContains", "maxContains"), (_is_count, "it must be a whole number, 0 or more")),
    **dict.fromkeys(
        ("pattern", "format", "title", "description", "contentEncoding", "contentMediaType"),
        (lambda value: isinstance(value, str), "it must be a string"),
    ),
    "uniqueItems": (lambda value: isinstance(value, bool), "it must be a boolean"),
}
"""Keyword → whether a value is one of its values, and what it must be."""


def _fitting(values: Sequence[Any], kind: str) -> list[Any]:
    """Return the values of an enumeration that are of a type, if they are written in it.

    YAML without quotes makes numbers and booleans of what is a string, and JSON is often made of that.
    """
    return [each for value in values for each in _written(value, kind)]


def _written(value: Any, kind: str) -> list[Any]:
    match kind, value:
        case "string", bool() | int() | float():
            return [json.dumps(value)]
        case "integer" | "number" | "boolean", str():
            with suppress(ValueError, RecursionError):
                read = json.loads(value)
                json.dumps(read, allow_nan=False)  # which NaN, Infinity and 1e999 are not
                return _written(read, kind) if not isinstance(read, str) else []
            return []
        case "integer" | "number", bool():
            return []
        case _:
            return [value] if isinstance(value, _PYTHON.get(kind, object)) else []


_PYTHON: Final[Mapping[str, Any]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": int | float,
    "object": Mapping,
    "string": str,
}


def problem_of(keyword: str, value: Any) -> str:
    """Return what a value of ``keyword`` must be, or an empty text if it is that."""
    fits, must = _RULES.get(keyword, (None, ""))
    return "" if fits is None or fits(value) else must


def translate(schema: dict[str, Any], node: Json, note: Callable[[str], None]) -> None:
    """Write what has another form in OpenAPI 3.0, or a form that clients do not know, in 2020-12.

    Args:
        schema: The converted keywords of a schema, which are changed.
        node: The schema in the document.
        note: Takes a sentence about what is dropped.

    """
    _convert_bounds(schema)
    _simplify_type(schema)
    _close(schema, node)
    _fit_values(schema, note)


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


def _close(schema: dict[str, Any], node: Json) -> None:
    """Say ``unevaluatedProperties: false`` as far as it holds when conditions are removed."""
    if schema.get("unevaluatedProperties") is False:
        del schema["unevaluatedProperties"]
        if not node.keys() & _CONDITIONS:
            schema.setdefault("additionalProperties", False)
    if schema.get("unevaluatedItems") is False:
        del schema["unevaluatedItems"]


def _fit_values(schema: dict[str, Any], note: Callable[[str], None]) -> None:
    """Write the values of an enumeration in the type that is beside it, or where they are meant."""
    values, kind = schema.get("enum"), schema.get("type")
    if values is None or not isinstance(kind, str):
        return
    fits = _fitting(values, kind)
    if fits:
        schema["enum"] = fits
        return
    del schema["enum"]
    if kind == "array" and isinstance(items := schema.get("items", {}), dict) and "enum" not in items:
        schema["items"] = {**items, "enum": values}
    else:
        note(f"enum: {shown(values)} in a schema is dropped, none of it is of type {kind}")
