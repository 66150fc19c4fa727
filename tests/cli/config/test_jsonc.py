"""One value of a JSON text changes, and not a character besides."""

import json
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telefonie_mcp.cli.config.jsonc import append, parse, put

COMMENTED = """\
// Settings of an editor
{
    "theme": "dark", // easier on the eyes
    /* servers
       of mine */
    "servers": {
        "other": {"command": "x"},
    },
    "list": [1, 2], // two
}
// the end
"""

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
paths = st.lists(st.text(max_size=3), min_size=1, max_size=3)
blanks = st.sampled_from(["", " ", "\n", "\r\n\t", "// it's {\n", '/* " ] */', "  /**/ "])


@st.composite
def texts(draw: st.DrawFn, value: Any) -> str:
    """Return `value` as JSON with white space and comments wherever they may be."""

    def blank() -> str:
        return draw(blanks)

    def render(node: Any) -> str:
        if isinstance(node, dict | list) and node:
            parts = (
                [f"{json.dumps(name)}{blank()}:{blank()}{render(child)}" for name, child in node.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]
                if isinstance(node, dict)
                else [render(child) for child in node]  # pyright: ignore[reportUnknownVariableType]
            )
            inner = ",".join(f"{blank()}{part}{blank()}" for part in parts)
            comma = draw(st.sampled_from(["", ","]))
            return f"{{{inner}{comma}{blank()}}}" if isinstance(node, dict) else f"[{inner}{comma}{blank()}]"
        return json.dumps(node, ensure_ascii=draw(st.booleans()))

    return blank() + render(value) + blank()


def changed(tree: Any, path: list[str], value: Any) -> Any:
    node: Any = tree
    for name in path[:-1]:
        node = cast("dict[str, Any]", node).setdefault(name, {})
        if not isinstance(node, dict):
            return None
    node[path[-1]] = value
    return tree


@given(st.data(), values)
def test_what_editors_read_is_read(data: st.DataObject, value: Any) -> None:
    assert parse(data.draw(texts(value))) == value


@given(st.data(), st.dictionaries(st.text(max_size=3), values, max_size=4), paths, values)
def test_nothing_but_the_value_changes(
    data: st.DataObject, tree: dict[str, Any], path: list[str], value: Any
) -> None:
    text = data.draw(texts(tree))
    expected = changed(json.loads(json.dumps(tree)), path, value)
    if expected is None:
        with pytest.raises(ValueError, match="is not an object"):
            put(text, path, value)
        return
    result = put(text, path, value)
    assert parse(result) == expected
    if path[0] not in tree:
        kept = iter(result)
        assert all(character in kept for character in text.strip() if not character.isspace())
    assert put(result, path, value) == result


@given(st.data(), st.lists(values, max_size=4), values)
def test_an_item_is_added_at_the_end(data: st.DataObject, items: list[Any], item: Any) -> None:
    assert parse(append(data.draw(texts({"list": items})), ["list"], item)) == {"list": [*items, item]}
    assert parse(append(data.draw(texts({})), ["list"], item)) == {"list": [item]}


def test_comments_order_and_indentation_stay() -> None:
    result = put(COMMENTED, ["servers", "telefonie"], {"command": "telefonie-mcp", "args": ["a"]})
    assert result == COMMENTED.replace(
        '"other": {"command": "x"},\n',
        '"other": {"command": "x"},\n'
        '        "telefonie": {\n'
        '            "command": "telefonie-mcp",\n'
        '            "args": [\n'
        '                "a"\n'
        "            ]\n"
        "        }\n",
    )
    assert put(COMMENTED, ["theme"], "light") == COMMENTED.replace("dark", "light")
    assert append(COMMENTED, ["list"], 3) == COMMENTED.replace("[1, 2]", "[1, 2,\n        3\n    ]")


def test_line_ends_and_tabs_are_those_of_the_file() -> None:
    text = '{\r\n\t"a": 1\r\n}\r\n'
    assert put(text, ["b", "c"], 2) == '{\r\n\t"a": 1,\r\n\t"b": {\r\n\t\t"c": 2\r\n\t}\r\n}\r\n'


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{}", '{\n  "a": 1\n}'),
        ("{ // nothing yet\n}\n", '{ // nothing yet\n  "a": 1\n}\n'),
        ('{"b":{"c":2}}', '{"b":{"c":2},\n  "a": 1\n}'),
        ('{"a": 0, "a": 2}', '{"a": 0, "a": 1}'),
    ],
)
def test_small_files(text: str, result: str) -> None:
    assert put(text, ["a"], 1) == result


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1: expecting value"),
        ('{\n  "a": 1\n  "b": 2\n}', r"line 3, column 3: a comma or \} is missing"),
        ('{"a": }', "line 1, column 7: expecting value"),
        ('{"a" 1}', "line 1, column 6: a colon is missing"),
        ("{a: 1}", "line 1, column 2: a name in double quotes is missing"),
        ("{1: 1}", "a name in double quotes is missing"),
        ("[1 2]", r"a comma or \] is missing"),
        ("{} x", "something follows the end of the value"),
        ('"no end', "unterminated string"),
        ("[NaN]", "NaN is not JSON"),
        ("/* no end", "expecting value"),
        ("{,}", "a name in double quotes is missing"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(text: str, words: str) -> None:
    for action in (parse, partial(put, path=["a"], value=1), partial(append, path=["a"], item=1)):
        with pytest.raises(ValueError, match=words):
            action(text)


def test_what_is_no_object_or_array_is_named() -> None:
    for path, words in {("a", "b"): "a is not an object", ("a", "b", "c"): "a is not an object"}.items():
        with pytest.raises(ValueError, match=words):
            put('{"a": []}', path, 1)
    with pytest.raises(ValueError, match="its root is not an object"):
        put("[]", ["a"], 1)
    with pytest.raises(ValueError, match="a is not an array"):
        append('{"a": {}}', ["a"], 1)
