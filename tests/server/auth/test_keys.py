"""The issuer's keys: rotated, withdrawn, unreachable, and asked for by a flood of made-up key ids."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from telefonie_mcp.server.auth.discovery import metadata_urls
from telefonie_mcp.server.auth.fetching import IssuerClient, IssuerError
from telefonie_mcp.server.auth.keys import Keys, usable_keys
from tests.support.hosted import hosting
from tests.support.issuer import Issuer, issuing, jwk
from tests.support.serving import serving
from tests.support.wire import SECONDS


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def keys_of(issuer: Issuer, clock: Clock) -> AsyncGenerator[Keys]:
    client = IssuerClient(issuer.url)
    keys = Keys(issuer.url, client, clock=clock)
    try:
        yield keys
    finally:
        await keys.aclose()
        await client.aclose()


async def test_a_flood_of_unknown_keys_is_one_fetch_per_half_minute() -> None:
    clock = Clock()
    async with issuing() as issuer, keys_of(issuer, clock) as keys:
        assert await keys.find("first", "ES256")
        found: list[object] = []

        async def ask(number: int) -> None:
            found.append(await keys.find(f"made-up-{number}", "ES256"))

        for second in (31, 45, 60.9):
            clock.now = 1000 + second
            async with anyio.create_task_group() as tasks:
                for number in range(200):
                    tasks.start_soon(ask, number)
        assert (found, issuer.asked["/jwks"]) == ([()] * 600, 2)
        clock.now = 1000 + 61
        await ask(0)
        assert issuer.asked["/jwks"] == 3


async def test_a_first_token_with_an_unknown_key_is_one_fetch() -> None:
    async with issuing() as issuer, keys_of(issuer, Clock()) as keys:
        assert not await keys.find("made-up", "ES256")
        assert issuer.asked["/jwks"] == 1


async def test_a_new_key_is_found_at_once_and_a_withdrawn_one_is_forgotten() -> None:
    clock = Clock()
    async with issuing() as issuer, keys_of(issuer, clock) as keys:
        await keys.reach()
        issuer.keys = {"second": "ES256"}
        assert await keys.find("first", "ES256")
        assert await keys.find("second", "ES256")  # although the keys were fetched a moment ago
        assert not await keys.find("first", "ES256")
        issuer.keys = {"third": "ES256"}
        clock.now += 601
        assert await keys.find("second", "ES256")  # nobody waits for what is fetched meanwhile
        await keys.find("third", "ES256")
        assert not await keys.find("second", "ES256")


async def test_a_new_key_is_found_right_after_the_first_token_had_the_keys_fetched() -> None:
    async with issuing() as issuer, keys_of(issuer, Clock()) as keys:
        assert await keys.find("first", "ES256")
        issuer.keys = {"second": "ES256"}
        assert await keys.find("second", "ES256")
        assert not await keys.find("made-up", "ES256")
        assert issuer.asked["/jwks"] == 2


async def test_a_new_key_with_an_old_name_is_found_when_the_old_one_did_not_sign() -> None:
    async with issuing(Issuer(keys={"rsa": "RS256"})) as issuer, keys_of(issuer, Clock()) as keys:
        (old,) = await keys.find("", "RS256")
        assert not await keys.find("rsa", "RS256", [old])  # it is still the only one
        assert issuer.asked["/jwks"] == 2
        assert not await keys.find("rsa", "RS256", [old])
        assert issuer.asked["/jwks"] == 2  # within half a minute


async def test_keys_that_verify_nothing_are_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with issuing(Issuer(keys={})) as issuer, keys_of(issuer, Clock()) as keys:
        assert not await keys.reach()
    assert "TELEFONIE_ISSUER: none of its keys is for RS256, PS256, ES256, EdDSA; no key yet" in caplog.text


async def test_known_keys_go_on_while_the_issuer_is_down() -> None:
    clock = Clock()
    async with issuing() as issuer, keys_of(issuer, clock) as keys:
        assert await keys.reach()
        issuer.down = True
        for _ in range(5):
            clock.now += 601
            assert await keys.find("first", "ES256")
            assert not await keys.reach()
        issuer.down = False
        clock.now += 31
        assert await keys.reach()
        assert await keys.find("first", "ES256")


async def test_many_requests_wait_for_one_fetch() -> None:
    async with issuing() as issuer, keys_of(issuer, Clock()) as keys:
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(keys.find, "first", "ES256")
        assert issuer.asked == {"/.well-known/oauth-authorization-server": 1, "/jwks": 1}


async def test_an_issuer_that_is_down_at_the_start_is_asked_again() -> None:
    clock = Clock()
    async with issuing() as issuer, keys_of(issuer, clock) as keys:
        issuer.down = True
        for _ in range(20):
            with pytest.raises(IssuerError, match="cannot be reached"):
                await keys.find("first", "ES256")
        assert issuer.asked["/.well-known/oauth-authorization-server"] == 1
        issuer.down = False
        clock.now += 1
        assert await keys.find("first", "ES256")


async def test_a_server_starts_without_its_issuer_and_serves_with_known_keys() -> None:
    async with issuing() as issuer:
        issuer.down = True
        async with hosting(issuer) as hosted:
            token = hosted.token()
            answer = await hosted.post(token)
            assert (answer.status_code, "www-authenticate" in answer.headers) == (503, False)
            assert (await hosted.post(None)).status_code == 401
            issuer.down = False
            with anyio.fail_after(SECONDS):
                while (await hosted.post(token)).status_code != 200:
                    await anyio.sleep(0.05)
            issuer.down = True
            assert (await hosted.post(hosted.token(jti="another"))).status_code == 200
            assert (await hosted.post(hosted.token(kid="unknown"))).status_code == 401


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "https://other.example"}, "cannot be reached"),
        ({"issuer": None}, "cannot be reached"),
        ({"jwks_uri": None}, "cannot be reached"),
        ({"jwks_uri": "http://keys.example/jwks"}, "cannot be reached"),
        ({"jwks_uri": "file:///etc/passwd"}, "cannot be reached"),
        ({"jwks_uri": "nonsense"}, "cannot be reached"),
    ],
)
async def test_metadata_that_is_not_the_issuers_gives_no_key(changes: dict[str, Any], words: str) -> None:
    async with issuing(Issuer(metadata=changes)) as issuer, keys_of(issuer, Clock()) as keys:
        with pytest.raises(IssuerError, match=words):
            await keys.find("first", "ES256")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (302, b"", "answered 302"),
        (200, b"[" * 100_000, "did not answer with JSON"),
        (200, b"[]", "did not answer with a JSON object"),
        (200, b"\xff", "did not answer with JSON"),
        (200, b'{"a": "' + b"a" * 600_000 + b'"}', "answered with too much"),
    ],
)
async def test_what_an_issuer_must_not_answer(status: int, body: bytes, words: str) -> None:
    async def answering(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"location", b"http://127.0.0.1:9/")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with serving(answering, "off") as origin:
        client = IssuerClient(origin)
        with pytest.raises(IssuerError, match=words):
            await client.get(f"{origin}/jwks")
        await client.aclose()


async def test_an_encrypted_issuer_names_nothing_that_is_not() -> None:
    client = IssuerClient("https://id.example.com")
    for url in ("http://127.0.0.1:9/jwks", "http://id.example.com/jwks", "ftp://id.example.com"):
        with pytest.raises(IssuerError, match="is not encrypted"):
            await client.get(url)


def test_where_metadata_is_looked_for() -> None:
    assert metadata_urls("https://id.example/realms/a") == (
        "https://id.example/.well-known/oauth-authorization-server/realms/a",
        "https://id.example/realms/a/.well-known/openid-configuration",
        "https://id.example/.well-known/openid-configuration/realms/a",
    )
    assert metadata_urls("https://id.example/") == (
        "https://id.example/.well-known/oauth-authorization-server",
        "https://id.example/.well-known/openid-configuration",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"use": "enc"},
        {"key_ops": ["encrypt", "wrapKey"]},
        {"key_ops": "encrypt"},
        {"alg": "RS256"},
        {"alg": "HS256"},
        {"crv": "P-384"},
        {"x": "AA"},
        {"x": None},
        {"d": "AA"},
        {"kty": None},
    ],
)
def test_keys_that_verify_nothing_are_left_out(changes: dict[str, Any]) -> None:
    good = jwk("first", "ES256")
    found = usable_keys({"keys": [{**good, "kid": "bad", **changes}, "nonsense", 1, None, good]})
    assert [(key.id, key.algorithms) for key in found] == [("first", ("ES256",))]


@pytest.mark.parametrize("jwks", [{}, {"keys": {}}, {"keys": "first"}, {"keys": []}])
def test_what_is_no_key_set_has_no_key(jwks: dict[str, Any]) -> None:
    assert usable_keys(jwks) == ()
