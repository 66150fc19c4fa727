import json
import sys
import unicodedata
from typing import Any

import pytest

from telefonie_mcp.text import clean, clean_line
from telefonie_mcp.tools.results import UnusableError, done_without_body, present
from telefonie_mcp.upstream.outcomes import Answer
from tests.support.tools import answering, tool

NUMBER = {"phone_number": "+14155550100", "type": "local"}
JSON = {"content-type": "application/json; charset=utf-8"}


def answered(
    body: Any, *, status: int = 200, headers: Any = JSON, name: str = "get_owned_number"
) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return present(tool(name), Answer(status, headers, content), {"phone_number": "+14155550100"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("a\x00b\x1b[31mc\x7f\x9b", "ab[31mc"),
        ("line\r\none\ttwo\u2028three\x85four", "line one two three four"),
        ("zero\u200bwidth\u200d\ufeff\u2060", "zerowidth"),
        ("\u202eevil\u202c\u2066x\u2069\u061c", "evilx"),
        ("tags\U000e0041\U000e007f\U000e0100", "tags"),
        ("fill\u3164\u115f\uffa0er", "filler"),
        ("lone\ud800", "lone"),
        ("x" * 5000, "x" * 4096 + "… (cut)"),
        ({"k\u200bey": ["a\x00", 1, None, True]}, {"key": ["a", 1, None, True]}),
        (1.5, 1.5),
        (json.loads("[" * 65 + "]" * 65), json.loads("[" * 64 + '"… (cut)"' + "]" * 64)),
    ],
)
def test_text_is_cleaned_of_what_is_invisible(value: Any, expected: Any) -> None:
    assert clean(value) == expected


def test_clean_line_is_one_short_line() -> None:
    assert clean_line("a\n b\t\tc") == "a b c"
    assert clean_line("x" * 400) == "x" * 299 + "…"


def test_optional_nulls_are_dropped_and_the_rest_is_kept() -> None:
    body = {**NUMBER, "voice_url": None, "capabilities": {"voice": True, "fax": None}, "carrier": "extra"}
    assert answered(body) == {**NUMBER, "capabilities": {"voice": True}, "carrier": "extra"}


REQUIRED = {
    "type": "object",
    "required": ["a"],
    "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "string"}},
}
NULLS: list[tuple[dict[str, Any], Any, Any]] = [
    (REQUIRED, {"a": None, "b": None}, {"a": None}),
    ({"allOf": [REQUIRED]}, {"a": None, "b": None}, {"a": None}),
    ({"properties": {"x": {"allOf": [REQUIRED]}}}, {"x": {"a": None, "b": None}}, {"x": {"a": None}}),
    (
        {"properties": {"x": {**REQUIRED, "nullable": True}}},
        {"x": {"a": None, "b": None}},
        {"x": {"a": None}},
    ),
    ({"type": "object", "additionalProperties": REQUIRED}, {"x": {"a": None}}, {"x": {"a": None}}),
    ({"type": "object"}, {"x": None, "y": {"z": None}}, {"y": {}}),
    ({"type": "array", "items": REQUIRED}, [{"a": None, "b": None}], {"result": [{"a": None}]}),
    ({}, {"x": None}, {"result": {}}),
]


@pytest.mark.parametrize(("schema", "body", "expected"), NULLS)
def test_a_null_that_is_required_stays_wherever_it_stands(
    schema: dict[str, Any], body: Any, expected: Any
) -> None:
    answer = Answer(200, JSON, json.dumps(body).encode())
    assert present(answering(schema), answer, {}) == expected


def test_nothing_invisible_is_left() -> None:
    invisible = (
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    )
    left = [char for char in invisible if clean(f"a{char}b") not in {"ab", "a b"}]
    assert left == []


def test_items_of_lists_are_treated_alike() -> None:
    body = {"numbers": [{**NUMBER, "sms_url": None}], "total": 1}
    assert answered(body, name="list_owned_numbers") == {"numbers": [NUMBER], "total": 1}


def test_a_missing_content_type_is_forgiven() -> None:
    assert answered(NUMBER, headers={}) == NUMBER


@pytest.mark.parametrize(
    ("body", "headers", "reason", "kept"),
    [
        (b"<html>", JSON, "is not JSON", None),
        (b"", JSON, "is not JSON", None),
        (b'{"phone_number": "+1', JSON, "is not JSON", None),
        (b'{"phone_number": NaN, "type": "local"}', JSON, "is not JSON", None),
        (b"\xff\xfe", JSON, "is not JSON", None),
        (b"[" * 100_000, JSON, "is not JSON", None),
        (
            json.dumps(NUMBER).encode(),
            {"content-type": "text/html"},
            "content type text/html instead of JSON",
            None,
        ),
        ({"type": "local"}, JSON, '"phone_number" is a required property', {"type": "local"}),
        (
            {**NUMBER, "type": "fax"},
            JSON,
            "does not follow the specification: type:",
            {**NUMBER, "type": "fax"},
        ),
        ({**NUMBER, "monthly_rate": 1.15}, JSON, "monthly_rate", {**NUMBER, "monthly_rate": 1.15}),
        ([NUMBER], JSON, "it is no object", [NUMBER]),
        ("text", JSON, "it is no object", "text"),
        (
            {"phone_number": None, "type": "local"},
            JSON,
            "phone_number",
            {"phone_number": None, "type": "local"},
        ),
    ],
)
def test_what_does_not_follow_the_specification_is_unusable(
    body: Any, headers: Any, reason: str, kept: Any
) -> None:
    with pytest.raises(UnusableError) as caught:
        answered(body, headers=headers)
    assert reason in caught.value.reason
    assert caught.value.data == kept


def test_a_success_without_a_body_says_what_happened() -> None:
    release = tool("release_number")
    expected = {"message": "Number released", "phone_number": "+14155550100"}
    assert answered(b"", status=204, name="release_number") == expected
    assert done_without_body(release, {"phone_number": "+14155550100"}) == expected


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"a":["plain"]}', {"a": ["plain"]}),
        ('{"a":"tab\\tescaped"}', {"a": "tab escaped"}),
        ('{"a":"zero\\u200bwidth"}', {"a": "zerowidth"}),
        ('{"a":"zero\u200bwidth"}', {"a": "zerowidth"}),
        ('{"a":"del\x7fete"}', {"a": "delete"}),
        (f'{{"a":"{"x" * 4097}"}}', {"a": "x" * 4096 + "… (cut)"}),
        (f'{{"a":"[{{","b":{"[" * 62}1{"]" * 62}}}', None),
    ],
)
def test_what_needs_cleaning_is_never_taken_for_plain(body: str, shown: dict[str, Any] | None) -> None:
    answer = Answer(200, {"content-type": "application/json"}, body.encode())
    expected = clean(json.loads(body)) if shown is None else shown
    assert present(answering({"type": "object"}), answer, {}) == expected
