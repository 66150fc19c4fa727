"""Keywords of a schema whose value is none that JSON Schema 2020-12 knows; pure.

Real documents hold ``required: true`` (draft 4), ``type: file`` (Swagger 2.0), lists in ``items`` and numbers
in quotes. Without such a keyword a schema allows more than it should, so that the API decides.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

__all__ = ["problem_of"]

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


def _is_map_of_schemas(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_schema, cast("Mapping[str, Any]", value).values()))


def _is_list_of_names(value: Any) -> bool:
    names = cast("list[Any]", value)
    return isinstance(value, list) and all(isinstance(name, str | int | float) for name in names)


_RULES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "type": (_is_type, f"a type is one of {', '.join(sorted(_TYPES))}"),
    "required": (_is_list_of_names, "it must be a list of names"),
    "enum": (lambda value: isinstance(value, list), "it must be a list"),
    "examples": (lambda value: isinstance(value, list), "it must be a list"),
    "properties": (_is_map_of_schemas, "it must hold a schema for each name"),
    "patternProperties": (_is_map_of_schemas, "it must hold a schema for each pattern"),
    "dependentSchemas": (_is_map_of_schemas, "it must hold a schema for each name"),
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
    **dict.fromkeys(
        ("pattern", "format", "title", "description", "contentEncoding", "contentMediaType"),
        (lambda value: isinstance(value, str), "it must be a string"),
    ),
    "uniqueItems": (lambda value: isinstance(value, bool), "it must be a boolean"),
}
"""Keyword → whether a value is one of its values, and what it must be."""


def problem_of(keyword: str, value: Any) -> str:
    """Return what a value of ``keyword`` must be, or an empty text if it is that."""
    fits, must = _RULES.get(keyword, (None, ""))
    return "" if fits is None or fits(value) else must
