"""Who makes a request, as the token says that was verified: issuer and subject, and through which client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.requests import HTTPConnection
from starlette.types import Scope

__all__ = ["Principal"]

_KNOWN: Final = "telefonie_mcp.principal"
"""Member of an ASGI scope: the user, and the principal that was made of it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or program that a verified token was issued to.

    Attributes:
        issuer: The token's issuer.
        subject: Its subject, unique only for its issuer.
        client: The ``client_id`` of the program that presents it; empty if the token does not say.
        scopes: What it allows, without what that implies.
        claims: All that it says; never logged.

    """

    issuer: str
    subject: str
    client: str = ""
    scopes: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    @property
    def name(self) -> str:
        """Issuer and subject: the identity in the ledger and for rate limits."""
        return f"{self.issuer} {self.subject}"

    @classmethod
    def of(cls, request: HTTPConnection | None) -> Self | None:
        """Return the principal whom the SDK's authentication found for a request, if it needed a token."""
        return cls.in_scope(request.scope) if request is not None else None

    @classmethod
    def in_scope(cls, scope: Scope) -> Self | None:
        """Return the same for an ASGI scope, in which it is kept: several checks ask for it."""
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            return None
        known: tuple[AuthenticatedUser, Self] | None = scope.get(_KNOWN)
        if known and known[0] is user:
            return known[1]
        token, claims = user.access_token, user.access_token.claims or {}
        if not token.subject:  # no verifier of ours makes such a token
            return None
        issuer = str(claims.get("iss", ""))
        found = cls(issuer, token.subject, token.client_id, frozenset(token.scopes), claims)
        scope[_KNOWN] = user, found
        return found
