from typing import Any, Literal

import pytest

from telefonie_mcp.openapi.operation import Binding, Body, Location, Operation, Parameter
from telefonie_mcp.upstream.serialization import Request, build_request, encoded


def built(
    arguments: dict[str, Any], *bindings: Binding, body: Body | None = None, path: str = "/things"
) -> Request:
    operation = Operation(
        id="x",
        method="POST",
        path=path,
        server="https://api.example.com",
        summary="",
        description="",
        parameters=(),
        body=body,
        credential=None,
        successes={"200": None},
        success_texts={},
    )
    return build_request(operation, bindings, arguments)


def at(location: Location, **options: Any) -> Binding:
    place = Parameter("x", location, required=False, schema={}, **options)
    return Binding("x", required=False, schema={}, place=place, name="x")


def within(place: Literal["member", "body"], name: str = "x") -> Binding:
    return Binding(name, required=False, schema={}, place=place, name=name)


@pytest.mark.parametrize(
    ("value", "options", "query"),
    [
        (True, {}, "x=true"),
        (False, {}, "x=false"),
        (5, {}, "x=5"),
        (5.0, {}, "x=5"),
        (1e300, {}, f"x={int(1e300)}"),
        (0.25, {}, "x=0.25"),
        ("", {}, "x="),
        ("a b&c=d+é/?#", {}, "x=a%20b%26c%3Dd%2B%C3%A9%2F%3F%23"),
        ([1, True], {"separator": None}, "x=1&x=true"),
        ([], {"separator": None}, ""),
        ([1, "a,b"], {}, "x=1,a%2Cb"),
        ([1, "a b"], {"separator": " "}, "x=1%20a%20b"),
        ([1, 2], {"separator": "|"}, "x=1%7C2"),
        ({"a": 1, "b": False}, {}, "x=a,1,b,false"),
        ({"a": 1, "b": False}, {"separator": None}, "a=1&b=false"),
        ({"a": 1, "b": False}, {"deep": True}, "x%5Ba%5D=1&x%5Bb%5D=false"),
        ({"a": [1, "b&c"]}, {"deep": True}, "x%5Ba%5D%5B%5D=1&x%5Ba%5D%5B%5D=b%26c"),
        ({"a": {"b": {"c&": 1}}}, {"deep": True}, "x%5Ba%5D%5Bb%5D%5Bc%26%5D=1"),
        (
            {"a": [{"b": [1]}, {"b": [2]}]},
            {"deep": True},
            "x%5Ba%5D%5B0%5D%5Bb%5D%5B%5D=1&x%5Ba%5D%5B1%5D%5Bb%5D%5B%5D=2",
        ),
        ({"a": [[1], [2]]}, {"deep": True}, "x%5Ba%5D%5B0%5D%5B%5D=1&x%5Ba%5D%5B1%5D%5B%5D=2"),
        ({"a": None, "b": [], "c": {}}, {"deep": True}, ""),
        (["a", "b"], {"deep": True}, "x%5B%5D=a&x%5B%5D=b"),
        ("a", {"deep": True}, "x=a"),
        ({"a": 1, "b": ["p", "q"]}, {"separator": None}, "a=1&b=p&b=q"),
        ({"a": "é"}, {"json": True}, "x=%7B%22a%22%3A%22%C3%A9%22%7D"),
    ],
)
def test_values_in_the_query_are_encoded_in_their_style(
    value: Any, options: dict[str, Any], query: str
) -> None:
    assert built({"x": value}, at("query", **options)).target == ("/things?" + query).removesuffix("?")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("+1415", "/a/%2B1415"),
        ("a/../b", "/a/a%2F..%2Fb"),
        ("%2e", "/a/%252e"),
        ("{x}", "/a/%7Bx%7D"),
        ([1, "2/3"], "/a/1,2%2F3"),
        ({"a/b": 1, "c": "."}, "/a/a%2Fb,1,c,."),
    ],
)
def test_a_value_never_leaves_its_segment(value: Any, path: str) -> None:
    assert built({"x": value}, at("path"), path="/a/{x}").path == path


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("plain; q=1", "plain; q=1"),
        ("a\r\nX: y", "a%0D%0AX: y"),
        ("ü", "%C3%BC"),
        ("", ""),
        (" a b  ", "%20a b%20%20"),
        ("a,b", "a,b"),
        ([1, True, "a,b"], "1,true,a%2Cb"),
        ({"a": 1, "b": 2}, "a,1,b,2"),
    ],
)
def test_headers_stay_one_visible_line(value: Any, header: str) -> None:
    assert built({"x": value}, at("header")).headers["x"] == header


