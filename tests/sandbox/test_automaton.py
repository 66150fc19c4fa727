import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telefonie_mcp.sandbox.automaton import DIGITS, Containing, EndingWith, Factor, Language, Patterns, run

EXPRESSIONS = (
    r"12",
    r"1|23|456",
    r"\d{3}",
    r"[13-57]\d{2,4}",
    r"(?:1[02]|[3-5]{2})9?",
    r"1(?:2(?:3|4)?|5)\d{0,2}",
    r"(?:12|34){2,3}",
    r"(?:1|2(?:3|4){2})?7",
)


def every_string(longest: int) -> list[str]:
    strings = [""]
    for string in strings:
        if len(string) < longest:
            strings.extend(string + digit for digit in DIGITS)
    return strings


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_matches_what_re_matches(expression: str) -> None:
    patterns = Patterns({"it": expression})
    for string in every_string(4)[1:]:
        expected = ("it",) if re.fullmatch(expression, string) else ()
        assert patterns.matching(run(patterns, string)) == expected, string


@pytest.mark.parametrize("expression", ["a", "1+", "(1)", "(?:1", "1)", "[a]", "1**", "{2}", "^1", "1]"])
def test_an_expression_beyond_the_dialect_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="in '"):
        Patterns({"it": expression})


def test_the_matching_expressions_are_named() -> None:
    patterns = Patterns({"short": r"\d{2}", "low": r"1\d", "long": r"\d{3}"})
    assert patterns.matching(run(patterns, "15")) == ("short", "low")
    assert patterns.matching(run(patterns, "155")) == ("long",)


@given(wanted=st.text("012", max_size=4), read=st.text("012", max_size=9))
def test_digits_are_recognised_anywhere_and_at_the_end(wanted: str, read: str) -> None:
    anywhere, at_the_end = Containing(wanted), EndingWith(wanted)
    assert (run(anywhere, read) == anywhere.found) == (wanted in read)
    assert (run(at_the_end, read) == at_the_end.found) == read.endswith(wanted)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_language_is_indexed_in_lexicographic_order(expression: str) -> None:
    patterns = Patterns({"it": expression})
    language = Language([Factor(patterns)], lambda states, _: bool(patterns.matching(states[0])), longest=4)
    expected = sorted(string for string in every_string(4)[1:] if re.fullmatch(expression, string))
    assert [language[rank] for rank in range(language.size)] == expected
    for outside in (-1, language.size):
        with pytest.raises(IndexError):
            language[outside]


def test_a_product_intersects_and_begins_with_the_prefix() -> None:
    patterns, middle = Patterns({"it": r"\d{4}"}), Containing("12")
    factors = [Factor(patterns), Factor(middle, preceded_by="1")]

    def accept(states: tuple[int, ...], digits: int) -> bool:
        return digits == 4 and bool(patterns.matching(states[0])) and states[1] == middle.found

    whole = Language(factors, lambda states, digits: accept(tuple(states), digits), longest=4)
    expected = [f"{number:04}" for number in range(10_000) if "12" in f"1{number:04}"]
    assert [whole[rank] for rank in range(whole.size)] == expected

    prefixed = Language(factors, lambda states, digits: accept(tuple(states), digits), longest=4, prefix="31")
    assert [prefixed[rank] for rank in range(prefixed.size)] == [
        each for each in expected if each[:2] == "31"
    ]


@pytest.mark.parametrize("prefix", ["9", "12345", "1234"])
def test_a_prefix_outside_the_language_gives_an_empty_language(prefix: str) -> None:
    patterns = Patterns({"it": r"1\d\d"})
    language = Language(
        [Factor(patterns)], lambda states, _: bool(patterns.matching(states[0])), longest=3, prefix=prefix
    )
    assert language.size == 0
    with pytest.raises(IndexError):
        language[0]


def test_a_factor_that_is_not_required_does_not_exclude_strings() -> None:
    wide, narrow = Patterns({"it": r"\d\d"}), Patterns({"it": r"1\d"})
    factors = [Factor(wide), Factor(narrow, required=False)]
    language = Language(
        factors,
        lambda states, _: bool(wide.matching(states[0])) and not narrow.matching(states[1]),
        longest=2,
    )
    assert language.size == 90


def test_the_size_is_exact_beyond_64_bits() -> None:
    patterns = Patterns({"it": r"\d{25}"})
    language = Language([Factor(patterns)], lambda states, _: bool(patterns.matching(states[0])), longest=25)
    rank = random.Random(7).randrange(10**25)
    assert language.size == 10**25
    assert language[rank] == f"{rank:025}"


def test_a_prefix_longer_than_the_longest_member_gives_an_empty_language() -> None:
    patterns = Patterns({"it": r"\d{5}"})
    language = Language(
        [Factor(patterns)], lambda states, _: bool(patterns.matching(states[0])), longest=3, prefix="1234"
    )
    assert language.size == 0
