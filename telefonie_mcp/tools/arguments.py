"""Arguments of a call: in the types that the input schema wants, normalised, then validated against it.

All violations are in one error.

Clients may validate as well, but nothing depends on it. The accepted arguments are sent unchanged.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, cast

from telefonie_mcp.errors import NOTHING_DONE, ToolError, Violation
from telefonie_mcp.openapi.nesting import holds
from telefonie_mcp.openapi.operation import Binding, Parameter
from telefonie_mcp.redaction import HIDDEN
from telefonie_mcp.text import control_character
from telefonie_mcp.tools.catalog import CONFIRM, Tool
from telefonie_mcp.tools.changes import check_changes, clears
from telefonie_mcp.tools.coercion import MAX_VALUES, as_wanted
from telefonie_mcp.tools.formats import FORMATS
from telefonie_mcp.tools.validation import values_in, violations_of
from telefonie_mcp.tools.violations import (
    MAX_VIOLATIONS,
    excerpt,
    path_text,
    received,
    schema_at,
    schema_violations,
)
from telefonie_mcp.upstream.serialization import encoded

__all__ = ["read_arguments"]


_MAX_NAMED: Final = 20
"""Violations whose fields the message of an error names; ``errors`` has the rest."""

_MAX_DEPTH: Final = 64
"""Levels of nesting in an argument; jsonschema-rs fails beyond 255."""

_MAX_ENCODED: Final = 8000
"""Characters of an encoded argument outside the body: RFC 9110 §4.1 asks servers to accept URIs this long."""

_SURELY_SHORT: Final = _MAX_ENCODED // 12
"""Characters of a string that cannot be too long: each has at most four bytes of UTF-8, ``%XX`` each."""

_TOO_LONG: Final = f"must have at most {_MAX_ENCODED:,} characters when it is encoded"

_TOO_MANY_VALUES: Final = f"makes more than {MAX_VALUES:,} values with the arguments before it"

_NESTED: Final = "must not hold lists or objects inside lists or objects: nothing says how they are written"

_NOT_ENCODABLE: Final = (
    f"holds what JSON cannot carry: NaN, an infinity, broken Unicode or more than {_MAX_DEPTH} levels"
)

_NOT_SENT: Final = "which is invisible or changes how text reads, and is not sent; leave it out"


def read_arguments(
    tool: Tool, arguments: Mapping[str, Any] | None, found: Sequence[Violation] = ()
) -> tuple[dict[str, Any], bool]:
    """Return the arguments in canonical form, and whether ``confirm`` was exactly ``true``.

    An explicit null counts as absent: many clients send it for every optional argument that was left out.
    Where the hints say that it clears a member, it is kept.

    Args:
        tool: Whose arguments they are.
        arguments: What the caller sent.
        found: Violations that are known already; nothing else is said about their fields.

    Raises:
        ToolError: ``invalid_arguments``, with every violation, or because the call would change nothing.

    """
    few = _few(tool, arguments or {})
    given = {name: value for name, value in few.items() if value is not None or clears(tool, name)}
    confirmed = tool.destructive and given.pop(CONFIRM, None) is True
    _check_size(tool, given)
    wanted = as_wanted(tool, given)
    if wanted is not given:
        _check_size(tool, given := wanted)
    unencodable = {name for name, value in given.items() if not _encodable(name, value)}
    readable = {
        name: _normalise(tool.formats[name], value) if name in tool.formats else value
        for name, value in given.items()
        if name not in unencodable
    }
    violations = [*found]
    violations += [Violation(excerpt(name), _NOT_ENCODABLE) for name in given if name in unencodable]
    violations += [
        Violation(name, f"must be the value itself, which {HIDDEN} only stands for")
        for name in sorted(tool.secrets)
        if given.get(name) == HIDDEN
    ]
    violations += [
        Violation(excerpt(name), f"holds {character}, {_NOT_SENT}")
        for name, value in readable.items()
        if (character := control_character(name) or control_character(value))
    ]
    refused = {violation.field for violation in violations}
    others = (v for v in _violations(tool, readable) if v.field not in refused)
    violations += islice(others, MAX_VIOLATIONS)
    if violations:
        raise _refusal(tool, violations)
    check_changes(tool, readable, nulls=few.keys() - given.keys())
    return readable, confirmed


def _few(tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``arguments`` without those unknown ones that no error would name."""
    known = tool.input_schema["properties"]
    if len(arguments) <= len(known) + MAX_VIOLATIONS:
        return arguments
    unknown = islice((name for name in arguments if name not in known), MAX_VIOLATIONS)
    names = [*(name for name in known if name in arguments), *unknown]
    return {name: True if name not in known else arguments[name] for name in names}