@pytest.mark.parametrize(
    ("location", "shown"), [("path", "R=1,G=a%2Cb"), ("header", "R=1,G=a%2Cb"), ("cookie", "R=1%2CG=a%2Cb")]
)
def test_an_exploded_object_outside_the_query_assigns(location: Location, shown: str) -> None:
    place = Parameter("x", location, required=True, schema={}, assign="=")
    assert encoded(place, {"R": 1, "G": "a,b"}) == shown


def test_json_in_a_header() -> None:
    assert built({"x": {"a": 1}}, at("header", json=True)).headers["x"] == '{"a":1}'


def test_cookies_are_joined() -> None:
    first = at("cookie")
    second = Binding("y", False, {}, Parameter("y", "cookie", required=False, schema={}), "y")
    assert built({"x": "a;b", "y": 1}, first, second).headers["Cookie"] == "x=a%3Bb; y=1"


@pytest.mark.parametrize(
    ("arguments", "body", "content"),
    [
        ({}, Body(required=False, schema={}), None),
        ({}, Body(required=True, schema={}), b"{}"),
        ({"x": "é"}, Body(required=False, schema={}), '{"x":"é"}'.encode()),
        ({"x": [1, "b c"]}, Body(False, {}, "application/x-www-form-urlencoded"), b"x=1&x=b+c"),
    ],
)
def test_members_make_the_body(arguments: dict[str, Any], body: Body, content: bytes | None) -> None:
    request = built(arguments, within("member"), body=body)
    assert request.content == content
    assert request.headers.get("Content-Type") == (None if content is None else body.media_type)


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("value", "encoding", "content"),
    [
        ("a b&c", None, "x=a+b%26c"),
        (["a", "b"], None, "x=a&x=b"),
        ({"a": 1, "b": "c d"}, None, "x=%7B%22a%22%3A1%2C%22b%22%3A%22c+d%22%7D"),
        ([{"a": 1}], None, "x=%7B%22a%22%3A1%7D"),
        ({"a": "x y"}, {"deep": True}, "x%5Ba%5D=x+y"),
        ([{"a": 1}, {"a": 2}], {"deep": True}, "x%5B0%5D%5Ba%5D=1&x%5B1%5D%5Ba%5D=2"),
        (["p", "q,r"], {"separator": ","}, "x=p,q%2Cr"),
        (["p", "q"], {"separator": " "}, "x=p%20q"),
        ({"a": 1, "b": "c"}, {"separator": None}, "a=1&b=c"),
        ({"a": 1, "b": "c"}, {"separator": ","}, "x=a,1,b,c"),
        (["p"], {"json": True}, "x=%5B%22p%22%5D"),
    ],
)
def test_members_of_a_form_are_written_as_it_says(
    value: Any, encoding: dict[str, Any] | None, content: str
) -> None:
    said = {} if encoding is None else {"x": Parameter("x", "query", False, {}, **encoding)}
    request = built({"x": value}, within("member"), body=Body(True, {}, FORM, said))
    assert request.content == content.encode()


@pytest.mark.parametrize("value", [[], [1], 0, False, "", {"a": 1}])
def test_a_whole_body_is_sent_whatever_it_is(value: Any) -> None:
    request = built({"x": value}, within("body"), body=Body(required=False, schema={}))
    assert request.content is not None
    assert request.headers["Content-Type"] == "application/json"


def test_what_is_absent_stays_absent() -> None:
    assert built({}, at("query"), at("header")) == Request(
        "POST", "/things", "", {"Accept": "application/json, */*;q=0.5"}
    )
