"""What is sent of an operator's key for the security requirements of an operation; pure.

A key is text. It is a single secret, ``user:password``, a secret with the word that precedes it in the header
``Authorization``, such as ``App KEY``, or several secrets for an operation that wants them together:
``FIRST:SECOND`` in the document's order, or one per line, each with or without ``NAME:`` before it. Where the
document offers alternatives, the form of the key decides which one is meant.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from telefonie_mcp.openapi.security import Credential, Security

__all__ = ["SentCredential", "credentials_for", "demand", "secrets_in"]

_PLAIN: Final = re.compile(r"[!-~]+(?: [!-~]+)*")
"""What a header carries as it is: visible ASCII, and single spaces inside (RFC 9110 §5.5)."""

_TOKEN: Final = re.compile(r"[!-~]+")

_WORD: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]*) ([!-~]+)")
"""A word and a secret, as in the header ``Authorization`` (RFC 9110 §11.6.2)."""

_JWT: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")
"""A signed token (RFC 7519)."""

_NAMED: Final = re.compile(r"([^\s:=]+)\s*[:=]\s*(\S.*)")


@dataclass(frozen=True, slots=True)
class SentCredential:
    """A secret in the place where it is sent.

    Attributes:
        credential: The place.
        value: What is sent there, prefix included.
        secrets: What must not be seen of it.

    """

    credential: Credential
    value: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def is_bare(self) -> bool:
        """Whether it is an API key in ``Authorization`` without the word that many APIs want before it."""
        return self.credential.name.lower() == "authorization" and " " not in self.value


def credentials_for(security: Security, key: str | None) -> tuple[SentCredential, ...] | None:
    """Return what is sent with a request, or ``None`` if the key meets none of the alternatives."""
    nothing = () if not security or () in security else None
    if not security or not key:
        return nothing
    lines = [line.strip() for line in key.splitlines() if line.strip()]
    met = [sent for alternative in security if alternative and (sent := _met(alternative, lines))]
    return min(met, key=lambda sent: _misfit(sent, lines), default=nothing)


def demand(security: Security, setting: str) -> str:
    """Return what the operator has to set, as a predicate: "needs …".

    Args:
        security: The alternatives, of which there is at least one.
        setting: Where the key comes from, in words.

    """
    return f"needs {'; or '.join(_demand(alternative, setting) for alternative in security)}"


def secrets_in(key: str) -> set[str]:
    """Return every part of a key that may be a secret, whatever it is used for."""
    lines = [line.strip() for line in key.splitlines() if line.strip()]
    parts: set[str] = set()
    for line in lines:
        word = _WORD.fullmatch(line)
        text = word[2] if word else line
        parts |= {text, *text.split(":"), text.partition(":")[2]}
        if word and (pair := _pair(line)):
            parts |= {*pair}
        if len(lines) > 1 and (named := _NAMED.fullmatch(line)):
            parts.add(named[2])
    return parts - {""}


def _met(alternative: Sequence[Credential], lines: Sequence[str]) -> tuple[SentCredential, ...] | None:
    texts = _texts(alternative, lines)
    sent = [_sent(each, text) for each, text in zip(alternative, texts or (), strict=bool(texts))]
    return tuple(each for each in sent if each) if sent and all(sent) else None


def _texts(alternative: Sequence[Credential], lines: Sequence[str]) -> Sequence[str] | None:
    """Return the part of a key that belongs to each credential."""
    if len(lines) == 1 and len(alternative) == 1:
        return lines
    if len(lines) > 1:
        named = {match[1].lower(): match[2] for line in lines if (match := _NAMED.fullmatch(line))}
        found = [named.get(each.scheme.lower()) or named.get(each.name.lower()) for each in alternative]
        if all(found):
            return [text for text in found if text]
        return lines if len(lines) == len(alternative) else None
    parts = lines[0].split(":", len(alternative) - 1)
    divisible = len(parts) == len(alternative) and all(each.kind != "basic" for each in alternative)
    return parts if divisible and all(parts) else None


def _sent(credential: Credential, text: str) -> SentCredential | None:
    match credential.kind:
        case "basic":
            pair = _pair(text)
            if pair is None:
                return None
            user, password = pair
            encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
            secrets = (password or user, f"{user}:{password}")
            return SentCredential(credential, f"{credential.prefix}{encoded}", secrets)
        case "bearer" | "token":
            word = _WORD.fullmatch(text)
            token = word[2] if word and f"{word[1]} ".lower() == credential.prefix.lower() else text
            if not _TOKEN.fullmatch(token):
                return None
            return SentCredential(credential, f"{credential.prefix}{token}", (token,))
        case "key":
            if not _PLAIN.fullmatch(text):
                return None
            word = _WORD.fullmatch(text)
            return SentCredential(credential, text, (word[2] if word else text,))


def _pair(text: str) -> tuple[str, str] | None:
    """Return user name and password, which may be encoded already, after the word ``Basic``."""
    word = _WORD.fullmatch(text)
    if word and word[1].lower() == "basic":
        try:
            text = base64.b64decode(word[2], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
    user, colon, password = text.partition(":")
    return (user, password) if colon and (user or password) and text.isprintable() else None


def _misfit(sent: Sequence[SentCredential], lines: Sequence[str]) -> int:
    """Return how little an alternative suits the form of a key; alternatives alike keep their order."""
    if len(sent) > 1:
        return 1  # the key has as many parts
    credential, text = sent[0].credential, lines[0]
    if word := _WORD.fullmatch(text):
        own = credential.prefix.lower() or ("*" if credential.name.lower() == "authorization" else "")
        return 0 if own == f"{word[1].lower()} " else 1 if own == "*" else 2
    if ":" in text:  # a token has none (RFC 6750 §2.1)
        return {"basic": 0, "key": 2, "bearer": 3, "token": 3}[credential.kind]
    if _JWT.fullmatch(text):
        return 2 if credential.kind == "key" else 0
    if credential.location == "query":  # which logs and caches keep
        return 3
    return 4 if credential.kind == "token" else 2


def _demand(alternative: Sequence[Credential], setting: str) -> str:
    if len(alternative) == 1:
        return _demand_of_one(alternative[0], setting)
    names = " and ".join(f"{each.scheme!r}" for each in alternative)
    lines = any(each.kind == "basic" for each in alternative)
    forms = "one per line" if lines else f"{':'.join(['KEY'] * len(alternative))}, or one per line"
    return f"{names} together: set {setting} to all of them, {forms}, in this order"


def _demand_of_one(credential: Credential, setting: str) -> str:
    match credential.kind:
        case "basic":
            return f"HTTP basic ({credential.scheme!r}): set {setting} to USER:PASSWORD"
        case "bearer" | "token":
            return f"a token ({credential.scheme!r}): set {setting} to one that you have"
        case "key":
            place = f"{credential.location} {credential.name}"
            return f"an API key ({credential.scheme!r}, in the {place}): set {setting} to it"
