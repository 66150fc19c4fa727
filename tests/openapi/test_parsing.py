"""YAML becomes the value that it stands for in JSON."""

from typing import Any

import pytest

from telefonie_mcp.openapi.parsing import parse_text, parse_yaml

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


@pytest.mark.unmeasured
def test_a_document_with_words_may_have_more_values_than_one_of_crumbs() -> None:
    words = "".join(f"- {{description: number {n} of many}}\n" for n in range(68_000))
    assert len(parse_text(words)[0]) == 68_000
    with pytest.raises(ValueError, match="line 2: more than 200,000 values; convert it to JSON"):
        parse_text(f"a:\n  [{'1,' * 210_000}]")
