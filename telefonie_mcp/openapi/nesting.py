"""Styles of parameters (OpenAPI 3.1.1 §4.8.12.2), and which values they can hold; pure.

Only ``deepObject`` and JSON text hold objects and lists in each other. The other styles hold a list of
scalars, or an object of scalars; where the members of an object are parameters of their own, also of lists of
scalars. RFC 6570 leaves anything else undefined (OpenAPI 3.1.1 §4.8.12), so that nobody knows how it is read.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.operation import Location, Parameter
from telefonie_mcp.openapi.references import Json
from telefonie_mcp.openapi.structure import is_true

__all__ = ["check_writable", "holds", "styled"]

_STYLES: Final[Mapping[Location, tuple[str, ...]]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
"""The styles that can be written in each place; the first is used where the document says none."""

_SEPARATORS: Final = {"spaceDelimited": " ", "pipeDelimited": "|"}
_PREFIXES: Final[Mapping[str, Literal[".", ";"]]] = {"label": ".", "matrix": ";"}

_MAX_LEVELS: Final = 3
"""Alternatives of alternatives that are looked at: shared ones can double at every level."""


def styled(name: str, location: Location, node: Json, schema: Json, where: str, *, json: bool) -> Parameter:
    """Return a parameter as its style says that it is written.

    Args:
        name: Its name.
        location: Where it is sent.
        node: The parameter in the document, with references resolved.
        schema: Its converted schema.
        where: Its place, for messages.
        json: It is JSON text, which has no style.

    Raises:
        DocumentError: its style is not supported, or cannot hold what its schema asks for.

    """
    style = node.get("style", _STYLES[location][0])
    if style not in _STYLES[location]:
        supported = ", ".join(_STYLES[location])
        raise DocumentError(f"{where}: style {style!r} is not supported, only {supported}")
    explode = is_true(node.get("explode"), unsaid=style == "form")
    repeats = explode and (location == "query" or style in _PREFIXES)
    parameter = Parameter(
        name=name,
        location=location,
        required=location == "path" or is_true(node.get("required")),  # a path always needs them
        schema=schema,
        separator=None if repeats else _SEPARATORS.get(style, ","),
        assign="=" if explode and style == "simple" else ",",
        json=json,
        deep=style == "deepObject",
        prefix="" if json else _PREFIXES.get(style, ""),
        reserved=location == "query" and is_true(node.get("allowReserved")),
    )
    check_writable(parameter, where)
    return parameter


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
