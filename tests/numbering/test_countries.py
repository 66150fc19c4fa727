import phonenumbers
import pytest

from telefonie_mcp.numbering.countries import countries, country_problem


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


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("United States", "US"),
        ("united states of america", "US"),
        ("Untied States", "US"),
        ("U.S.", "US"),
        ("USA", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Germany", "DE"),
        ("germny", "DE"),
        ("Türkiye", "TR"),
        ("Korea", "KP or KR"),
        ("United", "AE or GB or US"),
        ("+49", "DE"),
        ("1", "US"),
    ],
)
def test_a_name_or_a_calling_code_suggests_the_country(given: str, meant: str) -> None:
    assert (country_problem(given) or "").endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize("given", ["", "ZZ", "999", "(", "Atlantis", "x" * 100_000, "a"])
def test_what_is_like_no_country_suggests_none(given: str) -> None:
    assert "did you mean" not in (country_problem(given) or "did you mean")
