import json
import math
from typing import Any

import pytest

from telefonie_mcp.errors import ToolError
from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.tools import catalog, strange, taking, tool, violations

NUMBER = "+14155550100"


def refused(called: str | Tool, arguments: Any) -> dict[str, Any]:
    with pytest.raises(ToolError) as caught:
        read_arguments(tool(called) if isinstance(called, str) else called, arguments)
    answer = caught.value.as_dict()
    assert answer["message"].startswith("Nothing was done: ")
    assert answer["code"] == "invalid_arguments"
    assert answer["retryable"] is False
    return answer


def problems(called: str | Tool, arguments: Any) -> dict[str, str]:
    return violations(refused(called, arguments))


@pytest.mark.parametrize("arguments", [None, {}, {"type": None, "page": None, "page_size": None}])
def test_null_counts_as_absent(arguments: Any) -> None:
    assert read_arguments(tool("list_owned_numbers"), arguments) == ({}, False)


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u2066", "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("\u200f", "U+200F RIGHT-TO-LEFT MARK"),
        ("\x00", "U+0000 NULL"),
        ("\x1b", "U+001B ESCAPE"),
        ("\x9b", "U+009B CONTROL CHARACTER"),
    ],
)
def test_what_reorders_text_is_refused_by_name(character: str, name: str) -> None:
    for given in (f"a{character}b", [[f"{character}"]], {"a": [{"b": f"x{character}"}]}, {f"{character}": 1}):
        assert problems(taking({}), {"x": given}) == {
            "x": f"holds {name}, which is invisible or changes how text reads, and is not sent; leave it out"
        }
    answer = refused("update_owned_number", {"phone_number": NUMBER, "friendly_name": f"a{character}b"})
    assert f"friendly_name holds {name}, which" in answer["message"]
    assert character not in json.dumps(answer, ensure_ascii=False)


@pytest.mark.parametrize(
    "text", ["two\nlines\r\n\tand a tab", "\u0645\u06cc\u200c\u062e", "a\u00ad\u200bb", "\u200d"]
)
def test_what_a_user_sends_is_never_changed(text: str) -> None:
    arguments = {"phone_number": NUMBER, "friendly_name": text}
    assert read_arguments(tool("update_owned_number"), arguments) == (arguments, False)
    assert read_arguments(taking({}), {"x": {text: [text]}}) == ({"x": {text: [text]}}, False)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\u200bb", "ab"),
        ("a\u3164b\u115f\ufe0f", "ab"),
        ("a\ue000b\ufdd0", "ab"),
        ("a\U000e0041b", "ab"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)
def test_a_name_that_an_error_repeats_is_cleaned(name: str, shown: str) -> None:
    answer = refused("list_owned_numbers", {name: 1})
    assert answer["field"] == shown
    assert answer["message"].startswith(f"Nothing was done: {shown} is not an argument")


@pytest.mark.parametrize(
    "confirm", [None, False, "true", "yes", 1, 1.0, [], [True], {"confirm": True}, "TRUE"]
)
def test_only_true_confirms(confirm: Any) -> None:
    assert read_arguments(tool("release_number"), {"phone_number": NUMBER, "confirm": confirm}) == (
        {"phone_number": NUMBER},
        False,
    )


def test_true_confirms() -> None:
    arguments = {"phone_number": NUMBER, "confirm": True}
    assert read_arguments(tool("purchase_number"), arguments) == ({"phone_number": NUMBER}, True)


def test_all_violations_are_reported_at_once_with_field_and_remedy() -> None:
    arguments = {
        "country_code": "Germany",
        "type": "locl",
        "area_code": 4.15,
        "contains": "FLOWERS",
        "sms_enabled": "yes",
        "voice_enabled": 1,
        "limit": 500,
        "city": "Berlin",
        "areacode": "30",
    }
    answer = refused("search_available_numbers", arguments)
    found = {error["field"]: error["problem"] for error in answer["errors"]}
    assert found.keys() == arguments.keys()
    assert answer["field"] in arguments
    assert found["country_code"] == (
        "must be an ISO 3166-1 alpha-2 country code with a numbering plan, such as US, GB or DE; "
        'did you mean DE? (got "Germany")'
    )
    assert (
        found["type"] == 'must be one of local, national, toll-free, mobile; did you mean local? (got "locl")'
    )
    assert found["area_code"].startswith("must be of type string (Desired area code")
    assert found["contains"] == (
        'must be 1 to 15 digits, such as 5550; did you mean 3569377? (got "FLOWERS")'
    )
    assert found["sms_enabled"].startswith("must be of type boolean")
    assert found["limit"] == "must be at most 20 (got 500)"
    assert found["city"].startswith(
        "is not an argument of search_available_numbers; the arguments are country_code"
    )
    assert found["areacode"].endswith("did you mean area_code?")


