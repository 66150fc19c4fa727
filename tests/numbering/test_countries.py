import phonenumbers
import pytest

from telefonie_mcp.numbering.countries import countries


def test_every_country_with_a_numbering_plan_is_listed() -> None:
    assert set(countries("")) == phonenumbers.SUPPORTED_REGIONS


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("de", ["DE", "DK", "CD"]),
        ("Germ", ["DE"]),
        ("united", ["AE", "GB", "US"]),
        ("states", ["US"]),
        ("uk", ["UA", "GB"]),
        ("turkiye", ["TR"]),
        ("Türki", ["TR"]),
        ("  swiss", []),
        (" switz ", ["CH"]),
        ("zz", []),
        ("(", []),
    ],
)
def test_countries_are_found_by_code_by_name_and_by_word(typed: str, codes: list[str]) -> None:
    assert countries(typed)[: len(codes) or None] == codes


def test_matching_codes_come_before_matching_names() -> None:
    assert countries("us")[0] == "US"
    assert countries("a")[0] == "AC"
