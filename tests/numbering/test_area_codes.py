from collections.abc import Sequence

import pytest

from telefonie_mcp.numbering.area_codes import area_codes
from tests.support.regions import WALKS


@pytest.mark.parametrize(
    ("country", "typed", "some", "none"),
    [
        ("US", "", {"201", "202", "212"}, {"204", "416", "800"}),
        ("US", "41", {"410", "415"}, {"411", "416"}),
        ("CA", "", {"416", "604"}, {"415", "212"}),
        ("GB", "2", {"20", "23", "28"}, {"201", "2079"}),
        ("DE", "3", {"30"}, {"301"}),
        ("FR", "", {"1", "5"}, {"6", "9"}),
        ("IT", "0", {"02", "06", "011"}, {"00", "022"}),
        ("JM", "", {"876"}, {"212"}),
    ],
)
def test_area_codes_begin_with_the_digits_typed(
    country: str, typed: str, some: set[str], none: set[str]
) -> None:
    codes = area_codes(country, typed, 300)
    assert set(codes) >= some
    assert not set(codes) & none
    assert all(code.startswith(typed) for code in codes)
    assert list(codes) == sorted(codes)


@pytest.mark.parametrize(
    ("country", "typed"),
    [
        ("XX", ""),
        ("", ""),
        ("US", "x"),
        ("US", "4156"),
        ("US", "4" * 1000),
        ("U" * 1000, ""),
        ("US", "1"),
        ("SG", ""),
        ("ES", ""),
        ("US", "٤"),
    ],
)
def test_some_countries_and_digits_have_no_area_codes(country: str, typed: str) -> None:
    assert area_codes(country, typed, 100) == ()


def test_no_more_area_codes_than_the_limit() -> None:
    assert area_codes("US", "", 3) == ("201", "202", "203")


@pytest.mark.parametrize("regions", WALKS)
def test_area_codes_of_every_region_are_found_within_the_limit(regions: Sequence[str]) -> None:
    for region in regions:
        assert len(area_codes(region, "", 5)) <= 5, region
