"""Answers of the API → structured content that is safe to show to a model; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from telefonie_mcp.openapi.schema import Json, is_object
from telefonie_mcp.text import MAX_DEPTH, MAX_STRING, clean, clean_line
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.upstream.outcomes import Answer

__all__ = ["UnusableError", "done_without_body", "present"]


class UnusableError(Exception):
    """A success answer that does not follow its specification.

    Args:
        reason: What is wrong with it, as the rest of a sentence that begins with "the answer".
        data: What could be read of it, already cleaned; ``None`` if nothing could.

    """

    def __init__(self, reason: str, data: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.data = data


def present(tool: Tool, answer: Answer, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the structured content for a success answer; it satisfies ``tool.output_schema``.

    Raises:
        UnusableError: when the answer is not what the document promises.

    """
    successes = tool.operation.successes
    status = str(answer.status) if str(answer.status) in successes else "2XX"
    body = successes[status]
    if body is None:
        return done_without_body(tool, arguments, status)
    try:
        data = _decoded(tool, answer)
    except (ValueError, RecursionError) as error:
        raise UnusableError("is not JSON") from error
    content: dict[str, Any] = _without_nulls([body], data) if b"null" in answer.body else data
    if not is_object(body):
        content = {"result": content}
    elif not isinstance(data, dict):
        raise UnusableError("does not follow the specification: it is no object", data)
    if errors := [*tool.result_validator.iter_errors(content)]:
        place = clean_line(".".join(map(str, errors[0].instance_path)) or "the answer")
        raise UnusableError(
            f"does not follow the specification: {place}: {clean_line(errors[0].message)}", content
        )
    if not _is_about(tool, arguments, content):
        raise UnusableError("is about something else", content)
    return content


def done_without_body(tool: Tool, arguments: Mapping[str, Any], status: str = "") -> dict[str, Any]:
    """Return the structured content of a success that has no body: what happened, and to what.

    Without a ``status``, because the success was found by looking, it is the first one of the document.
    """
    named = {
        binding.name: str(arguments[binding.argument])
        for binding in tool.bindings
        if not isinstance(binding.place, str) and binding.place.location == "path"
    }
    texts = tool.operation.success_texts
    return {"message": texts.get(status) or next(filter(None, texts.values()), "Done"), **named}


def _is_about(tool: Tool, arguments: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether ``content``, where it names its subject, is about the subject of the call."""
    subject = tool.hints.subject or ""
    wanted = arguments.get(subject)
    return str(content.get(subject, wanted)) == str(wanted)


def _decoded(tool: Tool, answer: Answer) -> Any:
    kind = answer.headers.get("content-type", "")
    if tool.operation.text:
        return clean(answer.body.decode(errors="replace"))
    if kind and not re.match(r"application/([\w.+-]+\+)?json\b", kind, re.IGNORECASE):
        raise UnusableError(f"has the content type {clean_line(kind, 60)} instead of JSON")
    return answer.json if _is_plain(answer.body) else clean(answer.json)


def _is_plain(body: bytes) -> bool:
    """Whether nothing in a JSON text can need cleaning or cutting, as in most answers that are not long."""
    if len(body) > MAX_STRING or not body.isascii() or b"\\" in body:
        return False
    return body.decode().isprintable() and body.count(b"{") + body.count(b"[") <= MAX_DEPTH


def _without_nulls(schemas: Sequence[Json], data: Any) -> Any:
    """Return ``data`` without optional members that are null: for many providers that means absent."""
    parts = [part for schema in schemas for part in _parts(schema)]
    if isinstance(data, list):
        items = [part["items"] for part in parts if "items" in part]
        return [_without_nulls(items, item) for item in cast("list[Any]", data)]
    if not isinstance(data, dict):
        return data
    required = {name for part in parts for name in part.get("required", ())}
    return {
        key: _without_nulls([*_members(parts, key)], member)
        for key, member in cast("dict[str, Any]", data).items()
        if member is not None or key in required
    }


def _parts(schema: Json) -> Iterator[Json]:
    """Yield ``schema`` and all that it combines: what one of them requires may be null, but not absent."""
    yield schema
    for keyword in ("allOf", "anyOf"):
        for part in schema.get(keyword, ()):
            yield from _parts(part)


def _members(parts: Iterable[Json], key: str) -> Iterator[Json]:
    for part in parts:
        member = part.get("properties", {}).get(key, part.get("additionalProperties"))
        if isinstance(member, Mapping):
            yield cast("Json", member)
