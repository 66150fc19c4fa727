"""Bodies and answers that are not JSON: texts are sent and shown as they are, and bytes are described."""

from typing import Any

import pytest

from telefonie_mcp.tools.requester import content_of
from telefonie_mcp.upstream.outcomes import Answer
from telefonie_mcp.upstream.serialization import build_request
from tests.support.tools import strange


def answered(kind: str, body: bytes, declared: str) -> dict[str, Any]:
    responses = {"200": {"description": "Sound", "content": {declared: {"schema": {"type": "string"}}}}}
    tool = strange({"responses": responses})
    return content_of(tool, Answer(200, {"content-type": kind} if kind else {}, body), {})


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("audio/mpeg", b"\xff\xfb\x90\x00sound", "9 bytes of audio/mpeg, which are not shown"),
        ("application/octet-stream", b"a\0b", "3 bytes of application/octet-stream, which are not shown"),
        ("", b"\xff\xfe\xff", "3 bytes, which are not shown"),
        ("application/octet-stream", "date,tö;1,2".encode(), "date,tö;1,2"),
        (
            "application/xml",
            b"<Numbers><Number>1</Number></Numbers>",
            "<Numbers><Number>1</Number></Numbers>",
        ),
        ("text/csv; charset=iso-8859-1", "tö".encode("latin-1"), "tö"),
    ],
)
def test_an_answer_that_is_not_json_is_shown_if_it_is_text(kind: str, body: bytes, shown: str) -> None:
    for declared in ("application/octet-stream", "application/xml", "*", "text/plain"):
        assert answered(kind, body, declared) == {"result": shown}


LINES = '{"a": 1}\r\n{"a": 2}\n'


@pytest.mark.parametrize(
    "kind",
    ["application/x-ndjson", "application/jsonl", "application/json-seq", "application/yaml", "text/csv"],
)
def test_lines_stay_lines(kind: str) -> None:
    assert answered(kind, LINES.encode(), kind) == {"result": '{"a": 1}\n{"a": 2}'}
    assert answered(kind, b"a\n" * 40_000, kind)["result"].endswith("a\n… (cut)")
    assert answered(kind, "\u200b\n".encode() * 40_000, kind)["result"].endswith("\n… (cut)")


def test_json_is_read_in_the_character_set_of_its_header() -> None:
    content = {"application/json": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    tool = strange({"responses": {"200": {"description": "", "content": content}}})
    for charset, read in (("iso-8859-1", {"a": "tö"}), ("windows-1252", {"a": "tö"})):
        kind = {"content-type": f"application/json; charset={charset}"}
        assert content_of(tool, Answer(200, kind, '{"a": "tö"}'.encode(charset)), {}) == read
    assert Answer(200, {"content-type": "text/plain; charset=Punycode:"}, b"a" * 9).text == "a" * 9
    unknown = Answer(200, {"content-type": "application/json; charset=x"}, b'{"a": "t\xf6"}')
    assert "it is not JSON" in content_of(tool, unknown, {})["note"]


def test_an_answer_without_a_body_says_where_the_new_thing_is() -> None:
    tool = strange({"responses": {"201": {"description": "Made"}}}, method="put")
    answer = Answer(201, {"location": "/things/7\u202e"})
    assert content_of(tool, answer, {}) == {"message": "Made", "location": "/things/7"}


def test_what_is_no_content_type_is_no_content() -> None:
    tool = strange({"responses": {"204": {"description": "Gone", "content": {"description": "nothing"}}}})
    assert content_of(tool, Answer(204), {}) == {"message": "Gone"}


@pytest.mark.parametrize(
    ("declared", "sent"),
    [
        ("application/xml", "application/xml"),
        ("application/ssml+xml", "application/ssml+xml"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("text/*", "text/plain"),
    ],
)
def test_a_body_of_one_text_is_sent_as_it_is(declared: str, sent: str) -> None:
    content = {declared: {"schema": {"type": "string", "maxLength": 100}}}
    tool = strange({"requestBody": {"required": True, "content": content}}, method="put")
    text = '<Response><Say>"Hällo"</Say></Response>'
    assert tool.input_schema["properties"]["body"]["maxLength"] == 100
    request = build_request(tool.operation, tool.bindings, {"body": text})
    assert (request.headers["Content-Type"], request.content) == (sent, text.encode())


def test_json_comes_before_text() -> None:
    content: dict[str, Any] = {
        "application/xml": {"schema": {"type": "object"}},
        "application/json": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
    }
    tool = strange({"requestBody": {"content": content}}, method="put")
    request = build_request(tool.operation, tool.bindings, {"a": "1"})
    assert (request.headers["Content-Type"], request.content) == ("application/json", b'{"a":"1"}')


def test_a_text_is_sent_only_where_nothing_else_is_offered() -> None:
    members = {"type": "object", "properties": {"a": {"type": "string"}}}
    content: dict[str, Any] = {
        "text/plain": {"schema": {"type": "string"}},
        "application/json": {"schema": members},
    }
    tool = strange({"requestBody": {"content": content, "required": "no"}}, method="put")
    assert tool.operation.body
    assert (tool.operation.body.media_type, tool.operation.body.required) == ("application/json", False)


@pytest.mark.parametrize(
    ("media", "content"),
    [
        ("application/x-www-form-urlencoded; charset=utf-8", b"to=a+%26&n=3"),
        ("Application/X-WWW-Form-URLEncoded", b"to=a+%26&n=3"),
        ("application/json;charset=utf-8", b'{"to":"a &","n":3}'),
        ("text/json", b'{"to":"a &","n":3}'),
    ],
)
def test_a_media_type_is_the_same_in_any_case_and_with_parameters(media: str, content: bytes) -> None:
    members = {"to": {"type": "string"}, "n": {"type": "integer"}}
    body = {"content": {media: {"schema": {"type": "object", "properties": members}}}}
    tool = strange({"requestBody": body}, method="post")
    request = build_request(tool.operation, tool.bindings, {"to": "a &", "n": 3})
    assert (request.headers["Content-Type"], request.content) == (media, content)


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "application/vnd.api+json"])
def test_a_parameter_of_any_kind_of_json_is_written_as_json(media: str) -> None:
    parameter = {"name": "f", "in": "query", "content": {media: {"schema": {"type": "object"}}}}
    tool = strange({"parameters": [parameter]})
    assert build_request(tool.operation, tool.bindings, {"f": {"x": 1}}).query == "f=%7B%22x%22%3A1%7D"
