from collections.abc import Collection, Sequence
from itertools import chain

import phonenumbers
import pytest

from telefonie_mcp.numbering.number_types import NUMBER_TYPES, NumberType
from telefonie_mcp.sandbox import numbering_plan
from telefonie_mcp.sandbox.inventory import MOST_PROBES, WINDOW, Filter, find
from telefonie_mcp.sandbox.numbering_plan import COUNTRIES, Location
from tests.support.regions import REGIONS, WALKS

UNDISTINGUISHED = {"CA", "CL", "GU", "MP", "MX", "PR", "US", "VI"}
"""Countries where every mobile number can be a fixed line as well."""


def search(wanted: Filter, *, limit: int = 20, purchases: int = 0, taken: Collection[str] = ()) -> list[str]:
    return find(
        wanted,
        limit=limit,
        purchases=purchases,
        taken=lambda numbers: {each for each in numbers if each in taken},
    )


def test_all_regions_of_libphonenumber_are_countries() -> None:
    assert set(REGIONS) == COUNTRIES
    assert len(COUNTRIES) == 245


@pytest.mark.parametrize("regions", WALKS)
def test_every_country_and_type_gives_only_valid_numbers_of_its_own(regions: Sequence[str]) -> None:
    offered: dict[NumberType, set[str]] = {number_type: set() for number_type in NUMBER_TYPES}
    owner: dict[str, str] = {}
    for country in regions:
        for number_type in NUMBER_TYPES:
            for number in search(Filter(country, number_type), limit=5):
                parsed = phonenumbers.parse(number)
                assert phonenumbers.is_valid_number(parsed), number
                main = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
                assert phonenumbers.region_code_for_number(parsed) in {country, main}, number
                assert owner.setdefault(number, country) == country, number
                offered[number_type].add(country)
    assert offered["local"] == set(regions)
    assert set(regions) - offered["mobile"] == (UNDISTINGUISHED | {"TA"}).intersection(regions)
    for number_type in ("national", "toll-free"):
        with_plan = {each for each in regions if numbering_plan.plan(each).typical(number_type)}
        assert offered[number_type] == with_plan
        assert len(with_plan) > 130 * len(regions) // len(REGIONS)


def test_a_search_has_the_same_result_each_time_without_taken_numbers() -> None:
    wanted = Filter("US", "local")
    first = search(wanted)
    assert search(wanted) == first
    assert len(set(first)) == 20
    taken = {first[0], first[7]}
    again = search(wanted, taken=taken)
    assert again[:18] == [number for number in first if number not in taken]
    assert search(wanted, limit=3) == first[:3]


def test_results_are_spread_over_area_codes() -> None:
    assert len({number[:5] for number in search(Filter("US", "local"))}) >= 15
    assert len({number[:6] for number in search(Filter("GB", "local"))}) >= 5


@pytest.mark.parametrize(
    ("wanted", "reserved"),
    [
        (Filter("US", "local"), "555"),
        (Filter("US", "toll-free"), "555"),
        (Filter("CA", "local", area_code="416"), "+1416555"),
        (Filter("GB", "local", area_code="20"), "+442079460"),
        (Filter("GB", "toll-free"), "+448081570"),
        (Filter("GB", "national"), "+443069990"),
        (Filter("DE", "local", area_code="30"), "+493023125"),
        (Filter("DE", "mobile"), "+4917139200"),
        (Filter("FR", "local", area_code="1"), "+3319900"),
        (Filter("SE", "mobile"), "+46701740"),
        (Filter("AU", "toll-free"), "+611800"),
    ],
)
def test_numbers_reserved_for_fiction_come_first(wanted: Filter, reserved: str) -> None:
    found = search(wanted, limit=6)
    assert len(found) == 6
    assert all(reserved in number for number in found)


