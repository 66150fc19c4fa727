"""Security requirements of an operation (OpenAPI 3.1.1 §4.8.27, §4.8.30), as far as a key can meet them.

What is sent is a key, a user name with a password, or a token that the operator already has. Nobody logs in
here: of OAuth 2 and OpenID Connect, it is the bearer token (RFC 6750) that is sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, Literal, cast

from telefonie_mcp.errors import DocumentError

__all__ = ["Credential", "Origin", "Security", "read_security"]

_COMPUTED: Final = frozenset(
    {"digest", "dpop", "gnap", "hmac", "hoba", "mutual", "negotiate", "ntlm", "oauth", "signature", "vapid"}
)
"""HTTP authentication schemes whose header is computed for each request, or takes more than one exchange."""

_SENDABLE: Final = (
    "an API key, HTTP basic, a bearer token, or a token of OAuth 2 or OpenID Connect can be sent"
)


@dataclass(frozen=True, slots=True)
class Credential:
    """How one secret of the operator is sent: ``prefix`` + secret, in the header, query or cookie ``name``.

    Attributes:
        name: Name of the header, query parameter or cookie.
        location: Where it is sent.
        prefix: What precedes the secret.
        kind: ``key`` is sent as it is, ``bearer`` after a word, ``basic`` is a user name with a password
            (RFC 7617), and ``token`` is one of OAuth 2 or OpenID Connect.
        scheme: The document's name for it, in messages.

    """

    name: str
    location: Literal["header", "query", "cookie"]
    prefix: str = ""
    kind: Literal["key", "bearer", "token", "basic"] = "key"
    scheme: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """The file of a document, and the settings of its API.

    Attributes:
        file: Name of the operator's file; empty for a packaged document.
        key_setting: The setting that the API key comes from, in words.
        url_setting: The setting that the address of the API comes from, in words.
        bare_key: The key is sent in ``Authorization`` without a word before it.

    """

    file: str = ""
    key_setting: str = "TELEFONIE_API_KEY"
    url_setting: str = "TELEFONIE_BASE_URL"
    bare_key: bool = False

    @property
    def stem(self) -> str:
        """The file's name without its ending, as ``TELEFONIE_SPEC_CREDENTIALS`` calls the document."""
        return PurePath(self.file).stem


Security = tuple[tuple[Credential, ...], ...]
"""Alternatives, each with the credentials that are sent together; empty if nothing is needed."""


def read_security(
    requirements: Any, schemes: Mapping[str, Any], resolve: Callable[[Any], Mapping[str, Any]], where: str
) -> Security:
    """Return the alternatives that can be met.

    Args:
        requirements: The security requirements of an operation.
        schemes: The security schemes of the document.
        resolve: Follows references.
        where: The place in the document, for messages.

    Raises:
        DocumentError: there are requirements, and none of them can be met; the message names what was found.

    """
    given = cast("Sequence[Any]", requirements) if isinstance(requirements, list) else ()
    if not given or {} in given:
        return ()
    found: list[str] = []
    alternatives: list[tuple[Credential, ...]] = []
    for requirement in given:
        names = [*map(str, cast("Mapping[str, Any]", requirement))] if isinstance(requirement, dict) else []
        read = [_credential(name, resolve(schemes.get(name))) for name in names]
        credentials = [each for each in read if isinstance(each, Credential)]
        if names and len(credentials) == len(names) == len({*_places(credentials)}):
            alternatives.append(tuple(credentials))
            continue
        apart = f"{' and '.join(names)} have one place" if names else "one is malformed"
        found += [each for each in read if isinstance(each, str)] or [apart]
    if not alternatives:
        raise DocumentError(
            f"{where}: none of its security requirements can be met: {', '.join(dict.fromkeys(found))}; "
            f"{_SENDABLE}"
        )
    return tuple(dict.fromkeys(alternatives))


def _places(credentials: Sequence[Credential]) -> Iterator[tuple[str, str]]:
    for each in credentials:
        yield each.location, each.name.lower() if each.location == "header" else each.name


def _credential(name: str, scheme: Mapping[str, Any]) -> Credential | str:
    """Return how a secret is sent for a security scheme, or why none can be."""
    match scheme:
        case {"type": "apiKey", "name": str(place), "in": "header" | "query" | "cookie" as location}:
            return Credential(place, location, scheme=name)
        case {"type": "apiKey"}:
            return f"{name} is an API key without name, or in {scheme.get('in')!r}"
        case {"type": "oauth2" | "openIdConnect"}:
            return Credential("Authorization", "header", "Bearer ", "token", name)
        case {"type": "http", "scheme": str(kind)}:
            return _http(name, kind.strip())
        case {"type": kind}:
            return f"{name} is of type {kind}"
        case _:
            return f"{name} is not defined in the document"


def _http(name: str, kind: str) -> Credential | str:
    match kind.lower():
        case "bearer":
            return Credential("Authorization", "header", "Bearer ", "bearer", name)
        case "basic":
            return Credential("Authorization", "header", "Basic ", "basic", name)
        case word if word in _COMPUTED or word.startswith(("scram-", "aws4-")) or not word.isalnum():
            return f"{name} is HTTP {kind}"
        case _:  # a word before the key, such as AccessKey or Token
            return Credential("Authorization", "header", f"{kind} ", "bearer", name)
