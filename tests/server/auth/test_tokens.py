"""Tokens of every kind, at a hosted server on a real socket: the good ones get in, and nobody else."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from telefonie_mcp.server.auth.claims import access_token
from telefonie_mcp.server.auth.known_tokens import TokenCache
from telefonie_mcp.server.auth.tokens import MAX_TOKEN
from tests.support.hosted import Hosted, hosting
from tests.support.issuer import Issuer, issuing, private_key, unsigned
from tests.support.wire import SECONDS

ALGORITHMS = {"first": "ES256", "rsa": "RS256", "pss": "PS256", "ed": "EdDSA", "other": "ES256"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def hosted() -> AsyncGenerator[Hosted]:
    async with issuing(Issuer(keys=dict(ALGORITHMS))) as issuer, hosting(issuer) as server:
        yield server


async def status(hosted: Hosted, token: str) -> int:
    return (await hosted.post(token)).status_code


@pytest.mark.parametrize("kid", ALGORITHMS)
async def test_every_allowed_algorithm_is_verified(kid: str, hosted: Hosted) -> None:
    assert await status(hosted, hosted.token(kid=kid)) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -20},  # the clocks of both may differ
        {"nbf": 20},
        {"iat": 20},
        {"scope": None, "scp": "numbers:read"},
        {"scope": None, "scp": ["openid", "numbers:read"]},
        {"scope": "openid numbers:purchase"},  # which implies reading
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "application/at+jwt"}},
        {"header": {"typ": None}},
        {"client_id": None, "azp": "assistant"},
        {"client_id": None},
    ],
)
async def test_good_tokens_get_in(changes: dict[str, Any], hosted: Hosted) -> None:
    now = int(time.time())
    moved = {name: now + value for name, value in changes.items() if isinstance(value, int)}
    given: dict[str, Any] = {"scope": "numbers:read", **changes, **moved}
    assert await status(hosted, hosted.token(**given)) == 200


async def test_a_token_without_a_key_id_is_verified_with_every_key_that_fits(hosted: Hosted) -> None:
    unnamed: dict[str, Any] = {"header": {"kid": None}}
    for kid in ALGORITHMS:
        assert await status(hosted, hosted.token(kid=kid, **unnamed)) == 200
    assert await status(hosted, hosted.token(kid="stranger", **unnamed)) == 401


@pytest.mark.parametrize("others", [[], ["other"]])
async def test_an_audience_may_be_a_list(others: list[str], hosted: Hosted) -> None:
    assert await status(hosted, hosted.issuer.token([*others, hosted.url])) == 200


def hs256_of_the_public_key(hosted: Hosted) -> str:
    """Return a token signed with the public RSA key as if it were a shared secret (RFC 8725 §2.1)."""
    public = private_key("rsa", "RS256").public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "at+jwt", "kid": "rsa"}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, hosted.issuer.claims(hosted.url))
    ]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def tampered(hosted: Hosted) -> str:
    header, _, signature = hosted.token().split(".")
    claims = hosted.issuer.claims(hosted.url, "numbers:read numbers:purchase")
    return (
        f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"
    )


def with_another_key(hosted: Hosted, **header: Any) -> str:
    """Return a token that names a key of the issuer, and is signed with another one."""
    claims = hosted.issuer.claims(hosted.url)
    key = private_key("stranger", "ES256")
    return jwt.encode(claims, key, "ES256", headers={"kid": "first", "typ": "at+jwt", **header})


NOW = time.time()
BAD: dict[str, Callable[[Hosted], str]] = {
    "expired": lambda hosted: hosted.token(exp=int(NOW) - 40),
    "expires never": lambda hosted: hosted.token(exp=None),
    "expires at infinity": lambda hosted: hosted.token(exp=float("inf")),
    "expires beyond all numbers": lambda hosted: hosted.token(exp=10**400),
    "expires at a word": lambda hosted: hosted.token(exp="tomorrow"),
    "not yet valid": lambda hosted: hosted.token(nbf=int(time.time()) + 90),
    "of another issuer": lambda hosted: hosted.token(iss="https://id.example.com"),
    "of an issuer with a slash more": lambda hosted: hosted.token(iss=f"{hosted.issuer.url}/"),
    "of nobody": lambda hosted: hosted.token(iss=None),
    "for another audience": lambda hosted: hosted.issuer.token("https://other.example/mcp"),
    "for a part of the audience": lambda hosted: hosted.issuer.token(hosted.url.removesuffix("/mcp")),
    "for an audience with more": lambda hosted: hosted.issuer.token(f"{hosted.url}/more"),
    "for no audience": lambda hosted: hosted.token(aud=None),
    "for numbers": lambda hosted: hosted.issuer.token([1, 2]),
    "without a subject": lambda hosted: hosted.token(sub=None),
    "of a subject without a name": lambda hosted: hosted.token(sub=" "),
    "of a subject that no ledger can hold": lambda hosted: hosted.token(sub="a\x00b"),
    "of a subject that looks like another": lambda hosted: hosted.token(sub="person\u200b-1"),
    "unsigned": lambda hosted: unsigned(hosted.issuer.claims(hosted.url)),
    "unsigned, in capitals": lambda hosted: unsigned(hosted.issuer.claims(hosted.url), alg="NONE"),
    "unsigned with a key": lambda hosted: unsigned(
        hosted.issuer.claims(hosted.url), alg="ES256", kid="first"
    ),
    "signed with the public key": hs256_of_the_public_key,
    "tampered with": tampered,
    "forged": with_another_key,
    "forged, with its key": lambda hosted: with_another_key(
        hosted, jwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    ),
    "forged, with an address of keys": lambda hosted: with_another_key(
        hosted, jku="https://evil.example/jwks"
    ),
    "of an algorithm that its key is not for": lambda hosted: hosted.token(kid="rsa", algorithm="PS256"),
    "of an algorithm that is not allowed": lambda hosted: hosted.token(kid="rsa", algorithm="RS512"),
    "of a key that nobody knows": lambda hosted: hosted.token(kid="unknown"),
    "of a key without a name": lambda hosted: unsigned(
        hosted.issuer.claims(hosted.url), alg="ES256", kid=["first"]
    ),
    "with a critical extension": lambda hosted: hosted.token(header={"crit": ["exp"]}),
    "of another type": lambda hosted: hosted.token(header={"typ": "logout+jwt"}),
    "of a type that is none": lambda hosted: hosted.token(header={"typ": 1}),
    "opaque": lambda _: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "dots": lambda _: "..",
    "not of this alphabet": lambda _: "\u00e4\u00f6.\u00fc.\u00df",
    "nested": lambda _: f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.e30.AA",
    "empty": lambda _: "",
    "over-long": lambda hosted: hosted.token(more="x" * MAX_TOKEN),
    "two": lambda hosted: f"{hosted.token()}, {hosted.token()}",
}


@pytest.mark.parametrize("kind", BAD)
async def test_no_other_token_gets_in(kind: str, hosted: Hosted) -> None:
    token = BAD[kind](hosted)
    answer = await hosted.post(None, headers={"Authorization": f"Bearer {token}".strip().encode()})
    assert answer.status_code == 401, answer.text
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="invalid_token", error_description="')
    assert 'resource_metadata="http://' in challenge
    assert challenge.endswith(', scope="numbers:read"')
    assert not token or token not in answer.text + challenge


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "ExpiredSignatureError"),
        ("for another audience", "InvalidAudienceError"),
        ("forged", "no key of the issuer has signed it"),
        ("of another type", "its type is not that of an access token"),
        ("of an algorithm that is not allowed", "its algorithm, key id or an extension is not accepted"),
        ("of a subject without a name", "it names nobody"),
        ("opaque", "it is not a JWT, and none is looked up without TELEFONIE_INTROSPECTION_URL"),
    ],
)
async def test_the_log_says_why_a_token_is_refused(
    kind: str, reason: str, hosted: Hosted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = BAD[kind](hosted)
    assert await status(hosted, token) == 401
    assert f"a token was refused: {reason}" in caplog.text
    assert token not in caplog.text


async def test_two_tokens_are_none(hosted: Hosted) -> None:
    header = f"Bearer {hosted.token()}"
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        answer = await client.post(hosted.url, headers=[("Authorization", header), ("Authorization", header)])
    assert answer.status_code == 401


async def test_a_token_in_the_address_is_none(hosted: Hosted) -> None:
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        answer = await client.post(f"{hosted.url}?access_token={hosted.token()}")
    assert answer.status_code == 401
    assert "error" not in answer.headers["www-authenticate"]


async def test_no_token_is_logged(hosted: Hosted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [hosted.token(), hosted.token(exp=int(time.time()) - 90), with_another_key(hosted)]
    for token in tokens:
        await hosted.post(token)
        await hosted.post(token, "tools/call", name="list_owned_numbers", arguments={})
    text = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    assert caplog.records
    assert not [token for token in tokens if token in text or token.split(".")[2] in text]


@pytest.mark.parametrize("ends", [float("inf"), float("nan"), 10**400, True, "1", None])
def test_an_end_that_no_clock_shows_is_none(ends: Any) -> None:
    assert access_token({"sub": "me", "iss": "x", "exp": ends}) is None


async def test_ten_thousand_different_tokens_leave_a_bounded_cache() -> None:
    cache, found = TokenCache(), access_token({"sub": "me", "iss": "x", "exp": time.time() + 600})
    assert found
    for number in range(10_000):
        cache.put(f"token {number}", found)
    assert len(cache) == 2048
    assert cache.get("token 9999") is found
    assert cache.get("token 0") is None
    assert "token" not in str(vars(cache)["_known"].keys())


def test_nothing_is_remembered_for_longer_than_a_minute_or_past_its_end() -> None:
    now = [1000.0]
    cache = TokenCache(clock=lambda: now[0])
    for name, ends in (("long", 5000), ("short", 1010)):
        found = access_token({"sub": "me", "iss": "x", "exp": ends})
        assert found
        cache.put(name, found)
    now[0] = 1009.9
    assert cache.get("short")
    now[0] = 1010
    assert cache.get("short") is None
    now[0] = 1059.9
    assert cache.get("long")
    now[0] = 999  # set back
    assert cache.get("long") is None


@pytest.fixture
async def looking_up(tmp_path: Path) -> AsyncGenerator[Hosted]:
    async with issuing() as issuer, hosting(issuer, introspected=tmp_path) as server:
        yield server


async def test_an_opaque_token_is_looked_up_once(looking_up: Hosted) -> None:
    issuer = looking_up.issuer
    token = issuer.opaque_token(looking_up.url, sub=None)  # of client credentials
    assert [await status(looking_up, token) for _ in range(3)] == [200] * 3
    (lookup,) = issuer.lookups
    assert (lookup["token"], lookup["token_type_hint"]) == (token, "access_token")
    assert await status(looking_up, looking_up.token()) == 200  # a JWT is verified, not looked up
    assert len(issuer.lookups) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"active": False},
        {"active": "true"},
        {"iss": "https://other.example"},
        {"aud": "https://other.example"},
        {"aud": None},
        {"exp": 1},
        {"exp": "tomorrow"},
        {"exp": 10**400},
        {"nbf": 99999999999},
        {"sub": None, "client_id": None},
        {"token_type": "DPoP"},
    ],
)
async def test_an_opaque_token_must_be_good_here(changes: dict[str, Any], looking_up: Hosted) -> None:
    token = looking_up.issuer.opaque_token(looking_up.url, **changes)
    looking_up.issuer.answers[token] |= changes
    answer = await looking_up.post(token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_an_opaque_token_without_an_issuer_or_an_end_is_of_this_issuer(looking_up: Hosted) -> None:
    token = looking_up.issuer.opaque_token(looking_up.url, iss=None, exp=None)
    assert await status(looking_up, token) == 200


async def test_where_tokens_cannot_be_looked_up_nobody_is_told_that_theirs_is_bad(looking_up: Hosted) -> None:
    token = looking_up.issuer.opaque_token(looking_up.url)
    looking_up.issuer.down = True
    answer = await looking_up.post(token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "www-authenticate" not in answer.headers
    looking_up.issuer.down = False
    assert await status(looking_up, token) == 200
    looking_up.issuer.down = True
    assert await status(looking_up, token) == 200  # remembered


async def test_many_lookups_at_once_are_bounded(looking_up: Hosted) -> None:
    seen: set[int] = set()

    async def ask(number: int) -> None:
        seen.add(await status(looking_up, f"made-up-{number}"))

    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon(ask, number)
    assert seen == {401}
