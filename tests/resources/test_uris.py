import pytest
from hypothesis import given
from hypothesis import strategies as st

from telefonie_mcp.resources.uris import Template

NUMBER = Template("telefonie://numbers/{phone_number}")


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("telefonie://numbers/+14155550100", "+14155550100"),
        ("telefonie://numbers/%2B14155550100", "+14155550100"),
        ("telefonie://numbers/a%2Fb", "a/b"),
        ("telefonie://numbers/", None),
        ("telefonie://numbers", None),
        ("telefonie://numbers/1/2", None),
        ("telefonie://Numbers/1", None),
        ("xtelefonie://numbers/1", None),
        ("telefonie://numbers/1\n", "1\n"),
    ],
)
def test_a_variable_is_one_segment(uri: str, number: str | None) -> None:
    assert NUMBER.match(uri) == (None if number is None else {"phone_number": number})


def test_a_uri_without_variables_matches_itself() -> None:
    assert Template("telefonie://numbers").match("telefonie://numbers") == {}
    assert Template("telefonie://numbers").spellings({}) == ("telefonie://numbers",)


def test_variables_can_stand_anywhere_in_a_template() -> None:
    template = Template("telefonie://a/{b}/c/{d}")
    assert template.variables == ("b", "d")
    assert template.match("telefonie://a/1/c/2") == {"b": "1", "d": "2"}


def test_clients_write_a_plus_in_two_ways() -> None:
    assert NUMBER.spellings({"phone_number": "+1", "other": "x"}) == (
        "telefonie://numbers/%2B1",
        "telefonie://numbers/+1",
    )


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_every_spelling_is_read_as_the_value(value: str) -> None:
    for uri in NUMBER.spellings({"phone_number": value}):
        assert NUMBER.match(uri) == {"phone_number": value}
