import json
from decimal import Decimal
from importlib.resources import files

import pytest

from telefonie_mcp.numbering.number_types import NUMBER_TYPES, NumberType
from telefonie_mcp.sandbox.numbering_plan import COUNTRIES
from telefonie_mcp.sandbox.pricing import Requirement, terms

PRICES = json.loads(files("telefonie_mcp.sandbox").joinpath("pricing.json").read_text("utf-8"))


def test_every_country_and_type_has_terms() -> None:
    for country in COUNTRIES:
        for number_type in NUMBER_TYPES:
            offer = terms(country, number_type)
            assert offer.voice
            assert offer.monthly_rate > 0
            assert offer.monthly_rate.as_tuple().exponent == -2


def test_the_price_list_names_only_known_countries_types_and_terms() -> None:
    assert len(PRICES["countries"]) >= 30
    assert PRICES["countries"].keys() <= COUNTRIES
    facts = set(PRICES["defaults"]["local"])
    for country in PRICES["countries"].values():
        assert country.keys() <= set(NUMBER_TYPES)
        assert all(each.keys() <= facts for each in country.values())


def test_only_north_america_has_sms_on_local_numbers_and_mms() -> None:
    sms = {(country, kind) for country in COUNTRIES for kind in NUMBER_TYPES if terms(country, kind).sms}
    mms = {(country, kind) for country in COUNTRIES for kind in NUMBER_TYPES if terms(country, kind).mms}
    assert mms == {("US", "local"), ("US", "toll-free"), ("CA", "local")}
    assert sms == mms | {("CA", "toll-free")} | {(country, "mobile") for country in COUNTRIES}


@pytest.mark.parametrize(
    ("country", "number_type", "rate", "requires"),
    [
        ("US", "local", "1.15", "nothing"),
        ("US", "toll-free", "2.15", "nothing"),
        ("CA", "local", "1.15", "nothing"),
        ("DE", "local", "1.15", "address"),
        ("DE", "mobile", "10.00", "address"),
        ("IT", "mobile", "30.00", "bundle"),
        ("JP", "national", "4.50", "bundle"),
        ("FI", "toll-free", "40.00", "address"),
        ("IS", "local", "3.00", "address"),  # not in the data: the defaults
    ],
)
def test_terms_are_those_of_the_price_list(
    country: str, number_type: NumberType, rate: str, requires: str
) -> None:
    offer = terms(country, number_type)
    assert (offer.monthly_rate, offer.requires) == (Decimal(rate), Requirement(requires))
