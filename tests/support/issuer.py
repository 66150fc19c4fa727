"""An authorization server for tests: keys of its own on a real socket, and tokens good and bad.

It grants client credentials to anybody, with the scopes they ask for, as a JWT or an opaque token.
"""

import base64
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.support.serving import serving

CLIENT, SECRET = "numbers-server", "client-secret-0451"
"""With what a resource server looks up opaque tokens."""


@cache
def private_key(name: str, algorithm: str) -> Any:
    """Return a private key; the same one for the same name, because making one takes a while."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


def jwk(kid: str, algorithm: str, **changes: Any) -> dict[str, Any]:
    """Return the public half of a key, as a JWK set lists it."""
    public = private_key(kid, algorithm).public_key()
    family = {"ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}.get(algorithm, RSAAlgorithm)
    made: Any = family.to_jwk(public, as_dict=True)  # pyright: ignore[reportUnknownMemberType]
    return {**made, "kid": kid, "use": "sig", "alg": algorithm, **changes}


@dataclass
class Issuer:
    """One authorization server.

    Attributes:
        url: Its issuer identifier.
        keys: Key id → algorithm, of the keys that it publishes.
        metadata: What its metadata says beside or instead of the usual.
        asked: Path → how often it was asked for.
        down: It answers everything with 503.
        opaque: It issues opaque tokens.
        answers: Opaque token → what introspection says of it.
        lookups: The forms and headers that came to introspection.

    """

    url: str = ""
    keys: dict[str, str] = field(default_factory=lambda: {"first": "ES256"})
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: Counter[str] = field(default_factory=Counter[str])
    down: bool = False
    opaque: bool = False
    answers: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    lookups: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    @property
    def introspection_url(self) -> str:
        return f"{self.url}/introspect"

    def claims(self, audience: Any, scope: str = "numbers:read", **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token; a claim that is changed to ``None`` is left out."""
        now = int(time.time())
        made = {
            "iss": self.url,
            "aud": audience,
            "sub": "person-1",
            "client_id": "assistant",
            "scope": scope,
            "iat": now,
            "exp": now + 600,
            "jti": secrets.token_hex(8),
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def token(
        self,
        audience: Any,
        scope: str = "numbers:read",
        *,
        kid: str = "first",
        algorithm: str = "",
        header: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Return a token signed with one of the keys."""
        algorithm = algorithm or self.keys.get(kid, "ES256")
        named: dict[str, Any] = {"kid": kid, "typ": "at+jwt", **(header or {})}
        return jwt.encode(
            self.claims(audience, scope, **changes),
            private_key(kid, algorithm),
            algorithm,
            headers={name: value for name, value in named.items() if name != "kid" or value is not None},
        )

    def opaque_token(self, audience: Any, scope: str = "numbers:read", **changes: Any) -> str:
        """Return an opaque token that introspection knows."""
        token = secrets.token_urlsafe(24)
        self.answers[token] = {
            "active": True,
            "token_type": "Bearer",
            **self.claims(audience, scope, **changes),
        }
        return token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked[scope["path"]] += 1
            if self.down:
                await Response(status_code=503)(scope, receive, send)
                return
        await self._application(scope, receive, send)

    def __post_init__(self) -> None:
        self._application = Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/jwks", self._jwks),
                Route("/token", self._token, methods=["POST"]),
                Route("/introspect", self._introspect, methods=["POST"]),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        usual = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "introspection_endpoint": self.introspection_url,
            "response_types_supported": ["code"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return JSONResponse({**usual, **self.metadata})

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [jwk(kid, algorithm) for kid, algorithm in self.keys.items()]})

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        pair = base64.b64decode(request.headers.get("authorization", "").partition(" ")[2]).decode()
        client, scope = pair.partition(":")[0] or "assistant", str(form.get("scope", ""))
        audience = str(form.get("resource", ""))
        make = self.opaque_token if self.opaque else self.token
        token = make(audience, scope, sub=client, client_id=client)
        return JSONResponse(
            {"access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": scope}
        )

    async def _introspect(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.lookups.append({**form, "authorization": request.headers.get("authorization", "")})
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return Response(status_code=401)
        return JSONResponse(self.answers.get(form["token"], {"active": False}))


@asynccontextmanager
async def issuing(issuer: Issuer | None = None) -> AsyncGenerator[Issuer]:
    """Serve an issuer on a free port of this machine."""
    issuer = issuer or Issuer()
    async with serving(issuer, "off") as origin:
        issuer.url = origin
        yield issuer


def unsigned(claims: Mapping[str, Any], **header: Any) -> str:
    """Return a JWT whose header says that nobody signed it."""
    parts = ({"alg": "none", "typ": "at+jwt", **header}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{'.'.join(encoded)}."