@pytest.mark.parametrize(
    ("country", "area_code", "begins"),
    [
        ("US", "212", "+1212"),
        ("CA", "604", "+1604"),
        ("GB", "20", "+4420"),
        ("GB", "020", "+4420"),  # with the national prefix
        ("DE", "030", "+4930"),
        ("IT", "06", "+3906"),  # here the zero belongs to the number
        ("RU", "812", "+7812"),  # here 8 is the national prefix, but areas begin with it as well
        ("JP", "3", "+813"),
    ],
)
def test_any_area_code_can_be_found(country: str, area_code: str, begins: str) -> None:
    found = search(Filter(country, "local", area_code=area_code))
    assert len(found) == 20
    assert all(number.startswith(begins) for number in found)


@pytest.mark.parametrize(("country", "area_code"), [("US", "533"), ("US", "500"), ("GB", "9"), ("DE", "00")])
def test_an_area_that_does_not_exist_has_no_numbers(country: str, area_code: str) -> None:
    assert search(Filter(country, "local", area_code=area_code)) == []


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Filter("US", "local", contains="8675309"), 20),
        (Filter("US", "local", area_code="212", contains="8675309"), 1),
        (Filter("US", "local", contains="14155550100"), 1),
        (Filter("US", "toll-free", contains="777"), 20),
        (Filter("GB", "mobile", contains="447400123456"), 1),
        (Filter("DE", "local", contains="4930901820"), 20),
        (Filter("TA", "local", contains="899"), 11),
        (Filter("US", "local", contains="000000000"), 0),
    ],
)
def test_any_digits_that_the_numbering_plan_allows_can_be_found(wanted: Filter, count: int) -> None:
    found = search(wanted)
    assert len(found) == len(set(found)) == count
    assert all(wanted.contains in number for number in found)
    assert all(numbering_plan.locate(number) == Location(wanted.country, wanted.type) for number in found)


def test_other_valid_numbers_follow_those_reserved_for_fiction() -> None:
    wanted = Filter("US", "local", area_code="212", contains="5551")
    fiction = {f"+12125551{number:03}" for number in range(1000)}
    found = search(wanted, taken=fiction)
    assert len(found) == 20
    assert not fiction.intersection(found)


def test_every_number_of_a_small_plan_can_be_found() -> None:
    everything = {f"+2908{number:03}" for number in range(1000)}
    assert set(search(Filter("TA", "local"), limit=1000)) == everything
    assert search(Filter("TA", "local"), taken=everything - {"+2908999"}) == ["+2908999"]
    assert search(Filter("TA", "local"), taken=everything) == []


@pytest.mark.unmeasured
def test_a_search_examines_few_numbers_however_many_were_bought() -> None:
    """Buyers take the first results of each search, so taken numbers accumulate there."""
    wanted = Filter("US", "local", area_code="415")
    taken: set[str] = set()
    looked_at: list[int] = []

    def unavailable(numbers: Collection[str]) -> set[str]:
        assert len(numbers) <= WINDOW
        looked_at[-1] += len(numbers)
        return taken.intersection(numbers)

    for purchases in range(0, 6000, 20):
        looked_at.append(0)
        found = find(wanted, limit=20, purchases=purchases, taken=unavailable)
        assert len(found) == 20
        taken.update(found)
    assert len(taken) == 6000
    assert max(looked_at) <= 4 * WINDOW


@pytest.mark.unmeasured
def test_a_search_where_everything_is_taken_ends_after_the_most_probes() -> None:
    looked_at = 0

    def all_taken(numbers: Collection[str]) -> set[str]:
        nonlocal looked_at
        looked_at += len(numbers)
        return set(numbers)

    assert find(Filter("US", "local"), limit=1, purchases=0, taken=all_taken) == []
    assert looked_at == MOST_PROBES


def test_shared_numbers_are_found_in_one_country_only() -> None:
    countries = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]
    found = [search(Filter(country, "toll-free")) for country in countries]
    everything = list(chain.from_iterable(found))
    assert len(everything) == len(set(everything)) == 500
