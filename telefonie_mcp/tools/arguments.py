"""Arguments of a call: normalised, then validated, every violation reported at once.

Validation happens here and nowhere else; no client's validation is relied on. What is accepted is exactly
what will be sent.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from telefonie_mcp.errors import NOTHING_DONE, DocumentError, ToolError, Violation
from telefonie_mcp.openapi.operation import Binding, Parameter
from telefonie_mcp.openapi.schema import Json
from telefonie_mcp.redaction import HIDDEN
from telefonie_mcp.text import did_you_mean
from telefonie_mcp.tools.catalog import CONFIRM, Catalog, Tool
from telefonie_mcp.tools.formats import FORMATS
from telefonie_mcp.upstream.serialization import encoded

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["check_schemas", "read_arguments"]

_SHOWN: Final = 60
"""Characters of a bad value that an error repeats."""

_REPORTED: Final = 50
"""Violations that one refusal lists; looking for more would only cost time."""

_MAX_DEPTH: Final = 64
"""Levels of lists and objects in an argument; the validator gives up at 255."""

_MAX_ENCODED: Final = 8000
"""Characters of an argument outside the body: as many as every server must accept (RFC 9110 §4.1)."""

_UNWRITABLE: Final = (
    f"holds what JSON cannot carry: NaN, an infinity, broken Unicode or more than {_MAX_DEPTH} levels"
)

_REMEDIES: Final = {
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
"""Keyword of JSON Schema → what would be right, with what the validator says about the keyword."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def read_arguments(tool: Tool, arguments: Mapping[str, Any] | None) -> tuple[dict[str, Any], bool]:
    """Return the arguments in canonical form, and whether ``confirm`` was exactly ``true``.

    An explicit null counts as absent, since some clients send it for every optional argument.

    Raises:
        ToolError: ``invalid_arguments``, with every violation.

    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    confirmed = tool.destructive and given.pop(CONFIRM, None) is True
    unwritable = {name for name, value in given.items() if not _writable(name, value)}
    readable = {
        name: _normalise(tool, name, value) for name, value in given.items() if name not in unwritable
    }
    violations = [Violation(_shown(name), _UNWRITABLE) for name in given if name in unwritable]
    violations += [
        Violation(name, f"must be the value itself, which {HIDDEN} only stands for")
        for name in sorted(tool.secrets)
        if given.get(name) == HIDDEN
    ]
    others = (v for v in _violations(tool, readable) if v.field not in unwritable)
    violations += islice(others, _REPORTED)
    if violations:
        raise _refusal(tool, violations)
    return readable, confirmed


def check_schemas(catalog: Catalog) -> None:
    """Compile every schema now, so that a document's mistakes stop the start and not a call.

    Raises:
        DocumentError: naming the tool whose schema is no JSON Schema 2020-12.

    """
    for tool in catalog:
        try:
            _ = tool.argument_validator, tool.result_validator
        except ValueError as error:
            reason = " ".join(str(error).split())[:200]
            raise DocumentError(
                f"{tool.document.title}: the schema of {tool.name} is invalid: {reason}"
            ) from error


def _writable(name: str, value: Any) -> bool:
    try:
        json.dumps({name: value}, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return not _deeper(value, _MAX_DEPTH)


def _deeper(value: Any, levels: int) -> bool:
    match value:
        case list():
            inner = cast("list[Any]", value)
        case dict():
            inner = cast("dict[str, Any]", value).values()
        case _:
            return False
    return not levels or any(_deeper(member, levels - 1) for member in inner)


def _normalise(tool: Tool, name: str, value: Any) -> Any:
    kind = tool.formats.get(name)
    if kind and isinstance(value, list):
        items = cast("list[Any]", value)
        return [FORMATS[kind].normalise(item) if isinstance(item, str) else item for item in items]
    return FORMATS[kind].normalise(value) if kind and isinstance(value, str) else value


def _violations(tool: Tool, given: dict[str, Any]) -> Iterator[Violation]:
    formatted = dict(_formatted(tool, given))
    for place, (kind, value) in formatted.items():
        if problem := FORMATS[kind].problem(value):
            secret = place.partition("[")[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {_got(value)}")
    whole = {**given, CONFIRM: True} if tool.destructive else given
    for error in tool.argument_validator.iter_errors(whole):
        path = error.instance_path
        if _place(path) in formatted:
            continue  # its format explains it better
        yield from _explain(tool, error)
    for binding in tool.bindings:
        if binding.argument in given and binding.argument not in formatted:
            yield from _misplaced(binding, given[binding.argument])


def _misplaced(binding: Binding, value: Any) -> Iterator[Violation]:
    """Yield what is wrong with a value only because of where it would stand in the request."""
    if not isinstance(binding.place, Parameter):
        return
    text = encoded(binding.place, value)
    if binding.place.location == "path" and not text.strip("."):
        yield Violation(binding.argument, f"must not be empty or dots alone {_got(value)}")
    if len(text) > _MAX_ENCODED:
        yield Violation(binding.argument, f"must have at most {_MAX_ENCODED:,} characters when it is encoded")


def _formatted(tool: Tool, given: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the place of every string that has a format, with the format and the string.

    Of a list that is too long anyway, only as many items as it may have: reading numbers takes its time.
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


def _explain(tool: Tool, error: "ValidationError") -> Iterator[Violation]:
    kind = error.kind.as_dict()
    path = error.instance_path
    place = _place(path)
    match error.kind.name:
        case "required":
            name = kind["property"]
            yield Violation(_place([*path, name]), f"is required{_description(tool, [*path, name])}")
        case "additionalProperties":
            known = list(_schema_at(tool, path).get("properties", {}))
            owner = f"a member of {place}" if place else f"an argument of {tool.name}"
            for name in islice(kind["unexpected"], _REPORTED):
                names = (
                    f"the {'members' if place else 'arguments'} are {_shown(', '.join(known) or 'none', 500)}"
                )
                remedy = did_you_mean(name, known, names)
                yield Violation(_place([*path, name]), f"is not {owner}; {remedy}")
        case name:
            problem = _remedy(name, kind, _description(tool, path))
            secret = bool(path) and path[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {_got(error.instance)}")


def _remedy(keyword: str, kind: Mapping[str, Any], described: str) -> str:
    """Return what would be right, from the keyword that is violated and what the validator says about it."""
    match keyword:
        case "type":
            return f"must be of type {' or '.join(kind['types'])}{described}"
        case "enum":
            return f"must be one of {_shown(', '.join(map(_shown, kind['options'])), 500)}"
        case "pattern":
            return f"must match {kind['pattern']}{described}"
        case "anyOf":
            first = [alternative[0].kind for alternative in kind["context"]]
            types = {name: None for each in first if each.name == "type" for name in each.as_dict()["types"]}
            alternatives = f"be of type {' or '.join(types)}" if types else "match one of its alternatives"
            return f"must {alternatives}{described}"
        case _ if keyword in _REMEDIES:
            return _REMEDIES[keyword].format_map(kind)
        case _:
            return f"violates {keyword}{described}"


def _place(path: Sequence[str | int]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" for step in path)
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


def _got(value: Any) -> str:
    quote = '"' if isinstance(value, str) else ""
    return f"(got {quote}{_shown(value)}{quote})"


def _shown(value: Any, limit: int = _SHOWN) -> str:
    """Return a value, or a name, short and printable: a string as it is, the rest as JSON."""
    pieces = [value] if isinstance(value, str) else islice(_ENCODER.iterencode(value), limit + 1)
    text = "".join(pieces)[: limit + 1]
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return f"{text[:limit]}…" if len(text) > limit else text


def _refusal(tool: Tool, violations: list[Violation]) -> ToolError:
    names = ", ".join(dict.fromkeys(v.field for v in violations[:20]))
    count = f"{_REPORTED} or more" if len(violations) >= _REPORTED else len(violations)
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
        errors=[{"field": v.field, "problem": v.problem} for v in violations[:_REPORTED]],
    )