@pytest.mark.parametrize(
    ("name", "arguments", "field", "words"),
    [
        ("search_available_numbers", {}, "country_code", "is required (ISO 3166-1"),
        ("search_available_numbers", {"country_code": "UK"}, "country_code", "did you mean GB?"),
        ("search_available_numbers", {"country_code": "ZZ"}, "country_code", "with a numbering plan"),
        ("search_available_numbers", {"country_code": "US", "limit": 0}, "limit", "at least 1 (got 0)"),
        ("search_available_numbers", {"country_code": "US", "limit": 2.5}, "limit", "type integer"),
        ("search_available_numbers", {"country_code": "US", "limit": "5.5"}, "limit", "type integer"),
        ("list_owned_numbers", {"page": -1}, "page", "at least 1"),
        ("list_owned_numbers", {"page_size": 101}, "page_size", "at most 100"),
        ("get_owned_number", {"phone_number": ""}, "phone_number", "E.164"),
        ("get_owned_number", {"phone_number": "4155550100"}, "phone_number", "did you mean +14155550100?"),
        (
            "get_owned_number",
            {"phone_number": "00442079460123"},
            "phone_number",
            "did you mean +442079460123?",
        ),
        (
            "get_owned_number",
            {"phone_number": "+44 (0)20 7946 0123"},
            "phone_number",
            "did you mean +442079460123?",
        ),
        ("get_owned_number", {"phone_number": "1-800-FLOWERS"}, "phone_number", "E.164"),
        ("get_owned_number", {"phone_number": 14155550100}, "phone_number", "type string"),
        ("get_owned_number", {"phone_number": "../../admin"}, "phone_number", "E.164"),
        (
            "purchase_number",
            {"phone_number": NUMBER, "voice_url": "example.com"},
            "voice_url",
            "absolute http://",
        ),
        (
            "purchase_number",
            {"phone_number": NUMBER, "voice_url": "ftp://example.com"},
            "voice_url",
            "absolute",
        ),
        ("purchase_number", {"phone_number": NUMBER, "sms_url": "https://"}, "sms_url", "absolute"),
        ("purchase_number", {"phone_number": NUMBER, "sms_url": "https://[::1"}, "sms_url", "absolute"),
        ("purchase_number", {"phone_number": NUMBER, "sms_url": "https://a b"}, "sms_url", "absolute"),
        (
            "purchase_number",
            {"phone_number": NUMBER, "sms_url": "https://good.example@evil.example"},
            "sms_url",
            "absolute",
        ),
        (
            "purchase_number",
            {"phone_number": NUMBER, "sms_url": "https://evil.example\\@good.example"},
            "sms_url",
            "absolute",
        ),
        (
            "purchase_number",
            {"phone_number": NUMBER, "sms_url": "https://a.example/" + "x" * 2048},
            "sms_url",
            "2,048",
        ),
        ("purchase_number", {"phone_number": NUMBER, "sms_url": ""}, "sms_url", "absolute"),
        (
            "purchase_number",
            {"phone_number": NUMBER, "max_monthly_rate": -1},
            "max_monthly_rate",
            "at least 0",
        ),
        (
            "update_owned_number",
            {"phone_number": NUMBER, "voice_url": "x"},
            "voice_url",
            "or empty to remove",
        ),
        (
            "update_owned_number",
            {"phone_number": NUMBER, "friendly_name": "x" * 65},
            "friendly_name",
            "at most 64",
        ),
        ("update_owned_number", {"phone_number": NUMBER, "confirm": True}, "confirm", "is not an argument"),
    ],
)
def test_bad_arguments_are_refused_with_a_remedy(
    name: str, arguments: dict[str, Any], field: str, words: str
) -> None:
    found = problems(name, arguments)
    assert list(found) == [field]
    assert words in found[field]


@pytest.mark.parametrize("value", [NUMBER, "415", f"{NUMBER},{NUMBER}"])
def test_a_string_is_no_list_whatever_its_format_says(value: str) -> None:
    numbers = {"name": "x", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
    hints = {"arguments": {"x": {"format": "e164"}}}
    listing = strange({"parameters": [numbers], "x-telefonie-hints": hints})
    assert problems(listing, {"x": value}) == {"x": f'must be of type array (got "{value}")'}


def test_of_a_list_that_is_too_long_no_numbers_are_read() -> None:
    schema = {"type": "array", "maxItems": 2, "items": {"type": "string"}}
    hints = {"arguments": {"x": {"format": "e164"}}}
    listing = strange(
        {"parameters": [{"name": "x", "in": "query", "schema": schema}], "x-telefonie-hints": hints}
    )
    found = problems(listing, {"x": [NUMBER, "a", "+9990000000"]})
    assert "did you mean" not in "".join(found.values())
    assert "must be in E.164 format" in found["x[1]"]
    assert "must have at most 2 items" in found["x"]
    assert "x[2]" not in found  # though it has the calling code of no country


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        "\ud800",
        {"deep": float("nan")},
        ["\udfff"],
        {"\ud800": 1},
        pytest.param(10**5000, id="more digits than are written"),
        nested(65),
        nested(300),
        nested(100_000),
    ],
)
def test_what_json_cannot_carry_is_refused_beside_the_rest(value: Any) -> None:
    found = problems("search_available_numbers", {"country_code": "US", "contains": value, "limit": 99})
    assert found["contains"].startswith("holds what JSON cannot carry")
    assert "at most 20" in found["limit"]


