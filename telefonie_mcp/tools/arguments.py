"""Arguments of a call: normalised, then validated, every violation reported at once.

Validation happens here and nowhere else; no client's validation is relied on. What is accepted is exactly
what will be sent.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast

from telefonie_mcp.errors import NOTHING_DONE, DocumentError, ToolError, Violation
from telefonie_mcp.openapi.operation import Parameter
from telefonie_mcp.tools.catalog import CONFIRM, Catalog, Tool
from telefonie_mcp.tools.formats import FORMATS

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["check_schemas", "read_arguments"]

_SHOWN: Final = 60
"""Characters of a bad value that an error repeats."""

_UNWRITABLE: Final = "holds what JSON cannot carry: NaN, an infinity, broken Unicode or bottomless nesting"


def read_arguments(tool: Tool, arguments: Mapping[str, Any] | None) -> tuple[dict[str, Any], bool]:
    """Return the arguments in canonical form, and whether ``confirm`` was exactly ``true``.

    An explicit null counts as absent, since some clients send it for every optional argument.

    Raises:
        ToolError: ``invalid_arguments``, with every violation.

    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    confirmed = tool.destructive and given.pop(CONFIRM, None) is True
    unwritable = [name for name, value in given.items() if not _writable(name, value)]
    readable = {
        name: _normalise(tool, name, value) for name, value in given.items() if name not in unwritable
    }
    violations = [Violation(_shown(name), _UNWRITABLE) for name in unwritable]
    violations += [v for v in _violations(tool, readable) if v.field not in unwritable]
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
    return True


def _normalise(tool: Tool, name: str, value: Any) -> Any:
    kind = tool.formats.get(name)
    if kind and isinstance(value, list):
        items = cast("list[Any]", value)
        return [FORMATS[kind].normalise(item) if isinstance(item, str) else item for item in items]
    return FORMATS[kind].normalise(value) if kind and isinstance(value, str) else value


def _violations(tool: Tool, given: dict[str, Any]) -> Iterator[Violation]:
    whole = {**given, CONFIRM: True} if tool.destructive else given
    formatted = dict(_formatted(tool, given))
    for error in tool.argument_validator.iter_errors(whole):
        path = error.instance_path
        if _place(path) in formatted:
            continue  # its format explains it better
        yield from _explain(tool, error)
    for place, (kind, value) in formatted.items():
        if problem := FORMATS[kind].problem(value):
            secret = place.partition("[")[0] in tool.secrets
            yield Violation(place, problem if secret else f"{problem} {_got(value)}")
    for binding in tool.bindings:
        value = given.get(binding.argument)
        in_path = isinstance(binding.place, Parameter) and binding.place.location == "path"
        if in_path and binding.argument not in formatted and isinstance(value, str) and not value.strip("."):
            yield Violation(binding.argument, f"must not be empty or dots alone {_got(value)}")


def _formatted(tool: Tool, given: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the place of every string that has a format, with the format and the string."""
    for name, kind in tool.formats.items():
        value = given.get(name)
        if isinstance(value, str):
            yield name, (kind, value)
        elif isinstance(value, list):
            for position, item in enumerate(cast("list[Any]", value)):
                if isinstance(item, str):
                    yield f"{name}[{position}]", (kind, item)


def _explain(tool: Tool, error: "ValidationError") -> Iterator[Violation]:
    kind = error.kind.as_dict()
    place = _place(error.instance_path)
    described = _description(tool, error.instance_path)
    secret = bool(error.instance_path) and error.instance_path[0] in tool.secrets
    got = "" if secret else f" {_got(error.instance)}"
    match error.kind.name:
        case "required":
            name = kind["property"]
            field = f"{place}.{name}" if place else name
            text = _description(tool, [*error.instance_path, name])
            yield Violation(field, f"is required{text}")
        case "additionalProperties":
            known = [name for name in tool.input_schema["properties"] if not place]
            for name in kind["unexpected"]:
                close = get_close_matches(name[:_SHOWN], known, n=1)
                remedy = (
                    f"did you mean {close[0]}?"
                    if close
                    else f"the arguments are {', '.join(known) or 'none'}"
                )
                nested = f"{place}.{_shown(name)}" if place else _shown(name)
                yield Violation(nested, f"is not an argument of {tool.name}; {remedy}")
        case "type":
            wanted = (
                " or ".join(kind["types"]) if isinstance(kind.get("types"), list) else str(kind.get("types"))
            )
            yield Violation(place, f"must be of type {wanted}{described}{got}")
        case "enum":
            options = json.loads(kind["options"]) if isinstance(kind["options"], str) else kind["options"]
            yield Violation(place, f"must be one of {', '.join(map(str, options))}{got}")
        case "maximum" | "minimum" | "exclusiveMaximum" | "exclusiveMinimum" as bound:
            words = {
                "maximum": "at most",
                "minimum": "at least",
                "exclusiveMaximum": "less than",
                "exclusiveMinimum": "greater than",
            }[bound]
            yield Violation(place, f"must be {words} {kind['limit']}{got}")
        case "maxLength" | "minLength" as bound:
            words = "at most" if bound == "maxLength" else "at least"
            yield Violation(place, f"must have {words} {kind['limit']} characters{got}")
        case "pattern":
            yield Violation(place, f"must match {kind['pattern']}{described}{got}")
        case name:
            yield Violation(place, f"violates {name}{described}{got}")


def _place(path: list[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _description(tool: Tool, path: list[str | int]) -> str:
    schema: Any = tool.input_schema
    for step in path:
        schema = (
            schema.get("items", {}) if isinstance(step, int) else schema.get("properties", {}).get(step, {})
        )
    text = cast("Mapping[str, Any]", schema).get("description")
    return f" ({text})" if text else ""


def _got(value: Any) -> str:
    quote = '"' if isinstance(value, str) else ""
    return f"(got {quote}{_shown(value)}{quote})"


def _shown(value: Any) -> str:
    """Return a bad value, or an unknown name, short and printable."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: _SHOWN + 1])
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text


def _refusal(tool: Tool, violations: list[Violation]) -> ToolError:
    names = ", ".join(dict.fromkeys(v.field for v in violations[:20]))
    what = (
        f"{names} {violations[0].problem}"
        if len(violations) == 1
        else f"{len(violations)} arguments are invalid: {names}"
    )
    return ToolError(
        f"{NOTHING_DONE}: {what}",
        code="invalid_arguments",
        field=violations[0].field,
        hint=f"Correct the named arguments and call {tool.name} again.",
        errors=[{"field": v.field, "problem": v.problem} for v in violations[:50]],
    )
