"""Violations of an input schema in words: what is wrong with an argument, or what it must be; pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from telefonie_mcp.errors import Violation
from telefonie_mcp.openapi.combining import Json
from telefonie_mcp.text import clean, did_you_mean
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.validation import UNCHECKED, is_unchecked

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["MAX_VIOLATIONS", "excerpt", "path_text", "received", "schema_at", "schema_violations"]

MAX_VIOLATIONS: Final = 50
"""Violations that one error lists; bounds the time spent on a large invalid argument."""

_MAX_EXCERPT: Final = 60
"""Characters of a bad value that an error repeats."""

_MAX_LISTING: Final = 500
"""Characters of a list of allowed values or names in an error."""

_REQUIREMENTS: Final = {
    "exclusiveMaximum": "must be less than {limit}",
    "exclusiveMinimum": "must be greater than {limit}",
    "format": "must be a valid {format}",
    "maxItems": "must have at most {limit} items",
    "maxLength": "must have at most {limit} characters",
    "maxProperties": "must have at most {limit} members",
    "maximum": "must be at most {limit}",
    "minItems": "must have {limit} or more items",
    "minLength": "must have {limit} or more characters",
    "minProperties": "must have {limit} or more members",
    "minimum": "must be at least {limit}",
    "multipleOf": "must be a multiple of {multiple_of}",
    "uniqueItems": "must not hold the same item twice",
}
"""JSON Schema keyword → what a valid value must be; the fields come from the validator's error."""

_OTHER_KIND: Final = frozenset({"type", "enum", "const"})
"""Keywords whose violation by a value says that this is not the alternative that is meant."""

_INSIDE: Final = frozenset({"additionalProperties", "anyOf", "required"})
"""Keywords whose violation names a place inside the value."""

_DISTANCES: Final = {"enum": 5, "additionalProperties": 2, "required": 2}