HUGE: list[dict[str, Any]] = [
    {"country_code": "x" * 1_000_000},
    {"y" * 1_000_000: 1},
    {"country_code": {"a": [{"b": [[[]]]}]}},
    {"country_code": [1] * 100_000},
    {f"unknown_{n}": n for n in range(10_000)},
    {"contains\x1b[31m\u202e": "a\nb\u200bc"},
]


@pytest.mark.parametrize("arguments", HUGE)
def test_refusals_stay_short_and_printable(arguments: dict[str, Any]) -> None:
    text = json.dumps(refused("search_available_numbers", arguments), ensure_ascii=False)
    assert len(text) < 20_000
    assert text.isprintable()


@pytest.mark.parametrize(
    "spelling",
    [
        "+1 (415) 555-0100",
        " +14155550100 ",
        "+1-415-555-0100",
        "+1.415.555.0100",
        "+1\u00a0415\u2011555\u20110100",
    ],
)
def test_a_number_that_can_be_read_unambiguously_is_normalised(spelling: str) -> None:
    assert read_arguments(tool("get_owned_number"), {"phone_number": spelling})[0] == {"phone_number": NUMBER}


def test_countries_are_normalised_and_urls_stripped() -> None:
    assert read_arguments(tool("search_available_numbers"), {"country_code": " us "})[0] == {
        "country_code": "US"
    }
    arguments = {"phone_number": NUMBER, "voice_url": " https://example.com/v ", "sms_url": ""}
    assert read_arguments(tool("update_owned_number"), arguments)[0] == {
        "phone_number": NUMBER,
        "voice_url": "https://example.com/v",
        "sms_url": "",
    }


def test_every_schema_is_valid_json_schema() -> None:
    for each in catalog():
        assert each.argument_validator is each.argument_validator
        assert each.result_validator.is_valid({}) in {True, False}


def test_the_deepest_value_that_is_accepted() -> None:
    value = nested(64)
    assert read_arguments(taking({}, style="deepObject"), {"x": value})[0] == {"x": value}
    assert list(problems(taking({"type": "string"}), {"x": value})) == ["x"]


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"type": "array", "minItems": 2}, [1], "must have 2 or more items (got [1])"),
        ({"type": "array", "maxItems": 1}, ["a", None], 'must have at most 1 items (got ["a", null])'),
        ({"type": "array", "uniqueItems": True}, [1, 1], "must not hold the same item twice (got [1, 1])"),
        ({"type": "object", "minProperties": 1}, {}, "must have 1 or more members (got {})"),
        (
            {"type": "object", "maxProperties": 0},
            {"a": True},
            'must have at most 0 members (got {"a": true})',
        ),
        ({"type": "number", "exclusiveMinimum": 0}, 0, "must be greater than 0 (got 0)"),
        ({"type": "number", "exclusiveMaximum": 1}, 1.5, "must be less than 1 (got 1.5)"),
        ({"type": "integer", "multipleOf": 5}, 3, "must be a multiple of 5 (got 3)"),
        ({"type": "string", "minLength": 2}, "a", 'must have 2 or more characters (got "a")'),
        ({"enum": [True, 1.5, "a b"]}, "b", 'must be one of true, 1.5, a b (got "b")'),
        ({"type": ["string", "integer"]}, True, "must be of type string or integer (got true)"),
        (
            {"anyOf": [{"minLength": 3}, {"minLength": 4}]},
            "a",
            'must match one of its alternatives (got "a")',
        ),
        (
            {"type": "boolean", "description": "Old {1}"},
            "yes",
            'must be of type boolean (Old {1}) (got "yes")',
        ),
        (
            {"type": "array", "contains": {"type": "string"}, "description": "{x}"},
            [],
            'must hold 1 or more items that follow {"type": "string"} ({x}) (got [])',
        ),
    ],
)
def test_every_violation_has_a_remedy(schema: dict[str, Any], value: Any, problem: str) -> None:
    assert problems(taking(schema), {"x": value}) == {"x": problem}


def test_a_format_of_a_packaged_document_is_demanded() -> None:
    order = build_catalog(load_documents(toolsets=TOOLSETS))["create_port_order"]
    problem = problems(order, {"foc_date": "soon"})["foc_date"]
    assert problem == 'must be a valid date (got "soon")'


