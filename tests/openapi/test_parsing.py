"""YAML becomes the value that it stands for in JSON."""

import json
from typing import Any

import pytest

from telefonie_mcp.openapi.documents import parse_document
from telefonie_mcp.openapi.parsing import parse_text, parse_yaml
from tests.support.tools import document

REST = "info: {title: T}\nservers: [{url: 'https://a.example'}]\npaths: {/a: {get: {responses: {200: {}}}}}"

VALUES: list[tuple[str, Any]] = [
    ("a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
    ("a: &x {b: 1, c: 1}\nd: {b: 2, <<: *x}", {"a": {"b": 1, "c": 1}, "d": {"b": 2, "c": 1}}),
    (
        "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y]}",
        {"x": {"a": 1, "b": 1}, "y": {"b": 2, "c": 2}, "z": {"a": 1, "b": 1, "c": 2}},
    ),
    ("z: {<<: {a: 1}, b: 2}", {"z": {"a": 1, "b": 2}}),
    ("a: &x b\n*x : 1", {"a": "b", "b": 1}),
    ("a: &x true\n*x : 1", {"a": True, "true": 1}),
    ("'<<': 1", {"<<": 1}),
    (
        "a: !!str 1\nb: !!int '2'\nc: !!float 3\nd: !!null x\ne: !!bool true\nf: ! 5",
        {"a": "1", "b": 2, "c": 3.0, "d": None, "e": True, "f": "5"},
    ),
    ("a: 1\na: 2", {"a": 2}),
    (
        "1: a\n1.50: b\nyes: c\nnull: d\n2026-01-01: e",
        {"1": "a", "1.50": "b", "yes": "c", "null": "d", "2026-01-01": "e"},
    ),
    ("- [a, [b]]\n- {c: []}", [["a", ["b"]], {"c": []}]),
    ("a: |\n  b\n  c\nd: >-\n  e\n  f", {"a": "b\nc\n", "d": "e f"}),
    ("# nothing", None),
    ("--- a\n...", "a"),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_yaml_is_read_as_json_would_say_it(text: str, value: Any) -> None:
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: *b", "the alias 'b' has no anchor|undefined alias"),
        ("? {a: 1}\n: 2", "line 1: a key must be a string"),
        ("? [a]\n: 2", "line 1: a key must be a string"),
        ("a: &x [1]\n*x : 2", "line 2: a key must be a string"),
        ("a: !!binary aGk=", "line 1: the tag 'tag:yaml.org,2002:binary' has no meaning in JSON"),
        ("a: !!set {b}", "line 1: the tag 'tag:yaml.org,2002:set' has no meaning in JSON"),
        ("a: !mine b", "line 1: the tag '!mine' has no meaning in JSON"),
        ("a: !!int b", "invalid literal"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins"),
    ],
)
def test_what_json_has_no_value_for_is_named_with_its_line(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^neither YAML nor JSON: .*({words})"):
        parse_yaml(text)


def test_yaml_may_begin_with_a_brace() -> None:
    assert parse_text("{a: 1, b: [x,],}") == ({"a": 1, "b": ["x"]}, False)
    with pytest.raises(ValueError, match="neither YAML nor JSON: Expecting property name"):
        parse_text('{ // no comment\n"a": 1}')


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("text", [f"openapi: 3.1.0\n{REST}", json.dumps(document(), ensure_ascii=False)])
def test_a_document_is_read_in_any_encoding_of_unicode(encoding: str, text: str) -> None:
    read = parse_document(text.replace("Things", "Thìngs").encode(encoding), name="t.yml")
    assert len(read.operations) == 1
    assert read.text.startswith(("openapi", "{"))


def test_a_key_that_is_there_twice_is_noted() -> None:
    source = f"openapi: 3.1.0\n{REST}\npaths: {{/b: {{get: {{responses: {{200: {{}}}}}}}}}}"
    read = parse_document(source.encode(), name="t.yml")
    assert [each.path for each in read.operations] == ["/b"]
    assert read.notes == ('t.yml: line 5: "paths" stands there a second time, which counts',)


@pytest.mark.unmeasured
def test_a_document_with_words_may_have_more_values_than_one_of_crumbs() -> None:
    words = "".join(f"- {{description: number {n} of many}}\n" for n in range(68_000))
    assert len(parse_text(words)[0]) == 68_000
    with pytest.raises(ValueError, match="line 2: more than 200,000 values; convert it to JSON"):
        parse_text(f"a:\n  [{'1,' * 210_000}]")
