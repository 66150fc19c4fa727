"""Which values a parameter's style can hold; pure.

Only ``deepObject`` and JSON text hold objects and lists in each other. The other styles hold a list of
scalars, or an object of scalars; where the members of an object are parameters of their own, also of lists of
scalars. RFC 6570 leaves anything else undefined (OpenAPI 3.1.1 §4.8.12), so that nobody knows how it is read.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.operation import Parameter
from telefonie_mcp.openapi.references import Json

__all__ = ["check_writable", "holds"]

_MAX_LEVELS: Final = 3
"""Alternatives of alternatives that are looked at: shared ones can double at every level."""


def holds(parameter: Parameter, value: Any) -> bool:
    """Whether ``value`` can be written in the style of ``parameter``."""
    if parameter.json or parameter.deep:
        return True
    match value:
        case list():
            return not any(isinstance(item, list | dict) for item in cast("list[Any]", value))
        case Mapping():
            members: Iterable[Any] = cast("Mapping[str, Any]", value).values()
            return all(_is_flat(member, lists=_explodes(parameter)) for member in members)
        case _:
            return True


def _is_flat(member: Any, *, lists: bool) -> bool:
    if isinstance(member, list):
        return lists and not any(isinstance(item, list | dict) for item in cast("list[Any]", member))
    return not isinstance(member, dict)


def _explodes(parameter: Parameter) -> bool:
    return parameter.location == "query" and parameter.separator is None


def check_writable(parameter: Parameter, where: str) -> None:
    """Raise ``DocumentError`` for a parameter whose schema asks for what its style cannot hold."""
    if not (parameter.json or parameter.deep) and _asks_too_much(parameter, parameter.schema):
        raise DocumentError(f"{where}: its style cannot hold lists or objects inside lists or objects")


def _asks_too_much(parameter: Parameter, schema: Json, levels: int = _MAX_LEVELS) -> bool:
    if alternatives := schema.get("anyOf"):
        return levels > 0 and all(_asks_too_much(parameter, each, levels - 1) for each in alternatives)
    if _is(schema, "array", "items"):
        return _is_nested(schema.get("items"))
    members = [*cast("Json", schema.get("properties", {})).values(), schema.get("additionalProperties")]
    return any(
        _is_nested(member) and not (_explodes(parameter) and _is_list_of_scalars(member))
        for member in members
    )


def _is_list_of_scalars(schema: Any) -> bool:
    return isinstance(schema, Mapping) and (
        _is(cast("Json", schema), "array", "items") and not _is_nested(cast("Json", schema).get("items"))
    )


def _is_nested(schema: Any, levels: int = _MAX_LEVELS) -> bool:
    """Whether a schema allows nothing but lists and objects."""
    if not isinstance(schema, Mapping):
        return False
    node = cast("Json", schema)
    if alternatives := node.get("anyOf"):
        return levels > 0 and all(_is_nested(each, levels - 1) for each in alternatives)
    return _is(node, "array", "items") or _is(node, "object", "properties")


def _is(schema: Json, kind: str, keyword: str) -> bool:
    return schema.get("type", kind if keyword in schema else None) == kind