def _check_size(tool: Tool, arguments: dict[str, Any]) -> None:
    """Refuse arguments with so many values that looking at each of them would hold up other calls."""
    left = MAX_VALUES
    if len(arguments) <= left and not any(isinstance(value, dict | list) for value in arguments.values()):
        return  # each is one value
    for name, value in arguments.items():
        count = values_in(value, left)
        if count <= left:
            left -= count
        elif _encodable(name, value):
            whole = {**arguments, CONFIRM: True} if tool.destructive else arguments
            errors = violations_of(tool.argument_validator, tool.input_schema, whole)
            first = next((v for error in errors for v in schema_violations(tool, error)), None)
            raise _refusal(tool, [first or Violation(excerpt(name), _TOO_MANY_VALUES)])


def _encodable(name: str, value: Any) -> bool:
    if isinstance(value, str) and value.isascii() and name.isascii():
        return True  # as nearly every argument
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


def _normalise(kind: str, value: Any) -> Any:
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [FORMATS[kind].normalise(item) if isinstance(item, str) else item for item in items]
    return FORMATS[kind].normalise(value) if isinstance(value, str) else value


def _violations(tool: Tool, given: dict[str, Any]) -> Iterator[Violation]:
    formatted = dict(_formatted_strings(tool, given))
    for place, (kind, value) in formatted.items():
        if problem := FORMATS[kind].problem(value):
            secret = place.partition("[")[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {received(value)}")
    whole = {**given, CONFIRM: True} if tool.destructive else given
    for error in violations_of(tool.argument_validator, tool.input_schema, whole):
        path = error.instance_path
        if path_text(path) in formatted:
            continue  # the format's own message is more specific
        yield from schema_violations(tool, error)
    for binding in tool.bindings:
        if binding.argument in given and binding.argument not in formatted:
            yield from _placement_violations(tool, binding, given[binding.argument])


def _placement_violations(tool: Tool, binding: Binding, value: Any) -> Iterator[Violation]:
    """Yield what makes a value unusable at its place in the request: path, query, header, cookie or form."""
    body = tool.operation.body
    encoding = body.encodings.get(binding.name) if body and binding.place == "member" else binding.place
    if isinstance(encoding, Parameter) and not holds(encoding, value):
        yield Violation(binding.argument, _NESTED)
        return
    if not isinstance(binding.place, Parameter):
        return
    in_path = binding.place.location == "path"
    if isinstance(value, str) and len(value) <= _SURELY_SHORT and not in_path and not binding.place.json:
        return
    if _length(value) > _MAX_ENCODED:
        yield Violation(binding.argument, _TOO_LONG)
        return
    text = encoded(binding.place, value)
    if in_path and not text.strip("."):
        yield Violation(binding.argument, f"must not be empty or dots alone {received(value)}")
    if len(text) > _MAX_ENCODED:
        yield Violation(binding.argument, _TOO_LONG)


def _length(value: Any) -> int:
    """Return how many characters ``value`` has at least when it is encoded."""
    match value:
        case str():
            return len(value)
        case list():
            return sum(map(_length, cast("list[Any]", value)))
        case dict():
            return sum(map(_length, cast("dict[str, Any]", value).values()))
        case _:
            return 0


def _formatted_strings(tool: Tool, given: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the path of every string argument that has a format, with the format's name and the string.

    Items of a list beyond ``maxItems`` are left out: the list is invalid anyway, and parsing phone numbers
    is slow.
    """
    for name, kind in tool.formats.items():
        if (value := given.get(name)) is None:
            continue
        if isinstance(value, str) and schema_at(tool, [name]).get("type") != "array":
            yield name, (kind, value)
        elif isinstance(value, list):
            most = schema_at(tool, [name]).get("maxItems")
            for position, item in enumerate(islice(cast("list[Any]", value), most)):
                if isinstance(item, str):
                    yield f"{name}[{position}]", (kind, item)


def _refusal(tool: Tool, violations: list[Violation]) -> ToolError:
    names = ", ".join(dict.fromkeys(v.field for v in violations[:_MAX_NAMED]))
    count = f"{MAX_VIOLATIONS} or more" if len(violations) >= MAX_VIOLATIONS else len(violations)
    what = (
        f"{names} {violations[0].problem}"
        if len(violations) == 1
        else f"{count} arguments are invalid: {names}"
    )
    errors = [{"field": v.field, "problem": v.problem} for v in violations[:MAX_VIOLATIONS]]
    details: dict[str, Any] = {"errors": errors} if len(errors) > 1 else {}  # of one, the message says all
    return ToolError(
        f"{NOTHING_DONE}: {what}",
        code="invalid_arguments",
        field=violations[0].field,
        hint=f"Correct the named arguments and call {tool.name} again.",
        **details,
    )
