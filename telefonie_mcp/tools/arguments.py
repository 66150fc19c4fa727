"""Arguments of a call: normalised, then validated against the input schema, all violations in one error.

Clients may validate as well, but nothing depends on it. The accepted arguments are sent unchanged.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from telefonie_mcp.errors import NOTHING_DONE, DocumentError, ToolError, Violation
from telefonie_mcp.openapi.operation import Binding, Parameter
from telefonie_mcp.openapi.schema import Json
from telefonie_mcp.redaction import HIDDEN
from telefonie_mcp.text import clean, control_character, did_you_mean
from telefonie_mcp.tools.catalog import CONFIRM, Catalog, Tool
from telefonie_mcp.tools.formats import FORMATS
from telefonie_mcp.upstream.serialization import encoded

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["check_schemas", "read_arguments"]

_MAX_EXCERPT: Final = 60
"""Characters of a bad value that an error repeats."""

_MAX_LISTING: Final = 500
"""Characters of a list of allowed values or names in an error."""

_MAX_NAMED: Final = 20
"""Violations whose fields the message of an error names; ``errors`` has the rest."""

_MAX_REASON: Final = 200
"""Characters of the validator's message about an invalid schema."""

_MAX_VIOLATIONS: Final = 50
"""Violations that one error lists; bounds the time spent on a large invalid argument."""

_MAX_DEPTH: Final = 64
"""Levels of nesting in an argument; jsonschema-rs fails beyond 255."""

_MAX_ENCODED: Final = 8000
"""Characters of an encoded argument outside the body: RFC 9110 §4.1 asks servers to accept URIs this long."""

_NOT_ENCODABLE: Final = (
    f"holds what JSON cannot carry: NaN, an infinity, broken Unicode or more than {_MAX_DEPTH} levels"
)

_NOT_SENT: Final = "which is invisible or changes how text reads, and is not sent; leave it out"

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

_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"
_JOINERS: Final = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""What is left of them after cleaning belongs to a word."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def read_arguments(tool: Tool, arguments: Mapping[str, Any] | None) -> tuple[dict[str, Any], bool]:
    """Return the arguments in canonical form, and whether ``confirm`` was exactly ``true``.

    An explicit null counts as absent: many clients send it for every optional argument that was left out.

    Raises:
        ToolError: ``invalid_arguments``, with every violation.

    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    confirmed = tool.destructive and given.pop(CONFIRM, None) is True
    unencodable = {name for name, value in given.items() if not _encodable(name, value)}
    readable = {
        name: _normalise(tool, name, value) for name, value in given.items() if name not in unencodable
    }
    violations = [Violation(_excerpt(name), _NOT_ENCODABLE) for name in given if name in unencodable]
    violations += [
        Violation(name, f"must be the value itself, which {HIDDEN} only stands for")
        for name in sorted(tool.secrets)
        if given.get(name) == HIDDEN
    ]
    violations += [
        Violation(_excerpt(name), f"holds {character}, {_NOT_SENT}")
        for name, value in readable.items()
        if (character := control_character({name: value}))
    ]
    refused = {violation.field for violation in violations}
    others = (v for v in _violations(tool, readable) if v.field not in refused)
    violations += islice(others, _MAX_VIOLATIONS)
    if violations:
        raise _refusal(tool, violations)
    return readable, confirmed


def check_schemas(catalog: Catalog) -> None:
    """Compile the schemas of every tool, so that an invalid one stops the start and not a later call.

    Raises:
        DocumentError: a schema is not valid JSON Schema 2020-12; the message names the tool.

    """
    for tool in catalog:
        try:
            _ = tool.argument_validator, tool.result_validator
        except ValueError as error:
            reason = " ".join(str(error).split())[:_MAX_REASON]
            raise DocumentError(
                f"{tool.document.title}: the schema of {tool.name} is invalid: {reason}"
            ) from error


def _encodable(name: str, value: Any) -> bool:
    try:
        json.dumps({name: value}, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return not _nested_deeper_than(value, _MAX_DEPTH)


def _nested_deeper_than(value: Any, levels: int) -> bool:
    match value:
        case list():
            inner = cast("list[Any]", value)
        case dict():
            inner = cast("dict[str, Any]", value).values()
        case _:
            return False
    return not levels or any(_nested_deeper_than(member, levels - 1) for member in inner)


def _normalise(tool: Tool, name: str, value: Any) -> Any:
    kind = tool.formats.get(name)
    if kind and isinstance(value, list):
        items = cast("list[Any]", value)
        return [FORMATS[kind].normalise(item) if isinstance(item, str) else item for item in items]
    return FORMATS[kind].normalise(value) if kind and isinstance(value, str) else value


def _violations(tool: Tool, given: dict[str, Any]) -> Iterator[Violation]:
    formatted = dict(_formatted_strings(tool, given))
    for place, (kind, value) in formatted.items():
        if problem := FORMATS[kind].problem(value):
            secret = place.partition("[")[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {_received(value)}")
    whole = {**given, CONFIRM: True} if tool.destructive else given
    for error in tool.argument_validator.iter_errors(whole):
        path = error.instance_path
        if _path_text(path) in formatted:
            continue  # the format's own message is more specific
        yield from _schema_violations(tool, error)
    for binding in tool.bindings:
        if binding.argument in given and binding.argument not in formatted:
            yield from _placement_violations(binding, given[binding.argument])


def _placement_violations(binding: Binding, value: Any) -> Iterator[Violation]:
    """Yield what makes a value unusable at its place in the request: path, query, header or cookie."""
    if not isinstance(binding.place, Parameter):
        return
    text = encoded(binding.place, value)
    if binding.place.location == "path" and not text.strip("."):
        yield Violation(binding.argument, f"must not be empty or dots alone {_received(value)}")
    if len(text) > _MAX_ENCODED:
        yield Violation(binding.argument, f"must have at most {_MAX_ENCODED:,} characters when it is encoded")


def _formatted_strings(tool: Tool, given: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the path of every string argument that has a format, with the format's name and the string.

    Items of a list beyond ``maxItems`` are left out: the list is invalid anyway, and parsing phone numbers
    is slow.
    """
    for name, kind in tool.formats.items():
        value = given.get(name)
        if isinstance(value, str) and _schema_at(tool, [name]).get("type") != "array":
            yield name, (kind, value)
        elif isinstance(value, list):
            most = _schema_at(tool, [name]).get("maxItems")
            for position, item in enumerate(islice(cast("list[Any]", value), most)):
                if isinstance(item, str):
                    yield f"{name}[{position}]", (kind, item)


