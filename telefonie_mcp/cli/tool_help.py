"""One tool as ``call TOOL --help`` and ``tools TOOL`` show it; pure."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from telefonie_mcp.cli.arguments import is_base64, types_of
from telefonie_mcp.cli.terminal import paragraph
from telefonie_mcp.errors import ToolError
from telefonie_mcp.openapi.hints import sentence
from telefonie_mcp.text import clean_line
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import CONFIRM, Tool

__all__ = ["example", "tool_help"]

_FORMATS: Final = {
    "e164": ("phone number", "+14155550123"),
    "country": ("country code", "US"),
    "area_code": ("digits", "415"),
    "host": ("host name", "hooks.example.com"),
    "webhook": ("URL", "https://example.com/voice"),
    "webhook_or_empty": ("URL, or empty to remove it", "https://example.com/voice"),
    "date": ("date", "2027-01-15"),
    "date-time": ("time", "2027-01-15T12:00:00Z"),
    "email": ("address", "someone@example.com"),
    "uri": ("URL", "https://example.com/voice"),
}
"""Format of a hint or a schema → what a value is, and one."""

_TYPES: Final = {
    "object": "JSON object",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
}
_BOUNDS: Final = (("minimum", "at least"), ("maximum", "at most"))
_LENGTHS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {}"),
    ("maxItems", "at most {}"),
)


def tool_help(tool: Tool, columns: int) -> Iterator[str]:
    """Yield what a person must know to call ``tool``, in lines of at most ``columns``."""
    for line in paragraph(f"{tool.name}: {clean_line(tool.title)}", columns):
        yield click.style(line, bold=True)
    yield from paragraph(clean_line(tool.description, 4096), columns, "  ")
    yield ""
    yield from paragraph(_effect(tool), columns, "  ")
    properties: Mapping[str, Any] = tool.input_schema["properties"]
    required = tool.input_schema.get("required", ())
    yield ""
    yield click.style("Arguments:" if properties else "It takes no arguments.", bold=True)
    for name, schema in properties.items():
        needed = ", required" if name in required and name != CONFIRM else ""
        default = f", by default {_json(schema['default'])}" if "default" in schema else ""
        yield from paragraph(
            f"{clean_line(name)}: {_kind(tool, name, schema)}{needed}{default}", columns, "  ", " " * 6
        )
        if described := clean_line(schema.get("description", ""), 1000):
            yield from paragraph(described, columns, " " * 6)
    yield ""
    yield click.style("Example:", bold=True)
    *lines, last = paragraph(example(tool), columns - 2, "  ", " " * 6)
    yield from (f"{line} \\" for line in lines)
    yield last
    if any("array" in types_of(schema) for schema in properties.values()):
        yield from paragraph("A list is separated by commas, or its name is repeated.", columns, "  ")


def example(tool: Tool) -> str:
    """Return a command line that calls ``tool``, with a placeholder where no value is sure to be valid."""
    words = ["telefonie-mcp", "call", tool.name]
    for name in tool.input_schema.get("required", ()):
        if name == CONFIRM:
            continue
        schema = tool.input_schema["properties"].get(name, {})
        value = _example(tool, name, schema)
        words.append(f"{name}={name.upper()}" if value is None else f"{name}={shlex.quote(value)}")
    return " ".join(words)


def _effect(tool: Tool) -> str:
    if tool.read_only:
        return "It changes nothing."
    if not tool.destructive:
        return "It takes effect at once, without a confirmation."
    names = {name: name.upper() for name in tool.input_schema["properties"]}
    template = sentence(tool.hints.confirm, names) or f"send {tool.operation.method} {tool.operation.path}"
    would = clean_line(re.sub(r"{(\w+)}", lambda match: f"its {match[1].replace('_', ' ')}", template))
    return f"It would {would}. It needs a yes: a terminal asks you; elsewhere, add --yes or {CONFIRM}=true."


def _kind(tool: Tool, name: str, schema: Mapping[str, Any]) -> str:
    """Return what a value of an argument is."""
    if "enum" in schema:
        return f"one of {', '.join(clean_line(_json(value)) for value in schema['enum'])}"
    types = types_of(schema)
    if types == {"array"}:
        items: Mapping[str, Any] = schema.get("items") or {}
        return f"list: {_kind(tool, name, items)}{_lengths(schema)}"
    if is_base64(schema):
        return f"file, as {name}=@FILE"
    format_ = _format(tool, name, schema)
    if format_ in _FORMATS:
        return _FORMATS[format_][0]
    if not types or "string" in types:
        return f"text{_lengths(schema)}"
    words = " or ".join(_TYPES.get(kind, kind) for kind in sorted(types))
    bounds = [f"{text} {_json(schema[key])}" for key, text in _BOUNDS if key in schema]
    return f"{words}, {', '.join(bounds)}" if bounds else words


def _lengths(schema: Mapping[str, Any]) -> str:
    said = [
        text.format(f"{schema[key]:,}") for key, text in _LENGTHS if schema.get(key, 0) > (key[:3] == "min")
    ]
    return f", {', '.join(said)}" if said else ""


def _format(tool: Tool, name: str, schema: Mapping[str, Any]) -> str:
    return tool.formats.get(name) or schema.get("format", "")


def _example(tool: Tool, name: str, schema: Mapping[str, Any]) -> str | None:
    """Return a value that the schema allows, as it is typed; ``None`` where none is known."""
    if is_base64(schema):
        return "@FILE"
    for value in _candidates(tool, name, schema):
        if _is_valid(tool, name, value):
            return value if isinstance(value, str) else ",".join(value) if _is_texts(value) else _json(value)
    return None


def _is_valid(tool: Tool, name: str, value: Any) -> bool:
    try:
        read_arguments(tool, {name: value})
    except ToolError as error:
        wrong = {error.field or "", *(each["field"] for each in error.details.get("errors", ()))}
        return not any(re.match(rf"{re.escape(name)}(\W|$)", field) for field in wrong)
    return True


def _candidates(tool: Tool, name: str, schema: Mapping[str, Any]) -> Iterator[Any]:
    yield from schema.get("examples", ())
    yield from (schema[key] for key in ("example", "default", "const") if key in schema)
    yield from schema.get("enum", ())[:1]
    types = types_of(schema)
    if types == {"array"}:
        yield [*_candidates(tool, name, schema.get("items") or {})][:1]
    elif (format_ := _format(tool, name, schema)) in _FORMATS:
        yield _FORMATS[format_][1]
    elif types & {"integer", "number"}:
        yield from (schema[key] for key, _ in _BOUNDS if key in schema)
        yield 1
    elif "boolean" in types:
        yield True


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)  # pyright: ignore[reportUnknownVariableType] - JSON


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
