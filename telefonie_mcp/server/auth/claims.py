"""What claims say: a principal with its scopes, or nothing usable. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from mcp.server.auth.provider import AccessToken

__all__ = ["LEEWAY_SECONDS", "access_token", "introspected"]

LEEWAY_SECONDS: Final = 30
"""How far the clocks of issuer and server may differ."""

_CLIENT_CLAIMS: Final = ("client_id", "azp", "cid", "appid")
"""Claims that name the client, in the order of precedence: RFC 9068, and what providers have instead."""

HIDDEN: Final = "**********"
"""Stands where the SDK's value has the token itself, which nothing of ours needs."""

_LAST: Final = 2**53
"""The last second that is known exactly, whether a number is read as an integer or with a fraction."""

_MAX_NAME: Final = 1024
"""Characters of an issuer's name for somebody; every entry of the ledger has it."""


def access_token(claims: Mapping[str, Any]) -> AccessToken | None:
    """Return the SDK's value for verified claims, without the token.

    ``None`` if they name nobody, or an end that is no time.
    """
    subject, expires = claims.get("sub"), _seconds(claims.get("exp"))
    if not isinstance(subject, str) or not _is_name(subject) or (expires is None and "exp" in claims):
        return None
    named = (claims.get(name) for name in _CLIENT_CLAIMS)
    client = next((each for each in named if isinstance(each, str) and _is_name(each)), "")
    return AccessToken(
        token=HIDDEN,
        client_id=client,
        scopes=sorted(_scopes(claims)),
        expires_at=None if expires is None else int(expires) + LEEWAY_SECONDS,
        subject=subject,
        claims=dict(claims),
    )


def introspected(
    answer: Mapping[str, Any], *, issuer: str, audience: Collection[str], now: float
) -> AccessToken | None:
    """Return the SDK's value for the answer of RFC 7662; ``None`` if the token is not good here.

    Args:
        answer: The answer.
        issuer: The issuer whose tokens are accepted; the answer need not name it.
        audience: The audiences of which the token must name one.
        now: Seconds since 1970.

    """
    if answer.get("active") is not True or answer.get("iss", issuer) != issuer:
        return None
    if _audiences(answer).isdisjoint(audience):
        return None
    begins, ends = _seconds(answer.get("nbf", 0)), _seconds(answer.get("exp", _LAST))
    if begins is None or ends is None or not begins - LEEWAY_SECONDS <= now < ends + LEEWAY_SECONDS:
        return None
    if str(answer.get("token_type", "Bearer")).lower() not in {"bearer", "access_token"}:
        return None
    subject = answer.get("sub") or answer.get("client_id")  # client credentials: the client is the subject
    return access_token({**answer, "iss": issuer, "sub": subject})


def _audiences(claims: Mapping[str, Any]) -> set[str]:
    """Return the audiences of a token: a string, or a list of strings (RFC 7519 §4.1.3)."""
    given: Any = claims.get("aud")
    listed = cast("list[Any]", given) if isinstance(given, list) else [given]
    return {each for each in listed if isinstance(each, str)}


def _is_name(text: str) -> bool:
    """Whether the ledger can hold it, and a person tell it from another one."""
    return bool(text.strip()) and text.isprintable() and len(text) <= _MAX_NAME


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for name in ("scope", "scp"):
        given: Any = claims.get(name)
        if isinstance(given, str):
            found.update(given.split())
        elif isinstance(given, list):
            found.update(each for each in cast("list[Any]", given) if isinstance(each, str))
    return found


def _seconds(value: Any) -> float | None:
    """Return a NumericDate (RFC 7519 §2); ``None`` if it is none, or one that no clock will show."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -_LAST <= value <= _LAST else None