def _schema_violations(tool: Tool, error: "ValidationError") -> Iterator[Violation]:
    kind = error.kind.as_dict()
    path = error.instance_path
    place = _path_text(path)
    match error.kind.name:
        case "required":
            name = kind["property"]
            yield Violation(_path_text([*path, name]), f"is required{_description(tool, [*path, name])}")
        case "additionalProperties":
            known = list(_schema_at(tool, path).get("properties", {}))
            owner = f"a member of {place}" if place else f"an argument of {tool.name}"
            for name in islice(kind["unexpected"], _MAX_VIOLATIONS):
                listing = _excerpt(", ".join(known) or "none", _MAX_LISTING)
                names = f"the {'members' if place else 'arguments'} are {listing}"
                remedy = did_you_mean(name, known, names)
                yield Violation(_path_text([*path, name]), f"is not {owner}; {remedy}")
        case name:
            problem = _requirement(name, kind, _description(tool, path))
            secret = bool(path) and path[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {_received(error.instance)}")


def _requirement(keyword: str, kind: Mapping[str, Any], described: str) -> str:
    """Return what a valid value must be, given the violated keyword and the validator's facts about it."""
    match keyword:
        case "type":
            return f"must be of type {' or '.join(kind['types'])}{described}"
        case "enum":
            return f"must be one of {_excerpt(', '.join(map(_excerpt, kind['options'])), _MAX_LISTING)}"
        case "pattern":
            return f"must match {kind['pattern']}{described}"
        case "anyOf":
            first = [alternative[0].kind for alternative in kind["context"]]
            types = {name: None for each in first if each.name == "type" for name in each.as_dict()["types"]}
            alternatives = f"be of type {' or '.join(types)}" if types else "match one of its alternatives"
            return f"must {alternatives}{described}"
        case _ if keyword in _REQUIREMENTS:
            return _REQUIREMENTS[keyword].format_map(kind)
        case _:
            return f"violates {keyword}{described}"


def _path_text(path: Sequence[str | int]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_excerpt(step)}" for step in path)
    return text.removeprefix(".")


def _schema_at(tool: Tool, path: Sequence[str | int]) -> Json:
    schema: Any = tool.input_schema
    for step in path:
        inner = schema.get("items", {}) if isinstance(step, int) else schema.get("properties", {})
        schema = inner if isinstance(step, int) else inner.get(step, {})
    return cast("Json", schema)


def _description(tool: Tool, path: Sequence[str | int]) -> str:
    text = _schema_at(tool, path).get("description")
    return f" ({text})" if text else ""


def _received(value: Any) -> str:
    quote = '"' if isinstance(value, str) else ""
    return f"(got {quote}{_excerpt(value)}{quote})"


def _excerpt(value: Any, limit: int = _MAX_EXCERPT) -> str:
    """Return a string, or any other value as JSON, cut to ``limit`` printable characters."""
    pieces = [value] if isinstance(value, str) else islice(_ENCODER.iterencode(value), limit + 1)
    text = clean(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", _UNPRINTABLE, "".join(pieces)[: 2 * limit]))
    text = "".join(char if char.isprintable() or char in _JOINERS else _UNPRINTABLE for char in text)
    return f"{text[:limit]}…" if len(text) > limit else text


def _refusal(tool: Tool, violations: list[Violation]) -> ToolError:
    names = ", ".join(dict.fromkeys(v.field for v in violations[:_MAX_NAMED]))
    count = f"{_MAX_VIOLATIONS} or more" if len(violations) >= _MAX_VIOLATIONS else len(violations)
    what = (
        f"{names} {violations[0].problem}"
        if len(violations) == 1
        else f"{count} arguments are invalid: {names}"
    )
    return ToolError(
        f"{NOTHING_DONE}: {what}",
        code="invalid_arguments",
        field=violations[0].field,
        hint=f"Correct the named arguments and call {tool.name} again.",
        errors=[{"field": v.field, "problem": v.problem} for v in violations[:_MAX_VIOLATIONS]],
    )
