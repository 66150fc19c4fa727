"""Text from elsewhere: what nobody sees is gone, and what words and emoji need is kept."""

import json
import sys
import unicodedata
from typing import Any

import pytest

from telefonie_mcp.text import clean, clean_line, control_character, line_of, one_line

REMOVED = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


@pytest.mark.unmeasured
def test_no_character_of_an_invisible_category_is_left() -> None:
    left = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if (unicodedata.category(chr(code)) in REMOVED or is_noncharacter(code))
        and clean(f"a{chr(code)}b") not in {"ab", "a b"}
    ]
    assert left == []


@pytest.mark.parametrize(
    "char",
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0\ufe00\ufe0e\ufe0f\U000e0100\u2065",
)
def test_fillers_and_selectors_are_gone(char: str) -> None:
    assert clean({f"a{char}b": [f"{char}a{char}{char}b{char}"]}) == {"ab": ["ab"]}


def test_a_blank_braille_pattern_is_a_space() -> None:
    assert clean("a\u2800b") == "a b"
    assert clean_line("\u2800\u2800") == ""


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc \u0627\u0632",
        "\u0915\u094d\u200d\u0937",
        "\u0915\u094d\u200c\u0937",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
        "👨\u200d👩\u200d👧\u200d👦",
        "👩🏽\u200d🚀",
        "👩\u200d❤\ufe0f\u200d👨",
        "🏳\ufe0f\u200d🌈",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "Grüße, 中文, \u05e2\u05d1\u05e8\u05d9\u05ea, ไทย, 한국어",
    ],
)
def test_words_and_emoji_stay_whole(text: str) -> None:
    assert clean(text) == text
    assert clean({text: [text]}) == {text: [text]}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("ab\u200ccd", "abcd"),
        ("1\u200d2", "12"),
        ("\u200c\u0645\u06cc\u200c", "\u0645\u06cc"),
        (
            "\u0645\u06cc\u200c\u200d\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        (
            "\u0645\u06cc\u200b\u200c\u200e\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("👩\u200d", "👩"),
        ("👩\u200dx", "👩x"),
        ("x\ufe0f", "x"),
        ("👩\u200d\u200d\u200d👧", "👩\u200d👧"),
    ],
)
def test_a_joiner_that_joins_nothing_is_gone(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
    assert clean(cleaned) == cleaned


@pytest.mark.unmeasured
def test_cleaning_takes_time_in_proportion_to_the_text() -> None:
    assert clean("\u0645\u06cc\u200c" * 300_000).endswith("… (cut)")
    assert clean("\u200d" * 3_000_000) == ""


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("plain", None),
        ("two\r\nlines\tand a tab", None),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👨\u200d👩\u200d👧 \u00ad\u200b", None),
        (1, None),
        ({"a": [1, None, True, "x"]}, None),
        ("a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ({"a": [{"b": "\u2066"}]}, "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ({"a\u200f": 1}, "U+200F RIGHT-TO-LEFT MARK"),
        ("\x00", "U+0000 NULL"),
        ("\x1b[2J", "U+001B ESCAPE"),
        ("\x7f", "U+007F DELETE"),
        ("\x01", "U+0001 CONTROL CHARACTER"),
        ("\x9b", "U+009B CONTROL CHARACTER"),
    ],
)
def test_a_control_character_has_a_name(value: Any, name: str | None) -> None:
    assert control_character(value) == name
    assert control_character(json.loads(json.dumps([value]))) == name


def test_every_control_and_bidirectional_character_is_found() -> None:
    controls = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc"}
    assert {char for char in controls if control_character(char)} == controls - set("\t\n\r")
    assert all(map(control_character, BIDIRECTIONAL))


def test_values_enter_a_sentence_on_one_line() -> None:
    values = {
        "a": "x\n· price: 0\u202e",
        "b": ["1\n2", 3],
        "c": {"voice": True, "f\nax": True, "no": False},
        "d": {},
    }
    assert one_line(values) == {"a": "x , price: 0", "b": "1 2, 3", "c": "voice, f ax", "d": "none"}
    assert len(line_of("x" * 10_000)) == 300
    assert len(line_of(["x" * 1000] * 1000)) <= 2000
