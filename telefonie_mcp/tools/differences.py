"""How an answer differs from its document, where that makes it no less true; pure.

A 2xx status says that the request was carried out (RFC 9110 §15.3), whatever the answer looks like. Unless
the server itself relies on members of an answer, it passes on what it got, with a note of what differs.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from telefonie_mcp.openapi.references import Json
from telefonie_mcp.redaction import HIDDEN, Redaction
from telefonie_mcp.text import clean_line
from telefonie_mcp.tools.catalog import Tool

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

__all__ = ["described", "differences", "note_of", "noted", "status_difference"]

_MAX_NAMED: Final = 5
"""Differences that a note names."""

_MAX_PLACE: Final = 60
"""Characters of a place in an answer, whose names are the provider's."""


def differences(tool: Tool, content: Mapping[str, Any], redaction: Redaction) -> Iterator[str]:
    """Yield where and how ``content`` differs from ``tool.answer_schema``; never a value of the answer."""
    from telefonie_mcp.tools.validation import (  # noqa: PLC0415 - not before a first call
        is_unchecked,
        violations_of,
    )

    for error in violations_of(tool.result_validator, tool.answer_schema, content):
        if not is_unchecked(error):
            yield from _described_errors(error, redaction)


def _described_errors(error: "ValidationError", redaction: Redaction) -> Iterator[str]:
    if error.instance == HIDDEN:
        return
    kind = error.kind.as_dict()
    steps = [*error.instance_path, *([kind["property"]] if error.kind.name == "required" else ())]
    place = clean_line(redaction.text(".".join(map(str, steps))) or "it", _MAX_PLACE)
    match error.kind.name:
        case "anyOf":
            alternatives = cast("list[list[ValidationError]]", kind["context"])
            for each in min(alternatives, key=lambda errors: (errors[0].kind.name == "type", len(errors))):
                yield from _described_errors(each, redaction)
        case "required":
            yield f"{place} is missing"
        case "type":
            yield f"{place} is not of type {' or '.join(kind['types'])}"
        case "enum":
            yield f"{place} has a value that is not listed"
        case name:
            yield f"{place} violates {name}"


def status_difference(status: int, declared: Mapping[str, Any]) -> str:
    """Return how a successful status differs from the declared ones."""
    phrase = f" {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else ""
    return f"its status is {status}{phrase} instead of {' or '.join(declared)}"


def note_of(found: list[str]) -> str:
    """Return the note about all differences; empty without any."""
    distinct = [*dict.fromkeys(found)]
    named = [*islice(distinct, _MAX_NAMED)]
    if more := len(distinct) - len(named):
        named.append(f"and {more} more")
    return f"The answer differs from the document: {'; '.join(named)}." if named else ""


def noted(content: dict[str, Any], note: str) -> dict[str, Any]:
    """Return ``content`` with a note of this server, beside a ``note`` that the API may have sent."""
    name = "note"
    while name in content:
        name = f"server_{name}"
    return {**content, name: note} if note else content


def described(schema: Any) -> Any:
    """Return an output schema that says what the document expects and demands nothing of it.

    Clients check results against the output schema, and would refuse one that differs.
    """
    if not isinstance(schema, Mapping):
        return {}
    source = cast("Json", schema)
    result: dict[str, Any] = {}
    if isinstance(members := source.get("properties"), Mapping):
        named = cast("Json", members).items()
        result["properties"] = {name: described(member) for name, member in named}
    for keyword in ("items", "additionalProperties"):
        if isinstance(source.get(keyword), Mapping):
            result[keyword] = described(source[keyword])
    if alternatives := [part for part in source.get("anyOf", ()) if part != {"type": "null"}]:
        parts = [described(part) for part in alternatives]
        result = {**parts[0], **result} if len(parts) == 1 else {**result, "anyOf": parts}
    if parts := [described(part) for part in source.get("allOf", ())]:
        result["allOf"] = parts
    words = [str(source["type"])] if source.get("type", "object") != "object" else []
    words += [" or ".join(map(str, source["enum"]))] if "enum" in source else []
    return {**({"description": ": ".join(words)} if words else {}), **result}
