"""A number whose reading differs from its digits is refused, wherever a number is read."""

from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from telefonie_mcp.errors import SettingsError, ToolError
from telefonie_mcp.numbering.e164 import meant_number, normalise_number, number_problem
from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.tools import violations

MEANT = [
    ("+49 0 30 123456", "+4930123456"),
    ("+330612345678", "+33612345678"),
    ("+31 0 6 12345678", "+31612345678"),
    ("+54 11 15 2345 6789", "+5491123456789"),
    ("+44 020 7946 0123", "+442079460123"),
    ("+1 1 415 555 0100", "+14155550100"),
    ("+7 8 912 345 6789", "+79123456789"),
    ("+36 06 1 234 5678", "+3612345678"),
    ("+61-0-412-345-678", "+61412345678"),
]
"""What was given, and the number that it is read as."""

AS_IT_IS = [
    "+39 06 6982",
    "+378 0549 886377",
    "+225 01 23 45 67 89",
    "+14155550100",
    "+80012345678",
    "+4901234",
]
"""A zero can belong to the number; and what has no valid reading is for the API to judge."""

every_reading = pytest.mark.parametrize(("given", "meant"), MEANT)


@every_reading
def test_the_number_that_was_meant_is_suggested(given: str, meant: str) -> None:
    assert (number_problem(normalise_number(given)) or "").endswith(f"did you mean {meant}?")
    assert number_problem(meant) is None


def test_every_number_of_the_case_is_said_to_be_what_is_right() -> None:
    text = (Path(__file__).parent / "cases/numbers-trunk-zero.tsv").read_text("utf-8")
    _, *rows = [line.split("\t") for line in text.splitlines()]
    assert len(rows) == 5
    for given, read, _, right in rows:
        number = normalise_number(given)
        said = number_problem(number) or ""
        if right == "as now":
            assert (number, said) == (read, "")
        else:
            assert said.endswith(right), given


@pytest.mark.parametrize("given", AS_IT_IS)
def test_a_number_that_is_read_as_it_is_written_stands(given: str) -> None:
    assert number_problem(normalise_number(given)) is None


def test_a_suggestion_is_a_number_that_would_be_accepted() -> None:
    for given in ("49030123456", "0049030123456", "+44 (0)20 7946 0123"):
        _, _, suggestion = (number_problem(normalise_number(given)) or "").partition("did you mean ")
        assert suggestion
        assert number_problem(suggestion.removesuffix("?")) is None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_no_example_of_a_numbering_plan_is_taken_for_another_number(region: str) -> None:
    for kind in PhoneNumberType.values():
        example = phonenumbers.example_number_for_type(region, kind)
        if example and phonenumbers.is_valid_number(example):
            number = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            assert (number, meant_number(number)) == (number, None)


@every_reading
def test_every_argument_refuses_it(given: str, meant: str) -> None:
    catalog = build_catalog(load_documents((), toolsets={"numbers", "lookup", "porting"}))
    tried = 0
    for tool in catalog:
        for name in (name for name, kind in tool.formats.items() if kind == "e164"):
            listed = tool.input_schema["properties"][name].get("type") == "array"
            with pytest.raises(ToolError) as refusal:
                read_arguments(tool, {name: [given] if listed else given, "confirm": True})
            place = f"{name}[0]" if listed else name
            problems = violations(refusal.value.as_dict())
            assert f"did you mean {meant}?" in problems[place]
            tried += 1
    assert tried >= 8


@every_reading
def test_settings_refuse_it(given: str, meant: str) -> None:
    sentence = rf"TELEFONIE_PROTECTED_NUMBERS: each must leave out .*did you mean \{meant}\?"
    with pytest.raises(SettingsError, match=sentence):
        read_settings({"TELEFONIE_PROTECTED_NUMBERS": f"+14155550100, {given}"})
