"""Success answer of the API → structured content, cleaned and compared with the document; pure.

An answer of a strict tool follows the document or is unusable. Any other is passed on as it is, with a note
of what differs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from telefonie_mcp.openapi.combining import Json, is_object
from telefonie_mcp.redaction import HIDDEN, NO_REDACTION, Redaction
from telefonie_mcp.text import MAX_DEPTH, MAX_STRING, clean, clean_line, compact
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.differences import differences, note_of, noted, status_difference
from telefonie_mcp.upstream.outcomes import Answer, parse_json

__all__ = ["UnusableError", "done_without_body", "present", "presented", "violation"]

_JSON_KIND: Final = re.compile(r"application/([\w.+-]+\+)?json\b", re.IGNORECASE)
_MAX_KIND: Final = 60
"""Characters of a content type that is quoted."""

_MAX_LOCATION: Final = 2000
"""Characters of a URL that a provider names."""

_MAX_TEXT: Final = 64 * 1024
"""Characters of an answer that is no JSON."""


class UnusableError(Exception):
    """A success answer that does not follow the document.

    Args:
        reason: What is wrong, as the predicate of a sentence whose subject is "the answer".
        data: The decoded and cleaned body; ``None`` if it could not be decoded.

    """

    def __init__(self, reason: str, data: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.data = data


def present(tool: Tool, answer: Answer, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the structured content for a success answer, with a note where it differs from the document.

    Raises:
        UnusableError: the answer of a strict tool does not follow the document, or any is about another
            subject.

    """
    return noted(*presented(tool, answer, arguments))


