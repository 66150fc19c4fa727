import json
import math
from typing import Any

import pytest

from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.arguments import read_arguments
from tests.support.tools import catalog, tool

NUMBER = "+14155550100"


def refused(name: str, arguments: Any) -> dict[str, Any]:
    with pytest.raises(ToolError) as caught:
        read_arguments(tool(name), arguments)
    answer = caught.value.as_dict()
    assert answer["message"].startswith("Nothing was done: ")
    assert answer["code"] == "invalid_arguments"
    assert answer["retryable"] is False
    return answer


def problems(name: str, arguments: Any) -> dict[str, str]:
    return {error["field"]: error["problem"] for error in refused(name, arguments)["errors"]}


@pytest.mark.parametrize("arguments", [None, {}, {"type": None, "page": None, "page_size": None}])
def test_null_counts_as_absent(arguments: Any) -> None:
    assert read_arguments(tool("list_owned_numbers"), arguments) == ({}, False)


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
        "area_code": 415,
        "contains": "FLOWERS",
        "sms_enabled": "true",
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
        "must be an ISO 3166-1 alpha-2 country code with a numbering plan, such as US, GB or DE "
        '(got "Germany")'
    )
    assert found["type"] == 'must be one of local, national, toll-free, mobile (got "locl")'
    assert found["area_code"].startswith("must be of type string (Desired area code")
    assert "must match ^[0-9]{1,15}$" in found["contains"]
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
        ("search_available_numbers", {"country_code": "US", "limit": "5"}, "limit", "type integer"),
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
def test_bad_input(name: str, arguments: dict[str, Any], field: str, words: str) -> None:
    found = problems(name, arguments)
    assert list(found) == [field]
    assert words in found[field]


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, "\ud800", {"deep": float("nan")}, ["\udfff"], {"\ud800": 1}]
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
