import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from telefonie_mcp.numbering.number_types import NumberType
from telefonie_mcp.sandbox import numbering_plan
from telefonie_mcp.sandbox.numbering_plan import COUNTRIES, Location

TYPES: dict[int, NumberType | None] = {
    PhoneNumberType.FIXED_LINE: "local",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "local",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.UAN: "national",
    PhoneNumberType.VOIP: "national",
    PhoneNumberType.SHARED_COST: "national",
    PhoneNumberType.PREMIUM_RATE: None,
    PhoneNumberType.PERSONAL_NUMBER: None,
    PhoneNumberType.PAGER: None,
    PhoneNumberType.VOICEMAIL: None,
    PhoneNumberType.UNKNOWN: None,
}


@given(country=st.sampled_from(sorted(COUNTRIES)), national=st.text("0123456789", min_size=4, max_size=12))
def test_a_plan_agrees_with_libphonenumber_on_the_type(country: str, national: str) -> None:
    for each in (national, *_examples(country, national)):
        number = phonenumbers.PhoneNumber(
            country_code=phonenumbers.country_code_for_region(country),
            national_number=int(each),
            italian_leading_zero=each.startswith("0") or None,
            number_of_leading_zeros=max(1, len(each) - len(each.lstrip("0")))
            if each.startswith("0")
            else None,
        )
        if (
            phonenumbers.national_significant_number(number) == each
            and phonenumbers.region_code_for_number(number) == country
        ):
            expected = TYPES[phonenumbers.number_type(number)]
            assert numbering_plan.plan(country).type_of(each) == expected, each


def _examples(country: str, digits: str) -> list[str]:
    """Return example numbers of each type with other last digits: random digits are rarely a number."""
    found = (phonenumbers.example_number_for_type(country, each) for each in TYPES)
    whole = [phonenumbers.national_significant_number(number) for number in found if number]
    return [f"{national[:-2]}{digits[:2]}" for national in whole]


@pytest.mark.parametrize(
    ("number", "location"),
    [
        ("+14155550100", ("US", "local")),
        ("+14165550100", ("CA", "local")),
        ("+18005550100", ("US", "toll-free")),
        ("+442079460123", ("GB", "local")),
        ("+443069990123", ("GB", "national")),
        ("+447400123456", ("GB", "mobile")),
        ("+390612345678", ("IT", "local")),
        ("+12423456789", ("BS", "local")),
        ("+77272345600", ("KZ", "local")),
    ],
)
def test_a_number_is_located_in_one_country_and_type(number: str, location: tuple[str, NumberType]) -> None:
    assert numbering_plan.locate(number) == location


@pytest.mark.parametrize(
    "number",
    [
        "+1415555010",  # too short
        "+19005550100",  # premium rate
        "+15005550100",  # personal
        "+447700900123",  # reserved for fiction, invalid for libphonenumber
        "+80012345678",  # international freephone belongs to no country
        "+999123456789",  # no such calling code
        "+4402079460123",  # a national prefix after the calling code
        "14155550100",
        "+1 415 555 0100",
        "",
        "tel:+14155550100",
    ],
)
def test_a_number_that_is_not_sold_is_not_located(number: str) -> None:
    assert numbering_plan.locate(number) is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+19005550100", True),
        ("+80012345678", True),
        ("+14155550100", True),
        ("+1415555010", False),
        ("x", False),
    ],
)
def test_a_number_may_exist_without_being_sold(number: str, *, expected: bool) -> None:
    assert numbering_plan.exists(number) is expected


def test_shared_numbers_are_divided_by_their_last_digits() -> None:
    assert numbering_plan.sharing("US") is None
    assert numbering_plan.sharing("GB") is None
    assert numbering_plan.sharing("GG") == ("GB", "99")
    seventh = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1][6]
    assert numbering_plan.locate("+18005550194") == Location(seventh, "toll-free")
    canadian = numbering_plan.sharing("CA")
    assert canadian is not None
    assert numbering_plan.locate(f"+180055501{canadian[1]}") == Location("CA", "toll-free")
    assert (
        len({numbering_plan.sharing(country) for country in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]})
        == 25
    )


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+14155550100", "(415) 555-0100"),
        ("+15005550006", "(500) 555-0006"),
        ("+442079460123", "+44 20 7946 0123"),
        ("+390612345678", "+39 06 1234 5678"),
    ],
)
def test_numbers_are_formatted_for_people(number: str, written: str) -> None:
    assert numbering_plan.display(number) == written


def test_a_plan_without_a_type_has_no_usual_numbers_of_it() -> None:
    assert numbering_plan.plan("TA").typical("mobile") is None
    assert numbering_plan.plan("JP").typical("national") == ("voip", 10)
