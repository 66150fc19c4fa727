"""Verifies access tokens: JWTs with the issuer's keys (RFC 9068), opaque ones by introspection (RFC 7662).

A token that looks like a JWT is never looked up, and an opaque one never trusted by itself. What is wrong
with a token is told to nobody but the operator, in the log: it is a good one, or it is not.
"""

import base64
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

import anyio
import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier
from pydantic import SecretStr

from telefonie_mcp.server.auth.claims import LEEWAY_SECONDS, access_token, introspected
from telefonie_mcp.server.auth.fetching import IssuerClient, IssuerError
from telefonie_mcp.server.auth.keys import ALGORITHMS, Key, Keys
from telefonie_mcp.server.auth.known_tokens import TokenCache
from telefonie_mcp.server.auth.resource import Resource
from telefonie_mcp.settings.hosted import HostedSettings

__all__ = ["MAX_TOKEN", "Introspection", "Tokens"]

MAX_TOKEN: Final = 16 * 1024
"""Characters of a token; a longer one is refused before anything is computed of it."""

_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
_REQUIRED: Final = ("exp", "iss", "aud", "sub")
_PARTS: Final = 3
_LOOKUPS: Final = 16
"""Lookups of opaque tokens that are under way at the same time."""

_WAITING: Final = 64
"""Requests that wait for a lookup; further ones are answered that the issuer is busy."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Introspection:
    """Where opaque tokens are looked up, and as whom."""

    url: str
    client: str
    secret: SecretStr

    @property
    def authorization(self) -> str:
        """The header that authenticates this server (RFC 6749 §2.3.1)."""
        pair = f"{quote_plus(self.client)}:{quote_plus(self.secret.get_secret_value())}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


@dataclass
class Tokens(TokenVerifier):
    """Verifies the tokens of one issuer for one audience.

    Attributes:
        issuer: The issuer, compared exactly.
        audience: The audiences of which a token must name one.
        keys: Its keys.
        client: The way to it.
        introspection: Where opaque tokens are looked up, if they are accepted.
        clock: Seconds since 1970.

    """

    issuer: str
    audience: frozenset[str]
    keys: Keys
    client: IssuerClient
    introspection: Introspection | None = None
    clock: Callable[[], float] = time.time
    known: TokenCache = field(default_factory=TokenCache)

    def __post_init__(self) -> None:
        self._lookups = anyio.Semaphore(_LOOKUPS)
        self._waiting = 0

    @classmethod
    def of(cls, settings: HostedSettings) -> "Tokens":
        """Return the verifier that the settings of hosted mode ask for.

        Raises:
            SettingsError: the secret for introspection cannot be read.

        """
        issuer, introspection = settings.issuer or "", None
        accepted = frozenset({settings.audience}) if settings.audience else Resource.of(settings).audiences
        if settings.introspection_url and (secret := settings.introspection_secret):
            client = settings.introspection_client or ""
            introspection = Introspection(settings.introspection_url, client, secret)
        way = IssuerClient(issuer)
        return cls(issuer, accepted, Keys(issuer, way), way, introspection)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a good token says, and ``None`` for every other one.

        Raises:
            IssuerError: nothing can be known of it now, because the issuer cannot be reached.

        """
        if not token or len(token) > MAX_TOKEN:
            return None
        if found := self.known.get(token):
            return found
        header = _header(token)
        if header is not None:
            found = await self._verify(token, header)
        elif self.introspection:
            found = await self._look_up(token, self.introspection)
        else:
            _refused("it is not a JWT, and none is looked up without TELEFONIE_INTROSPECTION_URL")
        if found:
            self.known.put(token, found)
        return found

    async def reach(self) -> bool:
        """Return whether the issuer answers with its keys."""
        return await self.keys.reach()

    async def aclose(self) -> None:
        """Close the connections to the issuer."""
        await self.keys.aclose()
        await self.client.aclose()

    async def _verify(self, token: str, header: dict[str, Any]) -> AccessToken | None:
        algorithm, kid, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "JWT")
        if algorithm not in ALGORITHMS or not isinstance(kid, str) or "crit" in header:
            return _refused("its algorithm, key id or an extension is not accepted")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            return _refused("its type is not that of an access token")
        tried: tuple[Key, ...] = ()
        while keys := await self.keys.find(kid, algorithm, tried):
            for key in keys:
                with suppress(jwt.InvalidSignatureError):
                    claims = self._claims(token, key, algorithm)
                    return (access_token(claims) or _refused("it names nobody")) if claims else None
            tried = (*tried, *keys)
        return _refused("no key of the issuer has signed it")

    def _claims(self, token: str, key: Key, algorithm: str) -> dict[str, Any] | None:
        """Return what a token says that ``key`` has signed; ``None`` if it is not good here.

        Raises:
            jwt.InvalidSignatureError: another key has signed it, or none.

        """
        try:
            return jwt.decode(
                token,
                key.public,
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": [*_REQUIRED]},
            )
        except jwt.InvalidSignatureError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is no good token
            return _refused(type(error).__name__)

    async def _look_up(self, token: str, where: Introspection) -> AccessToken | None:
        if self._waiting >= _WAITING:
            raise IssuerError("too many tokens are being looked up")
        self._waiting += 1
        try:
            async with self._lookups:
                if found := self.known.get(token):  # somebody else has looked it up meanwhile
                    return found
                form = {"token": token, "token_type_hint": "access_token"}
                answer = await self.client.post(where.url, form, where.authorization)
        finally:
            self._waiting -= 1
        found = introspected(answer, issuer=self.issuer, audience=self.audience, now=self.clock())
        return found or _refused("the issuer does not call it active for this audience")


def _refused(reason: str) -> None:
    """Say in the log why a token is not good; never with anything that it holds."""
    _log.info("a token was refused: %s", reason)


def _header(token: str) -> dict[str, Any] | None:
    """Return the header of a JWT; ``None`` for a token that does not look like one."""
    if token.count(".") != _PARTS - 1:
        return None
    try:
        return jwt.get_unverified_header(token)
    except Exception:  # noqa: BLE001 - it is none
        return None