def test_violations_inside_an_argument_name_their_place() -> None:
    place = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "size": {"type": "integer", "description": "In metres"}},
        "additionalProperties": False,
    }
    tool = taking({"type": "array", "items": place}, style="deepObject")
    assert problems(tool, {"x": [{"nmae": 1}, {"name": "a", "size": None}, {"name": "b", "zzz": 1}]}) == {
        "x[0].name": "is required",
        "x[0].nmae": "is not a member of x[0]; did you mean name?",
        "x[1].size": "must be of type integer (In metres) (got null)",
        "x[2].zzz": "is not a member of x[2]; the members are name, size",
    }


def test_a_tool_without_arguments_says_so() -> None:
    assert problems(strange(), {"page": 1}) == {
        "page": "is not an argument of get_things; the arguments are none"
    }


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ({"x": {"k" * 1_000_000: 1}}, "x." + "k" * 60 + "…"),
        ({"x": {"a\nb": 1}}, "x.a\N{REPLACEMENT CHARACTER}b"),
        ({"x": {f"k{n}": n for n in range(100_000)}}, "x.k0"),
    ],
)
def test_refusals_stay_short_inside_an_argument_too(arguments: dict[str, Any], first: str) -> None:
    tool = taking({"type": "object", "additionalProperties": {"type": "string"}}, explode=False)
    answer = refused(tool, arguments)
    text = json.dumps(answer, ensure_ascii=False)
    assert answer["field"] == first
    assert len(violations(answer)) <= 50
    assert len(text) < 20_000
    assert text.isprintable()


def test_more_violations_than_anyone_reads_are_not_looked_for() -> None:
    answer = refused("list_owned_numbers", {f"unknown_{n}": n for n in range(10_000)})
    assert answer["message"].startswith("Nothing was done: 50 or more arguments are invalid: unknown_0, ")
    assert len(answer["errors"]) == 50


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, ""),
        ({"type": "string"}, ".."),
        ({"type": "array"}, []),
        ({"type": "array"}, [""]),
        ({"type": "array"}, ["."]),
        ({"type": "array"}, [".."]),
        ({"type": "object"}, {}),
    ],
)
def test_nothing_in_a_path_can_stand_for_another_path(schema: dict[str, Any], value: Any) -> None:
    (problem,) = problems(taking(schema, "path", required=True), {"x": value}).values()
    assert problem.startswith("must not be empty or dots alone (got ")


@pytest.mark.parametrize("location", ["path", "query", "header", "cookie"])
def test_what_no_server_would_read_is_not_sent(location: str) -> None:
    tool = taking({"type": "string"}, location)
    assert read_arguments(tool, {"x": "x" * 8000})[0]
    assert problems(tool, {"x": "x" * 8001}) == {"x": "must have at most 8,000 characters when it is encoded"}
    assert problems(tool, {"x": "\N{SNOWMAN}" * 1000})


def test_a_body_may_be_as_long_as_it_wants() -> None:
    body = {"content": {"application/json": {"schema": {"type": "string"}}}}
    tool = strange({"requestBody": body}, method="put")
    assert read_arguments(tool, {"body": "x" * 100_000, "confirm": True})[1] is True


@pytest.mark.parametrize(
    ("given", "meant"),
    [("tollfree", "toll-free"), ("Toll Free", "toll-free"), ("MOBILE", "mobile"), ("fax", "")],
)
def test_a_value_that_is_like_an_option_suggests_it(given: str, meant: str) -> None:
    asked = {"country_code": "US", "type": given}
    suggestion = f"; did you mean {meant}?" if meant else ""
    assert problems("search_available_numbers", asked) == {
        "type": f'must be one of local, national, toll-free, mobile{suggestion} (got "{given}")'
    }


@pytest.mark.parametrize(
    ("given", "suggestion"),
    [
        ("FLOWERS", "; did you mean 3569377?"),
        ("555-01", "; did you mean 55501?"),
        ("41x", ""),
        ("5*", ""),
        ("", ""),
    ],
)
def test_digits_are_explained_in_words(given: str, suggestion: str) -> None:
    asked = {"country_code": "US", "contains": given}
    assert problems("search_available_numbers", asked) == {
        "contains": f'must be 1 to 15 digits, such as 5550{suggestion} (got "{given}")'
    }


def test_one_violation_is_said_once_and_several_are_listed() -> None:
    one = refused("search_available_numbers", {"country_code": "UK"})
    assert "errors" not in one
    assert json.dumps(one).count("did you mean GB?") == 1
    two = refused("search_available_numbers", {"country_code": "UK", "limit": 0})
    assert [error["field"] for error in two["errors"]] == ["country_code", "limit"]
    assert "did you mean" not in two["message"]
