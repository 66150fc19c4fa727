"""Arguments as clients send them → as the schema wants them, where that is unambiguous; pure.

Some clients send every argument as a string, and some models a number where a string of digits is wanted. A
string becomes an integer, number, boolean, list or object only where the schema allows no string and the
string is the JSON text of exactly that. Secrets stay as they are: leading zeros belong to them.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, cast

from telefonie_mcp.openapi.combining import Json, without_null
from telefonie_mcp.tools.catalog import Tool, member_name
from telefonie_mcp.tools.validation import compile_schema, values_in
from telefonie_mcp.upstream.outcomes import parse_json

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator

__all__ = ["MAX_VALUES", "as_wanted"]

MAX_VALUES: Final = 20_000
"""Values in the arguments of one call, those in lists and objects included; looking at each takes time."""

_MAX_TEXT: Final = 1_000_000
"""Characters of a JSON text that is read."""

_MAX_DIGITS: Final = 32
"""Digits of a number that becomes a string."""

_MAX_DEPTH: Final = 64
"""Levels of an argument that are looked at; a deeper one is refused."""

_MAX_TRIED: Final = 5_000
"""Values that are tried with alternatives of schemas, in the arguments of one call."""

_MAX_STEPS: Final = 200_000
"""Values, times the schemas and patterns that each is looked at with, in the arguments of one call."""

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


def as_wanted(tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments in the types that the input schema of ``tool`` wants; as they are if they fit."""
    properties = tool.input_schema["properties"]
    coercion = _Coercion(tool.secret_names)
    changed: dict[str, Any] = {}
    for name, value in arguments.items():
        schema = properties.get(name, {})
        if name in tool.secrets or (isinstance(value, str) and _is_string(schema)):
            continue
        wanted = coercion.as_wanted(schema, value, _MAX_DEPTH)
        if wanted is not value:
            changed[name] = wanted
    return {**arguments, **changed} if changed else arguments


class _Coercion:
    """The arguments of one call, and how many schemas may still be looked at and tried for them.

    Args:
        secrets: Names of members that stay as they are.

    """

    def __init__(self, secrets: frozenset[str]) -> None:
        self._secrets = secrets
        self._left = _MAX_TRIED
        self._steps = _MAX_STEPS

    def as_wanted(self, schema: Any, value: Any, levels: int) -> Any:
        """Return ``value`` as ``schema`` wants it, down to so many levels."""
        self._steps -= 1
        if not isinstance(schema, Mapping) or not levels or self._steps < 0:
            return value
        source = cast("Json", schema)
        if isinstance(value, str):
            value = _parsed(source, value)
        elif isinstance(value, int) and not isinstance(value, bool):
            return _as_digits(source, value)
        match value:
            case list():
                items = cast("list[Any]", value)
                wanted = chain(source.get("prefixItems", ()), repeat(source.get("items")))
                value = [self.as_wanted(next(wanted), item, levels - 1) for item in items]
            case dict():
                value = {
                    name: member
                    if member_name(name) in self._secrets
                    else self.as_wanted(self._member(source, name), member, levels - 1)
                    for name, member in cast("dict[str, Any]", value).items()
                }
            case _:
                return value
        for part in source.get("allOf", ()) if self._steps > 0 else ():
            value = self.as_wanted(part, value, levels - 1)
        return self._as_alternative(source.get("anyOf", ()), value, levels)

    def _member(self, schema: Json, name: str) -> Any:
        """Return the schema of a member: by its name, by a pattern, or else that of all others."""
        if name in (members := cast("Json", schema.get("properties") or {})):
            return members[name]
        for pattern, member in cast("Json", schema.get("patternProperties") or {}).items():
            self._steps -= 1
            if self._steps < 0:
                return None
            if compile_schema({"pattern": pattern}, validate_formats=False).is_valid(name):
                return member
        return schema.get("additionalProperties")

    def _as_alternative(self, alternatives: Sequence[Any], value: Any, levels: int) -> Any:
        """Return a list or an object as the only alternative for its type wants it.

        Of several, it is the one that the value then follows; a value that follows one already stays.
        """
        possible = [each for each in alternatives if _allows(each, value)]
        if len(possible) == 1:
            return self.as_wanted(possible[0], value, levels - 1)
        self._left -= len(possible) * values_in(value, MAX_VALUES) if possible else 0
        if not possible or self._left < 0:
            return value
        found: list[Any] = []
        for alternative in possible:
            wanted = self.as_wanted(alternative, value, levels - 1)
            if _validator(_Alternative(alternative)).is_valid(wanted):
                found.append(wanted)
        return found[0] if found and value not in found and found.count(found[0]) == len(found) else value


@dataclass(frozen=True, slots=True, eq=False)
class _Alternative:
    """A schema that is compared as the object that it is: schemas live as long as their tools."""

    schema: Json

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Alternative) and other.schema is self.schema

    def __hash__(self) -> int:
        return id(self.schema)


@lru_cache(maxsize=256)
def _validator(alternative: _Alternative) -> "Draft202012Validator":
    return compile_schema(alternative.schema, validate_formats=False)


def _allows(schema: Any, value: object) -> bool:
    kinds = _kinds(cast("Json", schema)) if isinstance(schema, Mapping) else None
    return kinds is None or bool(_kinds_of(value) & kinds)


def _is_string(schema: Any) -> bool:
    """Whether a schema allows nothing but a string; nothing beside the type can allow another one."""
    return isinstance(schema, dict) and cast("Json", schema).get("type") == "string"


def _parsed(schema: Json, text: str) -> Any:
    """Return the value of a JSON text where ``schema`` wants such a value and no string."""
    if _is_string(schema):
        return text
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
    schema = without_null(dict(schema)) if "anyOf" in schema else schema
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
