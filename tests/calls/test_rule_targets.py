from typing import Any

import pytest

from telefonie_mcp.calls.rule_targets import hosts_in, numbers_in


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
    ("value", "hosts"),
    [
        ("https://Example.com:8443/x?y#z", ["example.com"]),
        ("see https://a.example/x, then http://b.example.", ["a.example", "b.example"]),
        ("https:evil.example", ["evil.example"]),
        ("ht\u200btps://evil.example", ["evil.example"]),
        (f"{'x' * 200_000} https://evil.example", ["evil.example"]),
        ("https:/evil.example", ["evil.example"]),
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
