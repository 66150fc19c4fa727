import phonenumbers
import pytest

from telefonie_mcp.tools.formats import DERIVATIONS, FORMATS


@pytest.mark.parametrize(
    ("number", "country", "national"),
    [
        ("+14155550100", "US", "4155550100"),
        ("+442079460123", "GB", "2079460123"),
        ("+447700900123", "GB", "7700900123"),
        ("+390669812345", "VA", "0669812345"),
        ("+18005550199", "US", "8005550199"),
        ("+80012345678", "001", "12345678"),
    ],
)
def test_values_are_derived_from_numbers(number: str, country: str, national: str) -> None:
    assert DERIVATIONS["country"](number) in {country, "IT"}
    assert number.endswith(DERIVATIONS["national_number"](number))
    assert DERIVATIONS["national_number"](number) == national


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_example_numbers_of_every_region_are_accepted(region: str) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    for form in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
        text = phonenumbers.format_number(example, form)
        normal = FORMATS["e164"].normalise(text)
        assert FORMATS["e164"].problem(normal) is None
        assert normal == phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert FORMATS["country"].problem(region) is None


@pytest.mark.parametrize("text", ["%2B14155550100", " %2b1 415 555-0100"])
def test_a_plus_as_it_stands_in_a_url_is_read(text: str) -> None:
    assert FORMATS["e164"].normalise(text) == "+14155550100"


@pytest.mark.parametrize(
    "url", ["http://a", "https://a.example:8443/x?y=z#f", "HTTPS://EXAMPLE.COM", "https://[::1]/"]
)
def test_webhooks_that_are_accepted(url: str) -> None:
    assert FORMATS["webhook"].problem(url) is None
    assert FORMATS["webhook_or_empty"].problem("") is None


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//a",
        "https://a:0",
        "https://a:99999",
        "https://ä.example",
        "https://a\n",
        "x" * 50,
    ],
)
def test_webhooks_that_are_refused(url: str) -> None:
    assert FORMATS["webhook"].problem(url)
    assert FORMATS["webhook_or_empty"].problem(url)


def test_a_calling_code_that_no_country_has_is_refused() -> None:
    assert "calling code" in (FORMATS["e164"].problem("+9991234567") or "")
    assert "did you mean" not in (FORMATS["e164"].problem("9991234567x") or "")


@pytest.mark.parametrize(
    ("spelling", "suggestion"),
    [
        ("4155550100", "+14155550100"),
        ("+44 (0)20 7946 0123", "+442079460123"),
        ("+44 ( 0 ) 20 7946 0123", "+442079460123"),
        ("0044 20 7946 0123", "+442079460123"),
        ("tel:+14155550100", "+14155550100"),
        ("6562345678", "+6562345678 or +16562345678"),
        ("020 7946 0123", ""),
        ("+1 415 555 0100 ext. 5", ""),
        ("", ""),
    ],
)
def test_what_is_ambiguous_is_refused_with_all_its_readings(spelling: str, suggestion: str) -> None:
    e164 = FORMATS["e164"]
    problem = e164.problem(e164.normalise(spelling)) or ""
    assert problem.startswith("must be in E.164 format")
    assert problem.partition("; did you mean ")[2].removesuffix("?") == suggestion


def test_a_very_long_number_gets_no_suggestion() -> None:
    problem = FORMATS["e164"].problem("4" * 1_000_000)
    assert problem is not None
    assert "did you mean" not in problem