_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"
_JOINERS: Final = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""What is left of them after cleaning belongs to a word."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def schema_violations(tool: Tool, error: "ValidationError") -> Iterator[Violation]:
    """Yield what an error of the validator says about the arguments of ``tool``."""
    kind = error.kind.as_dict()
    path = error.instance_path
    place = path_text(path)
    match error.kind.name:
        case "required":
            name = kind["property"]
            described = _described(_violated(tool, error).get("properties", {}).get(name))
            yield Violation(path_text([*path, name]), f"is required{described}")
        case "additionalProperties":
            known = list(_violated(tool, error).get("properties", {}))
            owner = f"a member of {place}" if place else f"an argument of {tool.name}"
            for name in islice(kind["unexpected"], MAX_VIOLATIONS):
                listing = excerpt(", ".join(known) or "none", _MAX_LISTING)
                names = f"the {'members' if place else 'arguments'} are {listing}"
                remedy = did_you_mean(name, known, names)
                yield Violation(path_text([*path, name]), f"is not {owner}; {remedy}")
        case "anyOf" if meant := _meant(error):
            for inner in meant:
                yield from schema_violations(tool, inner)
        case "propertyNames":
            inner = kind["error"]
            words = _requirement(inner.kind.name, inner.kind.as_dict(), _described(_violated(tool, error)))
            yield Violation(path_text([*path, inner.instance]), f"is a name that {words}")
        case "contains":
            wanted = _violated(tool, error)
            least, most = wanted.get("minContains", 1), wanted.get("maxContains")
            number = f"{least} or more items" if most is None else f"{least} to {most} items"
            problem = f"must hold {number} that follow {excerpt(wanted['contains'])}{_described(wanted)}"
            secret = bool(path) and path[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {received(error.instance)}")
        case name:
            if is_unchecked(error):
                yield Violation(place, UNCHECKED)
                return
            problem = _requirement(name, kind, _described(_violated(tool, error)))
            if name == "enum" and isinstance(error.instance, str):
                problem += _suggestion(error.instance, kind["options"])
            secret = bool(path) and path[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {received(error.instance)}")


def _violated(tool: Tool, error: "ValidationError") -> Json:
    """Return the schema that has the violated keyword."""
    schema: Any = tool.input_schema
    for step in error.schema_path[:-1]:
        schema = schema[step]
    return cast("Json", schema)


def _meant(error: "ValidationError") -> "list[ValidationError]":
    """Return the violations of the alternative that a value is meant to be, as far as they are known.

    That is the closest one; of several, what is wrong in all of them. Only what is wrong inside the value
    tells more than that no alternative fits, unless there is only one for its type.
    """
    own = error.instance_path
    alternatives: list[list[ValidationError]] = [
        each
        for each in error.kind.as_dict()["context"]
        if not any(inner.instance_path == own and inner.kind.name in _OTHER_KIND for inner in each)
    ]
    if not alternatives:  # the only one of its type, whose values are others
        whole: list[list[ValidationError]] = error.kind.as_dict()["context"]
        typed = [each for each in whole if not any(_is_of_another_type(inner, own) for inner in each)]
        return typed[0] if len(typed) == 1 and len(whole) > 1 else []
    least = min(map(_distance, alternatives), default=0)
    first, *others = [each for each in alternatives if _distance(each) == least] or [[]]
    elsewhere = [{*map(_identity, each)} for each in others]
    shared = [inner for inner in first if all(_identity(inner) in each for each in elsewhere)]
    inside = any(inner.instance_path != own or inner.kind.name in _INSIDE for inner in shared)
    return shared if inside or len(alternatives) == 1 else []


def _is_of_another_type(error: "ValidationError", path: Sequence[str | int]) -> bool:
    return error.instance_path == path and error.kind.name == "type"


def _identity(error: "ValidationError") -> str:
    return f"{error.instance_path} {error.kind.name} {error.message}"


def _distance(violations: "list[ValidationError]") -> int:
    """Return how far a value is from an alternative; a wrong constant says that another one is meant."""
    return sum(_DISTANCES.get(each.kind.name, 1) for each in violations)


def _requirement(keyword: str, kind: Mapping[str, Any], described: str) -> str:
    """Return what a valid value must be, given the violated keyword and the validator's facts about it."""
    match keyword:
        case "type":
            return f"must be of type {' or '.join(kind['types'])}{described}"
        case "enum":
            return f"must be one of {excerpt(', '.join(map(excerpt, kind['options'])), _MAX_LISTING)}"
        case "pattern":
            return f"must match {kind['pattern']}{described}"
        case "anyOf":
            first = [alternative[0].kind for alternative in kind["context"]]
            types = {name: None for each in first if each.name == "type" for name in each.as_dict()["types"]}
            other_types = all(each.name == "type" for each in first)
            alternatives = (
                f"be of type {' or '.join(types)}" if other_types else "match one of its alternatives"
            )
            return f"must {alternatives}{described}"
        case _ if keyword in _REQUIREMENTS:
            return _REQUIREMENTS[keyword].format_map(kind)
        case _:
            return f"violates {keyword}{described}"


def _suggestion(value: str, options: Sequence[Any]) -> str:
    """Return, after what a value must be, which of the options was meant, if one is like it in any case."""
    known = {option.casefold(): option for option in options if isinstance(option, str)}
    meant = did_you_mean(value.casefold(), known, "")
    return f"; {meant}" if meant else ""


def path_text(path: Sequence[str | int]) -> str:
    """Return a path in the arguments, such as ``tags[0].name``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{excerpt(step)}" for step in path)
    return text.removeprefix(".")


def schema_at(tool: Tool, path: Sequence[str | int]) -> Json:
    """Return the schema at ``path`` in the arguments of ``tool``."""
    schema: Any = tool.input_schema
    for step in path:
        inner = schema.get("items", {}) if isinstance(step, int) else schema.get("properties", {})
        schema = inner if isinstance(step, int) else inner.get(step, {})
    return cast("Json", schema)


def _described(schema: Any) -> str:
    text = cast("Json", schema).get("description") if isinstance(schema, Mapping) else None
    return f" ({text})" if text else ""


def received(value: Any) -> str:
    """Return what was received, in parentheses, to follow what it must be."""
    quote = '"' if isinstance(value, str) else ""
    return f"(got {quote}{excerpt(value)}{quote})"


def excerpt(value: Any, limit: int = _MAX_EXCERPT) -> str:
    """Return a string, or any other value as JSON, cut to ``limit`` printable characters."""
    pieces = [value] if isinstance(value, str) else islice(_ENCODER.iterencode(value), limit + 1)
    text = clean(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", _UNPRINTABLE, "".join(pieces)[: 2 * limit]))
    text = "".join(char if char.isprintable() or char in _JOINERS else _UNPRINTABLE for char in text)
    return f"{text[:limit]}…" if len(text) > limit else text
