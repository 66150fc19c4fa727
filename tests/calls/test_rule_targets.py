from typing import Any

import pytest

from telefonie_mcp.calls.rule_targets import hosts_in, numbers_in, protected_in


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ("+14155550100", {"+14155550100"}),
        ("14155550100", {"+14155550100"}),
        (14155550100, {"+14155550100"}),
        (" +1 (415) 555-0100 ", {"+14155550100"}),
        ("tel:+1.415.555.0100", {"+14155550100"}),
        ("+1\u2011415\u2011555\u20110100", {"+14155550100"}),
        ("+44 (0)20 7946 0123", {"+4402079460123", "+442079460123"}),
        (["+14155550100", {"a": "+14155550101"}], {"+14155550100", "+14155550101"}),
        ({"+14155550100": None}, {"+14155550100"}),
        ("TEL:+14155550100", {"+14155550100"}),
        ("%2B14155550100", {"+14155550100"}),
        ("00 1 415 555 0100", {"+14155550100"}),
        ("+1415\u200b555\u202e0100", {"+14155550100"}),
        ("\uff0b\uff11\uff14155550100", {"+14155550100"}),
        ("\u00a0+1\u2009415\u2009555 0100 ", {"+14155550100"}),
        ("123456", set[str]()),
        ("call +14155550100 now", set[str]()),
        ("2026-11-28T10:00:00Z", set[str]()),
        ("https://example.com/14155550100", set[str]()),
        (True, set[str]()),
        (None, set[str]()),
        (1.5, set[str]()),
        ("", set[str]()),
    ],
)
def test_every_value_that_is_a_number_is_found(value: Any, numbers: set[str]) -> None:
    assert {*numbers_in(value)} == numbers


@pytest.mark.parametrize(
    "value",
    [
        "4155550100",
        "(415) 555-0100",
        "1 415 555 0100",
        14155550100.0,
        "011 1 415 555 0100",
        "+1 (415) 555-0100 ext. 5",
        "+14155550100x5",
        "tel:+14155550100;phone-context=x",
        "+14155550101,+14155550100",
        "+14155550101 +14155550100",
        "%252B14155550100",
        "+1%20415%20555%200100",
        "+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0660\u0660",
        "+1_415_555_0100",
        '["+14155550100"]',
        "++14155550100",
        "+01 415 555 0100",
        f"{' ' * 9000}+1{'-' * 9000}4155550100",
    ],
)
def test_a_protected_number_is_found_in_any_spelling(value: Any) -> None:
    assert protected_in(value, frozenset({"+442079460123", "+14155550100"})) == "+14155550100"


@pytest.mark.parametrize(
    "value", ["+4155550100", "+34 155 550 100", "4155550100 x", "call 4155550100", 5550100]
)
def test_another_number_is_not_taken_for_a_protected_one(value: Any) -> None:
    assert protected_in(value, frozenset({"+14155550100"})) is None


@pytest.mark.parametrize("part", [" ", "x ", "#1", "+1 ", "x:1;", "%25"])
def test_numbers_are_looked_for_in_linear_time(part: str) -> None:
    assert protected_in([part * 200_000] * 20, frozenset({"+14155550100"})) is None


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("https://Example.com:8443/x?y#z", ["example.com"]),
        ("see https://a.example/x, then http://b.example.", ["a.example", "b.example"]),
        ("https:evil.example", ["evil.example"]),
        ("ht\u200btps://evil.example", ["evil.example"]),
        (f"{'x' * 200_000} https://evil.example", ["evil.example"]),
        ("https:/evil.example", ["evil.example"]),
        ("https:\n//evil.example", ["evil.example"]),
        ("https://a.example\n.evil.example/x", ["a.example", "a.example.evil.example"]),
        ("https://a.example\t@evil.example", ["a.example", "evil.example"]),
        ("https://a.example\nhttps://b.example", ["a.example", "b.example"]),
        ("https://a.example\nis ours", ["a.example"]),
        ("https:\\\\evil.example", ["evil.example"]),
        ("https://a.example@evil.example/", ["evil.example"]),
        ("https://evil.example\\@a.example/", [""]),
        ("https://[::1]/", ["::1"]),
        ("https://[::1/", [""]),
        ("ftp://a.example/", ["a.example"]),
        ("custom+scheme://a.example/", ["a.example"]),
        ("sip:me@a.example", ["a.example"]),
        ("//a.example/x", ["a.example"]),
        ({"to": ["https://a.example"], "https://b.example": 1}, ["a.example", "b.example"]),
        ("a // b", []),
        ("plain text", []),
        ("a.example", []),
        (7, []),
        (None, []),
    ],
)
def test_the_host_of_every_url_is_found(value: Any, hosts: list[str]) -> None:
    assert [*hosts_in(value)] == hosts