def presented(tool: Tool, answer: Answer, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the structured content for a success answer, and what :func:`present` notes."""
    if tool.strict:
        return _as_specified(tool, answer, arguments), ""
    return _as_it_is(tool, answer, arguments)


def _as_specified(tool: Tool, answer: Answer, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return content that is valid against ``tool.answer_schema``."""
    redaction = answer.redaction
    successes = tool.operation.successes
    status = str(answer.status) if str(answer.status) in successes else "2XX"
    body = successes[status]
    if body is None:
        return done_without_body(tool, arguments, status)
    try:
        text = _text(tool, answer)
        data = _decode(tool, text)
    except (ValueError, RecursionError) as error:
        raise UnusableError("is not JSON") from error
    content: dict[str, Any] = _without_nulls([body], data) if "null" in text else data
    if not is_object(body):
        content = {"result": content}
    elif not isinstance(data, dict):
        raise UnusableError("does not follow the specification: it is no object", redaction.json(data))
    if problem := violation(tool, content, redaction):
        raise UnusableError(f"does not follow the specification: {problem}", redaction.json(content))
    if not _matches_subject(tool, arguments, content):
        raise UnusableError("is about something else", redaction.json(content))
    return redaction.json(content) if redaction.concerns(text) else content


def _as_it_is(tool: Tool, answer: Answer, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    declared = tool.operation.successes
    status = next((each for each in (str(answer.status), "2XX") if each in declared), None)
    body = next(filter(None, declared.values()), None) if status is None else declared[status]
    found = [] if status else [status_difference(answer.status, declared)]
    if not answer.body.strip():
        if body is not None and status and tool.operation.method != "HEAD":
            found.append("it is empty")
        return done_without_body(tool, arguments, status or "") | _location(answer), note_of(found)
    data: Any = answer.redaction.json(_data(tool, answer, found))
    if body is None:
        if status:
            found.append("it has a body")
        return {**done_without_body(tool, arguments, status or ""), "result": data}, note_of(found)
    data = _without_nulls([body], data)
    whole = is_object(body) and isinstance(data, dict)
    content: dict[str, Any] = cast("Any", data) if whole else {"result": data}
    if status and is_object(body) and not whole:
        found.append("it is no object")
    elif status:
        found += differences(tool, content, answer.redaction)
    if not _matches_subject(tool, arguments, content):
        raise UnusableError("is about something else", content)
    return content, note_of(found)


def _location(answer: Answer) -> dict[str, str]:
    """Return where the thing is that a write has made, which an answer without a body says in its header."""
    location = answer.redaction.text(answer.headers.get("location", ""))
    return {"location": clean_line(location, _MAX_LOCATION)} if location else {}


def _lines(text: str) -> str:
    """Return a whole text, cleaned: its lines stay lines."""
    whole = "\n".join(clean(line) for line in text[: _MAX_TEXT + 1].splitlines())
    is_cut = max(len(text), len(whole)) > _MAX_TEXT  # cleaning makes it shorter, or longer by marks
    return f"{whole[:_MAX_TEXT]}… (cut)" if is_cut else whole


def _data(tool: Tool, answer: Answer, found: list[str]) -> Any:
    """Return what the answer holds, cleaned: JSON, or else text; what is neither is only described."""
    kind = answer.headers.get("content-type", "")
    if tool.operation.text:
        return _lines(answer.text) if _is_text(answer, kind) else _described(answer)
    if kind and not _JSON_KIND.match(kind):
        found.append(f"its content type is {clean_line(kind, _MAX_KIND)}")
    try:
        return clean(answer.json)
    except (ValueError, RecursionError):
        found.append("it is not JSON")
    try:
        return _lines(answer.body.decode("utf-8") if "charset" not in kind.lower() else answer.text)
    except ValueError:
        return f"{len(answer.body):,} bytes, which are not shown"


def _is_text(answer: Answer, kind: str) -> bool:
    """Whether a body that is not JSON can be shown: it is text by its content type, or by its bytes."""
    if kind.lower().startswith("text/") or "charset" in kind.lower():
        return True
    try:
        return "\0" not in answer.body.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _described(answer: Answer) -> str:
    kind = clean_line(answer.headers.get("content-type", ""), _MAX_KIND)
    return f"{len(answer.body):,} bytes{f' of {kind}' if kind else ''}, which are not shown"


def violation(tool: Tool, content: Mapping[str, Any], redaction: Redaction = NO_REDACTION) -> str | None:
    """Return where and how ``content`` violates ``tool.answer_schema``, or ``None`` where it does not.

    What stands for a secret violates nothing.
    """
    if tool.result_validator.is_valid(content):
        return None
    from telefonie_mcp.tools.validation import (  # noqa: PLC0415 - not before a first call
        UNCHECKED,
        is_unchecked,
        violations_of,
    )

    errors = violations_of(tool.result_validator, tool.answer_schema, content)
    error = next((each for each in errors if each.instance != HIDDEN), None)
    if error is None:
        return None
    place = redaction.text(".".join(map(str, error.instance_path))) or "the answer"
    if is_unchecked(error):
        return f"{clean_line(place)}: {UNCHECKED}"
    shown = _at(error.instance_path, redaction.json(content))
    message, written = error.message, compact(error.instance)
    if shown != error.instance:
        quoted = message.startswith(written)
        problem = message.removeprefix(written) if quoted else f" violates {error.kind.name}"
        message = f"{compact(shown)}{problem}"
    return f"{clean_line(place)}: {clean_line(redaction.text(message))}"


def _at(path: Sequence[str | int], shown: Any) -> Any:
    """Return the value at a place of what is shown; hidden where a part of something hidden is meant."""
    for step in path:
        try:
            shown = shown[step]
        except (LookupError, TypeError):
            return HIDDEN
    return shown


def done_without_body(tool: Tool, arguments: Mapping[str, Any], status: str = "") -> dict[str, Any]:
    """Return the structured content of a success without a body: a message and the path parameters.

    Without a ``status`` (the success was found by reading the current state), the message is that of the
    document's first success response that has one.
    """
    named = {
        binding.name: str(arguments[binding.argument])
        for binding in tool.bindings
        if not isinstance(binding.place, str) and binding.place.location == "path"
    }
    texts = tool.operation.success_texts
    return {"message": texts.get(status) or next(filter(None, texts.values()), "Done"), **named}


def _matches_subject(tool: Tool, arguments: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether ``content`` names the subject of the call, or no subject at all."""
    subject = tool.hints.subject or ""
    wanted = arguments.get(subject)
    return str(content.get(subject, wanted)) == str(wanted)


def _text(tool: Tool, answer: Answer) -> str:
    kind = answer.headers.get("content-type", "")
    if tool.operation.text:
        return answer.text if _is_text(answer, kind) else _described(answer)
    if kind and not _JSON_KIND.match(kind):
        raise UnusableError(f"has the content type {clean_line(kind, _MAX_KIND)} instead of JSON")
    return answer.json_text


def _decode(tool: Tool, text: str) -> Any:
    if tool.operation.text:
        return clean(text)
    data = parse_json(text)
    return data if _is_clean(text) else clean(data)


def _is_clean(text: str) -> bool:
    """Whether cleaning cannot change a JSON text: short, shallow, printable ASCII without escapes.

    Most answers are, and this check is much faster than cleaning.
    """
    if len(text) > MAX_STRING or not text.isascii() or "\\" in text:
        return False
    return text.isprintable() and text.count("{") + text.count("[") <= MAX_DEPTH


def _without_nulls(schemas: Sequence[Json], data: Any) -> Any:
    """Return ``data`` without optional members that are null, which many providers send for absent ones."""
    parts = [part for schema in schemas for part in _subschemas(schema)]
    if isinstance(data, list):
        items = [part["items"] for part in parts if "items" in part]
        return [_without_nulls(items, item) for item in cast("list[Any]", data)]
    if not isinstance(data, dict):
        return data
    required = {name for part in parts for name in part.get("required", ())}
    return {
        key: _without_nulls([*_member_schemas(parts, key)], member)
        for key, member in cast("dict[str, Any]", data).items()
        if member is not None or key in required
    }


def _subschemas(schema: Json) -> Iterator[Json]:
    """Yield ``schema`` and its ``allOf`` and ``anyOf`` subschemas, at any depth."""
    yield schema
    for keyword in ("allOf", "anyOf"):
        for part in schema.get(keyword, ()):
            yield from _subschemas(part)


def _member_schemas(parts: Iterable[Json], key: str) -> Iterator[Json]:
    for part in parts:
        member = part.get("properties", {}).get(key, part.get("additionalProperties"))
        if isinstance(member, Mapping):
            yield cast("Json", member)
