"""Answers of the API → structured content that is safe to show to a model; pure.

Strings from upstream are data: characters that are invisible or reorder text are removed, whitespace
controls become spaces, and what is longer or deeper than any honest field is cut with a mark.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.openapi.schema import Json, is_object
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.upstream.outcomes import Answer

__all__ = ["CUTS", "UnusableError", "clean", "clean_line", "compact", "done_without_body", "present"]

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_MAX_STRING: Final = 4096
_MAX_DEPTH: Final = 64  # the SDK and the validator give up at 255
_CUT: Final = "… (cut)"
_CUT_LINE: Final = "…"
CUTS: Final = (_CUT, _CUT_LINE)
"""What a text ends with that was cut."""

_SPACES: Final = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_INVISIBLE: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers, soft hyphen, joiners
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # zero width and bidirectional controls
    "\ufe00-\ufe0f\ufff0-\ufffb"  # variation selectors, interlinear annotation
    "\U000e0000-\U000e0fff"  # tags and supplementary variation selectors
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical format controls
    "\ud800-\udfff"  # lone surrogates
    "]"
)


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


def clean(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Return JSON ``value`` with every string, keys included, cleaned, and what is below ``depth`` cut."""
    match value:
        case str() if value.isascii() and value.isprintable() and len(value) <= _MAX_STRING:
            return value  # as nearly everything is
        case str():
            text = _INVISIBLE.sub("", _SPACES.sub(" ", value))
            return text if len(text) <= _MAX_STRING else f"{text[:_MAX_STRING]}{_CUT}"
        case list() | dict() if not depth:
            return _CUT
        case list():
            return [clean(item, depth - 1) for item in cast("list[Any]", value)]
        case dict():
            members = cast("dict[str, Any]", value).items()
            return {clean(key): clean(member, depth - 1) for key, member in members}
        case _:
            return value


def compact(value: Any) -> str:
    """Return JSON without spaces: every byte costs a model's context."""
    return _ENCODER.encode(value)


def clean_line(value: Any, limit: int = 300) -> str:
    """Return ``value`` as one cleaned line of at most ``limit`` characters."""
    text = " ".join(str(clean(str(value))).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}{_CUT_LINE}"


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
    if len(body) > _MAX_STRING or not body.isascii() or b"\\" in body:
        return False
    return body.decode().isprintable() and body.count(b"{") + body.count(b"[") <= _MAX_DEPTH


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
