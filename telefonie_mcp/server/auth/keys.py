"""The keys of an issuer (RFC 7517), fetched when they are needed and kept while the issuer is down.

A key that is not known is looked for at once, but at most once in thirty seconds, however many tokens name
one: a flood of made-up key ids must not become a flood of requests.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from telefonie_mcp.server.auth.discovery import jwks_uri, metadata_urls
from telefonie_mcp.server.auth.fetching import IssuerClient, IssuerError

__all__ = ["ALGORITHMS", "Key", "Keys", "usable_keys"]

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
"""What a token may be signed with."""

_UNKNOWN_SECONDS: Final = 30.0
"""The least time between two fetches because of unknown keys, and between two attempts after a failure."""

_FIRST_SECONDS: Final = 1.0
"""The least time between two attempts as long as no key is known."""

_FRESH_SECONDS: Final = 600.0
"""After this time the keys are fetched again, so that those which the issuer withdrew are forgotten."""

_MAX_KEYS: Final = 100
_MIN_RSA_BITS: Final = 2048

_ALGORITHMS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("RSA", ""): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""Type and curve of a key → the algorithms that it may be used with. None of them is symmetric."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """A public key.

    Attributes:
        id: Its ``kid``; empty without one.
        algorithms: What it may verify.
        public: The key itself.

    """

    id: str
    algorithms: tuple[str, ...]
    public: Any


def usable_keys(jwks: Mapping[str, Any]) -> tuple[Key, ...]:
    """Return the keys of a JWK set that can verify signatures; all others are left out."""
    listed: Any = jwks.get("keys")
    if not isinstance(listed, list):
        return ()
    found = (_usable(key) for key in cast("list[Any]", listed)[:_MAX_KEYS])
    return tuple(key for key in found if key)


def _usable(given: Any) -> Key | None:
    if not isinstance(given, dict):
        return None
    jwk = cast("dict[str, Any]", given)
    kind = str(jwk.get("kty")), str(jwk.get("crv", ""))
    algorithms = _ALGORITHMS.get(kind, ())
    if own := jwk.get("alg"):
        algorithms = tuple(each for each in algorithms if each == own)
    if not algorithms or jwk.get("use", "sig") != "sig" or "d" in jwk:
        return None
    operations: Any = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        public = jwt.PyJWK(jwk, algorithm=algorithms[0]).key
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it verifies nothing
        return None
    if isinstance(public, RSAPublicKey) and public.key_size < _MIN_RSA_BITS:
        return None
    return Key(str(jwk.get("kid", "")), algorithms, public)


class Keys:
    """The keys of one issuer.

    Args:
        issuer: The issuer, as it names itself.
        client: The way to it.
        clock: Seconds that only ever increase.

    """

    def __init__(
        self, issuer: str, client: IssuerClient, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._clock = clock
        self._uri: str | None = None
        self._keys: tuple[Key, ...] = ()
        self._fetched = -float("inf")
        self._tried = -float("inf")
        self._asked_unknown = -float("inf")
        self._answers = False
        self._flight: asyncio.Task[None] | None = None

    async def find(self, kid: str, algorithm: str, tried: Sequence[Key] = ()) -> tuple[Key, ...]:
        """Return the keys that may have signed a token, if the issuer has any; without a ``kid``, all.

        Args:
            kid: The ``kid`` of the token's header; empty without one.
            algorithm: Its ``alg``.
            tried: Keys that did not sign it: the issuer may have put others in their place.

        Raises:
            IssuerError: no key of the issuer has ever been reached.

        """
        if not self._keys:
            await self._fetch(_FIRST_SECONDS)
            if not self._keys:
                raise IssuerError("the keys of the issuer cannot be reached")
            if not _matching(self._keys, kid, algorithm, tried):
                self._asked_unknown = max(self._asked_unknown, self._fetched)
        elif self._clock() - self._fetched > _FRESH_SECONDS:
            self._begin(_UNKNOWN_SECONDS)  # until it has answered, the known keys go on
        if found := _matching(self._keys, kid, algorithm, tried):
            return found
        if self._clock() - self._asked_unknown >= _UNKNOWN_SECONDS:
            self._asked_unknown = self._clock()
            await self._fetch(0)
        elif self._flight:
            await asyncio.wait({self._flight})
        return _matching(self._keys, kid, algorithm, tried)

    async def reach(self) -> bool:
        """Return whether the issuer answers with its keys; it is asked at most twice a minute once it did."""
        fresh = self._answers and self._clock() - self._fetched < _UNKNOWN_SECONDS
        if not fresh:
            await self._fetch(_UNKNOWN_SECONDS if self._answers else _FIRST_SECONDS)
        return self._answers

    async def aclose(self) -> None:
        """Give up a fetch that is under way."""
        if flight := self._flight:
            flight.cancel()
            await asyncio.wait({flight})

    async def _fetch(self, pause: float) -> None:
        if flight := self._begin(pause):
            await asyncio.wait({flight})

    def _begin(self, pause: float) -> "asyncio.Task[None] | None":
        """Begin a fetch unless the last attempt is less than ``pause`` ago, or return the one under way."""
        if self._flight is None and self._clock() - self._tried >= pause:
            self._flight = asyncio.get_running_loop().create_task(self._load())
        return self._flight

    async def _load(self) -> None:
        self._tried = self._clock()
        try:
            keys = usable_keys(await self._client.get(await self._located()))
            if not keys:
                raise IssuerError(f"none of its keys is for {', '.join(ALGORITHMS)}")  # noqa: TRY301
        except IssuerError as error:
            keys = ()
            _log.warning(
                "TELEFONIE_ISSUER: %s; %s", error, "known keys are used" if self._keys else "no key yet"
            )
        finally:
            self._flight = None
        self._answers = bool(keys)
        if keys:
            self._keys, self._fetched = keys, self._clock()
        else:
            self._uri = None  # it may have moved

    async def _located(self) -> str:
        if self._uri is None:
            problem = IssuerError("no metadata names the issuer exactly, with a jwks_uri")
            for url in metadata_urls(self._issuer):
                try:
                    self._uri = jwks_uri(await self._client.get(url), self._issuer)
                except IssuerError as error:
                    problem = error
                if self._uri:
                    return self._uri
            raise problem
        return self._uri


def _matching(keys: Sequence[Key], kid: str, algorithm: str, tried: Sequence[Key]) -> tuple[Key, ...]:
    fitting = (key for key in keys if algorithm in key.algorithms and kid in {key.id, ""})
    return tuple(key for key in fitting if key not in tried)
