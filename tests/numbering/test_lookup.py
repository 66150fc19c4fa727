import subprocess
import sys
from collections.abc import Sequence

import phonenumbers
import pytest

from telefonie_mcp.numbering.lookup import describe, type_of
from tests.support.regions import WALKS

SHARED = {"EH": "MA", "MF": "BL"}
"""Regions whose numbers libphonenumber cannot tell from those of another one."""


def example(region: str) -> str:
    number = phonenumbers.example_number(region)
    assert number
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize("regions", WALKS)
def test_the_example_of_every_region_is_valid_and_of_that_region(regions: Sequence[str]) -> None:
    for region in regions:
        known = describe(example(region))
        assert known["valid"], region
        assert known["country_code"] == SHARED.get(region, region)
        assert known["line_type"] != "unknown", region


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (
            "+14155550100",
            {
                "national_format": "(415) 555-0100",
                "international_format": "+1 415-555-0100",
                "country_code": "US",
                "country": "United States",
                "line_type": "fixed_line_or_mobile",
                "area": "San Francisco, CA",
                "time_zones": ["America/Los_Angeles"],
            },
        ),
        (
            "+442079460123",
            {
                "national_format": "020 7946 0123",
                "international_format": "+44 20 7946 0123",
                "country_code": "GB",
                "country": "United Kingdom",
                "line_type": "fixed_line",
                "area": "London",
                "time_zones": ["Europe/London"],
            },
        ),
        (
            "+491713920000",
            {
                "national_format": "0171 3920000",
                "international_format": "+49 171 3920000",
                "country_code": "DE",
                "country": "Germany",
                "line_type": "mobile",
                "time_zones": ["Europe/Berlin"],
                "original_carrier": "T-Mobile",
            },
        ),
    ],
)
def test_a_valid_number_has_exactly_the_known_members(number: str, expected: dict[str, object]) -> None:
    assert describe(number) == {"phone_number": number, "valid": True, **expected}


def test_a_number_without_a_country_has_no_country_members() -> None:
    known = describe("+80012345678")
    assert (known["valid"], known["line_type"]) == (True, "toll_free")
    assert "country_code" not in known
    assert "country" not in known


def test_a_national_prefix_after_the_calling_code_is_removed() -> None:
    assert describe("+4402079460123")["phone_number"] == "+442079460123"


@pytest.mark.parametrize(
    ("number", "code", "country"),
    [
        ("+9991234567", "invalid_country_code", None),
        ("+1415555010", "too_short", None),
        ("+4412", "too_short", None),
        ("+33", "too_short", None),
        ("+141555501001", "too_long", None),
        ("+15550100", "local_only", None),
        ("+447700900123", "not_in_numbering_plan", None),
        ("+33012345", "too_short", "FR"),
    ],
)
def test_an_invalid_number_has_a_code_and_a_reason(number: str, code: str, country: str | None) -> None:
    known = describe(number)
    assert (known["valid"], known["code"], known.get("country_code")) == (False, code, country)
    assert known["reason"].endswith(".")
    assert known["phone_number"] == number


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+14155550100", "local"),
        ("+442079460123", "local"),
        ("+491713920000", "mobile"),
        ("+18005550100", "toll-free"),
        ("+445612345678", "national"),
        ("+19005550100", None),
        ("+9991234567", None),
    ],
)
def test_the_type_under_which_a_number_would_be_sold(number: str, expected: str | None) -> None:
    assert type_of(number) == expected


def test_the_large_tables_are_not_imported_before_the_first_number() -> None:
    script = (
        "import sys, telefonie_mcp.numbering.lookup_document as a; "
        "print(*sorted(n for n in sys.modules if n.startswith(('phonenumbers.', 'telefonie_mcp.'))))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert not {f"phonenumbers.{name}" for name in ("geocoder", "carrier", "timezone")} & modules
    ours = {name for name in modules if name.startswith("telefonie_mcp")}
    assert ours == {
        f"telefonie_mcp.numbering{n}" for n in ("", ".lookup", ".lookup_document", ".number_types")
    }
