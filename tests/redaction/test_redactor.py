"""Secrets in every disguise that an encoding gives them, and honest text that resembles them."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from telefonie_mcp.redaction import HIDDEN, REDACTED, Redactor

pytestmark = pytest.mark.unmeasured  # a few of these and every answer of a tool run the same lines

KEY = "sk_live/+aB0451&x=Zq"
KEYS = [KEY, "key-0451-unmistakable", "12345678", "0451abcd", "<'\"^~|$=/+>", "eyJhbGciOi.J9-_" * 9]
ODD_KEYS = ["%41%42-quoted\\n", "n0body\\u002B", "\\t<&>'\"~|", "&amp;&lt;&gt;", "a%2525b%25"]
"""Keys that look escaped themselves."""


def each(form: str) -> Callable[[str], str]:
    """Return what writes every character of a text as `form`."""
    return lambda text: "".join(form.format(code=ord(char), char=char) for char in text)


def base64_within(text: str, before: str = "", after: str = "", *, url_safe: bool = False) -> str:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    return encode(f"{before}{text}{after}".encode()).decode()


DISGUISES: dict[str, Callable[[str], str]] = {
    "itself": str,
    "bearer": lambda key: f"Bearer {key}",
    "upper case": str.upper,
    "lower case": str.lower,
    "json": lambda key: json.dumps(key)[1:-1],
    "json twice": lambda key: json.dumps(json.dumps(key))[1:-1],
    "json four times": lambda key: json.dumps(json.dumps(json.dumps(json.dumps(key))))[1:-1],
    "json with escaped slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "json, every character": each("\\u{code:04x}"),
    "json, every character, upper case": each("\\u{code:04X}"),
    "json, every character twice": lambda key: json.dumps(each("\\u{code:04x}")(key))[1:-1],
    "json, some characters": lambda key: key.replace("4", "\\u0034").replace("+", "\\u002B"),
    "javascript": each("\\x{code:02x}"),
    "javascript, braces": each("\\u{{{code:x}}}"),
    "javascript escape()": each("%u{code:04x}"),
    "python": each("\\U{code:08x}"),
    "octal": each("\\{code:03o}"),
    "every character with a backslash": lambda key: "".join(
        char if char.isalnum() else f"\\{char}" for char in key
    ),
    "repr": lambda key: repr(key)[1:-1],
    "url": lambda key: quote(key, safe=""),
    "url, every character": each("%{code:02X}"),
    "url, every character, lower case": each("%{code:02x}"),
    "url twice": lambda key: quote(quote(key, safe=""), safe=""),
    "url, every character twice": lambda key: quote(each("%{code:02X}")(key), safe=""),
    "url, mixture": lambda key: "".join(
        f"%{ord(char):02x}" if index % 2 else char for index, char in enumerate(key)
    ),
    "url in json": lambda key: json.dumps(quote(key, safe="/")).replace("/", "\\/")[1:-1],
    "html": html.escape,
    "html twice": lambda key: html.escape(html.escape(key)),
    "html, decimal": each("&#{code};"),
    "html, decimal with zeros": each("&#{code:07};"),
    "html, hexadecimal": each("&#x{code:x};"),
    "html, upper hexadecimal": each("&#X{code:X};"),
    "html, named": lambda key: key.replace("&", "&amp;").replace("/", "&sol;").replace("+", "&plus;"),
    "html, decimal without semicolons": lambda key: each("&#{code};")(key).replace(";&", "&"),
    "base64": base64_within,
    "base64 without padding": lambda key: base64_within(key).rstrip("="),
    "base64 of user:key": lambda key: base64_within(key, "user:"),
    "base64, second alignment": lambda key: base64_within(key, "u", "!"),
    "base64, third alignment": lambda key: base64_within(key, "us", "!!"),
    "base64, first alignment": lambda key: base64_within(key, "usr", "more"),
    "base64, url-safe": lambda key: base64_within(key, "u>?", url_safe=True),
    "base64, url-safe, alignment": lambda key: base64_within(key, "?", "~~", url_safe=True),
    "base64 in a url": lambda key: quote(base64_within(key, "a:"), safe=""),
    "base64 in json": lambda key: json.dumps(base64_within(key, "a:")).replace("/", "\\/")[1:-1],
    "base64 of UTF-16": lambda key: base64.b64encode(key.encode("utf-16")).decode(),
    "base64 of big-endian UTF-16": lambda key: base64.b64encode(key.encode("utf-16-be")).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "zero width space": "\u200b".join,
    "joiner": "\u200d".join,
    "non-joiner": "\u200c".join,
    "soft hyphen": "\u00ad".join,
    "word joiner": "\u2060".join,
    "byte order mark": "\ufeff".join,
    "grapheme joiner": "\u034f".join,
    "tag": "\U000e0041".join,
    "filler": "\u3164".join,
    "variation selector": "\ufe0f".join,
    "combining line": "\u0332".join,
    "NUL": "\x00".join,
    "escaped zero width space": "\\u200b".join,
    "soft hyphen in html": "&shy;".join,
    "zero width space in html": "&#8203;".join,
    "full width": lambda key: "".join(chr(ord(char) + 0xFEE0) for char in key),
    "bold": lambda key: "".join(
        chr(0x1D41A + ord(char) - ord("a")) if "a" <= char <= "z" else char for char in key
    ),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_secret_is_found_in_every_disguise(disguise: str, key: str) -> None:
    written = DISGUISES[disguise](key)
    redactor = Redactor([key])
    for before, after in (("", ""), ("Key ", " is no key."), ("<", ">"), ("ü ", " ü"), ('{"a":"', '"}')):
        text = f"{before}{written}{after}"
        assert redactor.concerns(text)
        shown = redactor.text(text)
        assert shown.startswith(before)
        assert shown.endswith(after)
        assert REDACTED in shown
        rest = shown.removeprefix(before).removesuffix(after)
        left = rest.replace(REDACTED, "").strip('"\\')
        assert left in {"", "Bearer "} or (disguise.startswith("base64") and len(left) <= 12), shown
        assert redactor.json({text: [{"a": text}]}) == {shown: [{"a": shown}]}


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("disguise", ["itself", "upper case", "json", "repr", "url", "joiner", "full width"])
def test_a_key_that_looks_escaped_is_found(disguise: str, key: str) -> None:
    shown = Redactor([key]).text(DISGUISES[disguise](key))
    assert REDACTED in shown
    assert len(shown.replace(REDACTED, "")) <= 3


@pytest.mark.parametrize("cut", ["…", "… (cut)"])
@pytest.mark.parametrize("disguise", [name for name in DISGUISES if name != "hexadecimal"])
def test_a_cut_leaves_no_telling_beginning_of_a_secret(disguise: str, cut: str) -> None:
    written = DISGUISES[disguise](KEY)
    telling = 8 * len(written) / len(KEY) + len("Bearer ")
    for length in range(int(telling), len(written)):
        shown = Redactor([KEY]).text(f"The key {written[:length]}{cut}")
        assert shown.startswith("The key ")
        assert shown.endswith(cut)
        assert len(shown.partition(REDACTED)[2].replace("\\", "").strip('"')) <= len(cut) + 4, length


HONEST = [
    "",
    "+14155550100",
    "https://example.com/voice?a=1&b=2%20x&amp;c",
    "100 % of 5 < 6 && \\n \\u0041 \\ %zz &nosuch; &#; &#xyz;",
    "Grüße, 中文, \u0645\u06cc‌\u062e\u0648\u0627\u0647\u0645, 👩‍👩‍👧",
    "The key is wrong.",
    "key-0451",  # a part of it
    "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==",
    "…",
    "live… (cut)",
    " two  spaces\tand\nlines ",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_stays_as_it_is(text: str) -> None:
    redactor = Redactor(KEYS)
    assert not redactor.concerns(text)
    assert redactor.text(text) == text
    assert redactor.json({text: [text, 1, 1.5, None, True]}) == {text: [text, 1, 1.5, None, True]}


def test_only_the_secret_itself_is_replaced() -> None:
    redactor = Redactor([KEY])
    text = f"100 %, a&amp;b, {quote(KEY, safe='')} \\u0041 and {KEY}, ü\u200b."
    assert redactor.text(text) == f"100 %, a&amp;b, {REDACTED} \\u0041 and {REDACTED}, ü\u200b."


def test_a_key_of_digits_is_found_in_numbers() -> None:
    redactor = Redactor(["1234567890"])
    assert redactor.json([1234567890, 91234567890, 123456789, True]) == [REDACTED, REDACTED, 123456789, True]


def test_without_secrets_nothing_is_done() -> None:
    assert Redactor([""]).text("text") == "text"
    assert not Redactor().concerns("text")


RUNS = [
    ("PIN 994417 on file", f"PIN {HIDDEN} on file"),
    ("994417", HIDDEN),
    ("(994417)", f"({HIDDEN})"),
    ("PIN: 994417.", f"PIN: {HIDDEN}."),
    ("pin=994417&x=1", f"pin={HIDDEN}&x=1"),
    ("PIN 9944\u200b17", f"PIN {HIDDEN}"),
    ("PIN %39%39441%37", f"PIN {HIDDEN}"),
    ("PIN \\u0039\\u00394417", f"PIN {HIDDEN}"),
    ("PIN \uff19\uff19\uff14\uff14\uff11\uff17", f"PIN {HIDDEN}"),
    ("+14155550100 994417", f"+14155550100 {HIDDEN}"),
    ("account AB-12-cd", f"account {HIDDEN}"),
    ("account ab-12-CD", f"account {HIDDEN}"),
    ("account xAB-12-cd", "account xAB-12-cd"),
    ("Open Sesame", HIDDEN),
    ("open sesame", "open sesame"),
    ("Open  Sesame!", f"{HIDDEN}!"),
    ("1994417", "1994417"),
    ("994417a", "994417a"),
    ("a994417", "a994417"),
    ("é994417", "é994417"),
    ("994417.50 USD", "994417.50 USD"),
    ("+1 994 417 2024", "+1 994 417 2024"),
    ("+99441700", "+99441700"),
    ("since 2024-05-01", "since 2024-05-01"),
    ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00Z"),
    ("01/05/2024", "01/05/2024"),
    ("May 1, 2024", "May 1, 2024"),
    ("1 May 2024", "1 May 2024"),
    ("415-555-2024", "415-555-2024"),
    ("(415) 555-2024", "(415) 555-2024"),
    ("+1 415 555 2024", "+1 415 555 2024"),
    ("+44 20 7946 2024", "+44 20 7946 2024"),
    ("+14155552024", "+14155552024"),
    ("550e8400-e29b-2024-a716-446655440000", "550e8400-e29b-2024-a716-446655440000"),
    ("PIN 2024, please", f"PIN {HIDDEN}, please"),
]


@pytest.mark.parametrize(("text", "shown"), RUNS)
def test_a_run_is_hidden_as_a_whole(text: str, shown: str) -> None:
    redactor = Redactor(stand_in=HIDDEN, runs=["994417", "AB-12-cd", "Open Sesame", "2024"])
    assert redactor.text(text) == shown
    assert redactor.concerns(text) or text == shown


def test_what_a_call_is_about_stays_whole() -> None:
    redactor = Redactor(stand_in=HIDDEN, runs=["994417"])
    assert redactor.text("PIN 994417 of ORDER-994417", ["order-994417"]) == f"PIN {HIDDEN} of ORDER-994417"


def test_a_long_secret_is_hidden_to_its_end() -> None:
    content = base64.b64encode(bytes(range(256)) * 40).decode()
    redactor = Redactor(stand_in=HIDDEN, runs=[content])
    assert redactor.text(f"Got {content} twice") == f"Got {HIDDEN} twice"
    assert redactor.text(f"Got {content[:300]}…") == f"Got {HIDDEN}…"
    assert redactor.text(f"Got {content[:90]}…") == f"Got {HIDDEN}…"


@pytest.mark.unmeasured
def test_the_work_grows_with_the_text() -> None:
    """What would take minutes if it were quadratic."""
    redactor = Redactor(KEYS, runs=["994417"])
    for text in ("\\" * 200_000, "%25" * 60_000, "&amp;" * 40_000, "\\u0061" * 30_000, "9944179" * 30_000):
        assert redactor.text(text) == text
