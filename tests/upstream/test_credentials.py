"""The operator's key → what is sent, for whatever the document asks."""

import base64

import pytest

from telefonie_mcp.openapi.security import Credential
from telefonie_mcp.upstream.credentials import SentCredential, credentials_for, demand, secrets_in

HEADER = Credential("X-Key", "header", scheme="Header")
SECRET = Credential("X-Secret", "query", scheme="Secret")
AUTHORIZATION = Credential("Authorization", "header", scheme="Raw")
BASIC = Credential("Authorization", "header", "Basic ", "basic", "Basic")
BEARER = Credential("Authorization", "header", "Bearer ", "bearer", "Bearer")
TOKEN = Credential("Authorization", "header", "Bearer ", "token", "OAuth")
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    ("security", "key", "sent"),
    [
        ([[HEADER]], "key-0451", ["key-0451"]),
        ([[HEADER]], "user:key-0451", ["user:key-0451"]),
        ([[BASIC]], "user:pass word: 0451 ", [basic("user:pass word: 0451")]),
        ([[BASIC]], "user:pässwört", [basic("user:pässwört")]),
        ([[BASIC]], "key-0451:", [basic("key-0451:")]),
        ([[BASIC]], ":key-0451", [basic(":key-0451")]),
        ([[BASIC]], basic("user:password"), [basic("user:password")]),
        ([[BASIC]], "key-0451", None),
        ([[BASIC]], ":", None),
        ([[BEARER]], "key-0451", ["Bearer key-0451"]),
        ([[BEARER]], "bearer key-0451", ["Bearer key-0451"]),
        ([[BEARER]], "App key-0451", None),
        ([[BEARER]], "schlüssel-0451", None),
        ([[AUTHORIZATION]], "App key-0451", ["App key-0451"]),
        ([[AUTHORIZATION]], "Bearer key-0451", ["Bearer key-0451"]),
        ([[AUTHORIZATION]], "key-0451", ["key-0451"]),
        # Alternatives: the form of the key decides.
        ([[BEARER], [BASIC]], "user:password", [basic("user:password")]),
        ([[BASIC], [BEARER]], "key-0451", ["Bearer key-0451"]),
        ([[TOKEN], [HEADER]], "key-0451", ["key-0451"]),
        ([[SECRET], [TOKEN]], "key-0451", ["key-0451"]),
        ([[SECRET], [BEARER]], "key-0451", ["Bearer key-0451"]),
        ([[HEADER], [TOKEN]], JWT, [f"Bearer {JWT}"]),
        ([[HEADER], [TOKEN]], "Bearer key-0451", ["Bearer key-0451"]),
        ([[BASIC], [TOKEN], [AUTHORIZATION]], "App key-0451", ["App key-0451"]),
        ([[HEADER], [HEADER, SECRET]], "key-0451", ["key-0451"]),
        # Several secrets together.
        ([[HEADER, SECRET]], "key-0451", None),
        ([[HEADER, SECRET]], "key-0451:secret:0451", ["key-0451", "secret:0451"]),
        ([[HEADER, SECRET]], "key-0451\nsecret-0451\n", ["key-0451", "secret-0451"]),
        ([[HEADER, SECRET]], "Secret: secret-0451\nx-key=key-0451", ["key-0451", "secret-0451"]),
        ([[HEADER, SECRET]], "one-0451\ntwo-0451\nthree-0451", None),
        ([[HEADER], [HEADER, SECRET]], "key-0451:secret-0451", ["key-0451", "secret-0451"]),
        ([[BASIC, SECRET]], "user:password:x", None),
        ([[BASIC, SECRET]], "user:password\nsecret-0451", [basic("user:password"), "secret-0451"]),
        ([[HEADER]], "header: key-0451\nsecret: secret-0451", ["key-0451"]),
        ([[HEADER]], None, None),
        ([], None, []),
        ([], "key-0451", []),
        ([[HEADER], []], "key-0451", ["key-0451"]),
        ([[BASIC], []], "key-0451", []),
        ([[HEADER], []], None, []),
    ],
)
def test_what_is_sent(security: list[list[Credential]], key: str | None, sent: list[str] | None) -> None:
    found = credentials_for(tuple(map(tuple, security)), key)
    assert (None if found is None else [each.value for each in found]) == sent


def only(credential: Credential, key: str) -> SentCredential:
    sent = credentials_for(((credential,),), key)
    assert sent is not None
    (each,) = sent
    return each


def test_of_a_user_and_a_password_the_password_is_secret_and_the_user_is_not() -> None:
    sent = only(BASIC, "AC0451:password-0451")
    assert sent.secrets == ("password-0451", "AC0451:password-0451")
    assert "0451" not in repr(sent)
    assert only(BASIC, "key-0451:").secrets[0] == "key-0451"
    assert only(AUTHORIZATION, "App key-0451").secrets == ("key-0451",)


@pytest.mark.parametrize(
    ("key", "secrets"),
    [
        ("key-0451", {"key-0451"}),
        ("App key-0451", {"key-0451"}),
        ("user:pass word:1", {"user:pass word:1", "user", "pass word:1", "pass word", "1"}),
        (basic("user:password"), {basic("user:password").split()[1], "user", "password"}),
        (
            "X-Key: key-0451\nsecret-0451",
            {"X-Key: key-0451", "X-Key", " key-0451", "key-0451", "secret-0451"},
        ),
    ],
)
def test_every_part_of_a_key_may_be_secret(key: str, secrets: set[str]) -> None:
    assert {*secrets_in(key)} == secrets


def test_a_demand_names_the_schemes_and_the_setting() -> None:
    assert demand(((BASIC,), (TOKEN,)), "X") == (
        "needs HTTP basic ('Basic'): set X to USER:PASSWORD; or a token ('OAuth'): set X to one that you have"
    )
    assert demand(((HEADER,),), "X") == "needs an API key ('Header', in the header X-Key): set X to it"
    assert demand(((HEADER, SECRET),), "X") == (
        "needs 'Header' and 'Secret' together: set X to all of them, KEY:KEY, or one per line, in this order"
    )
    assert "one per line, in this order" in demand(((BASIC, SECRET),), "X")
