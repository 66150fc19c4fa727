"""Arguments as clients send them → as the schema wants them, where that is unambiguous; pure.

Some clients send every argument as a string, and some models a number where a string of digits is wanted. A
string becomes an integer, number, boolean, list or object only where the schema allows no string and the
string is the JSON text of exactly that. Secrets stay as they are: leading zeros belong to them.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, cast

from telefonie_mcp.openapi.references import Json
from telefonie_mcp.tools.catalog import Tool, member_name
from telefonie_mcp.tools.validation import compile_schema, values_in
from telefonie_mcp.upstream.outcomes import parse_json

__all__ = ["MAX_VALUES", "as_wanted"]

MAX_VALUES: Final = 20_000
"""Values in the arguments of one call, those in lists and objects included; looking at each takes time."""

_MAX_TEXT: Final = 1_000_000
"""Characters of a JSON text that is read."""

_MAX_DIGITS: Final = 32
"""Digits of a number that becomes a string."""

_MAX_DEPTH: Final = 64
"""Levels of an argument that are looked at; a deeper one is refused."""

_NO_DIGITS: Final = "aZ_-+. "
"""A pattern that also allows one of these in place of a digit does not want digits."""

_WANTED: Final[Mapping[type, frozenset[str]]] = {
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
}
"""Type of a JSON text → the types of a schema that want it."""


def as_wanted(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments in the types that the input schema of ``tool`` wants."""
    properties = tool.input_schema["properties"]
    return {
        name: value
        if name in tool.secrets
        else _as_wanted(properties.get(name, {}), value, tool.secret_names, _MAX_DEPTH)
        for name, value in arguments.items()
    }


def _as_wanted(schema: Any, value: Any, secrets: frozenset[str], levels: int) -> Any:
    if not isinstance(schema, Mapping) or not levels:
        return value
    source = cast("Json", schema)
    if isinstance(value, str):
        value = _parsed(source, value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return _as_digits(source, value)
    match value:
        case list():
            items = cast("list[Any]", value)
            return [_as_wanted(source.get("items"), item, secrets, levels - 1) for item in items]
        case dict():
            members = cast("Json", source.get("properties") or {})
            others = source.get("additionalProperties")
            return {
                name: member
                if member_name(name) in secrets
                else _as_wanted(members.get(name, others), member, secrets, levels - 1)
                for name, member in cast("dict[str, Any]", value).items()
            }
        case _:
            return value


def _parsed(schema: Json, text: str) -> Any:
    """Return the value of a JSON text where ``schema`` wants such a value and no string."""
    if schema.get("type") == "string":
        return text  # nothing beside it in the schema can allow another type
    kinds = _kinds(schema)
    if kinds is None or "string" in kinds or len(text) > _MAX_TEXT:
        return text
    with suppress(ValueError, RecursionError):
        value = parse_json(text)
        scalar = not isinstance(value, list | dict)
        fits = text == text.strip() if scalar else values_in(value, MAX_VALUES) <= MAX_VALUES
        if fits and _kinds_of(value) & kinds:
            return value
    return text


def _as_digits(schema: Json, number: int) -> int | str:
    """Return a number as a string where ``schema`` wants nothing but a string of digits."""
    if _kinds(schema) != frozenset({"string"}) or not 0 <= number < 10**_MAX_DIGITS:
        return number
    digits = str(number)
    if "enum" in schema:
        return digits if digits in schema["enum"] else number
    if "pattern" not in schema:
        return number
    with suppress(ValueError):
        validator = compile_schema({"pattern": schema["pattern"]}, validate_formats=False)
        others = [f"a{digits}", *(f"{digits[:-1]}{other}" for other in _NO_DIGITS)]
        if validator.is_valid(digits) and not any(map(validator.is_valid, others)):
            return digits
    return number


def _kinds(schema: Json) -> frozenset[str] | None:
    """Return the types that ``schema`` allows; ``None`` where it allows any."""
    kinds: list[frozenset[str] | None] = []
    if "type" in schema:
        kind = schema["type"]
        kinds.append(frozenset(cast("list[str]", kind) if isinstance(kind, list) else [str(kind)]))
    elif "enum" in schema:
        kinds.append(frozenset(name for value in schema["enum"] for name in _kinds_of(value)))
    elif "properties" in schema or "items" in schema:
        kinds.append(frozenset({"object" if "properties" in schema else "array"}))
    if alternatives := schema.get("anyOf"):
        known = [_kinds(each) for each in alternatives]
        kinds.append(None if None in known else frozenset[str]().union(*filter(None, known)))
    kinds += map(_kinds, schema.get("allOf", ()))
    allowed = [each for each in kinds if each is not None]
    return allowed[0].intersection(*allowed[1:]) if allowed else None


def _kinds_of(value: object) -> frozenset[str]:
    """Return the types of a schema that want ``value``."""
    return _WANTED.get(type(value), frozenset({"string"} if isinstance(value, str) else ()))
