"""How the members of a form are written: Encoding Objects (OpenAPI 3.1.1 §4.8.15); pure."""

from collections.abc import Mapping
from typing import Any, Final, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.nesting import check_writable
from telefonie_mcp.openapi.operation import Parameter
from telefonie_mcp.openapi.references import Json, is_object
from telefonie_mcp.openapi.structure import is_true

__all__ = ["form_encodings"]

_SEPARATORS: Final = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|", "deepObject": ","}
_STYLED: Final = ("style", "explode", "allowReserved")


def form_encodings(encoding: Any, schema: Json, where: str) -> dict[str, Parameter]:
    """Return the members of a form that the document says how to write, as parameters of a query.

    A ``style``, or what belongs to one, comes before a ``contentType``.

    Args:
        encoding: The ``encoding`` of the media type, with references resolved.
        schema: The converted schema of the form.
        where: The operation, for messages.

    Raises:
        DocumentError: a member cannot be written as the document says.

    """
    members = cast("Json", schema.get("properties", {}))
    found: dict[str, Parameter] = {}
    for name, node in cast("Json", encoding).items() if isinstance(encoding, Mapping) else ():
        if not isinstance(node, Mapping) or name not in members:
            continue
        place = f"{where}: the encoding of {name!r}"
        member = _member(name, cast("Json", node), members[name], place)
        if member is not None:
            check_writable(member, place)
            found[name] = member
    return found


def _member(name: str, encoding: Json, schema: Json, where: str) -> Parameter | None:
    if any(keyword in encoding for keyword in _STYLED):
        style = encoding.get("style", "form")
        if style not in _SEPARATORS:
            raise DocumentError(f"{where}: style {style!r} is not supported, only {', '.join(_SEPARATORS)}")
        separator = None if is_true(encoding.get("explode"), unsaid=style == "form") else _SEPARATORS[style]
        return Parameter(name, "query", False, schema, separator, deep=style == "deepObject")
    kinds = [kind.strip().lower() for kind in str(encoding.get("contentType", "")).split(",")]
    if any(kind.endswith(("/json", "+json")) for kind in kinds):
        return Parameter(name, "query", False, schema, json=True)
    if any(kinds) and (is_object(schema) or (schema.get("type") == "array" and is_object(schema["items"]))):
        raise DocumentError(f"{where}: an object cannot be written as {', '.join(kinds)}")
    return None
