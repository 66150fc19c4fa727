"""Security requirements of an operation (OpenAPI 3.1.1 §4.8.27, §4.8.30), as far as a key can meet them.

What is sent is a key, a user name with a password, or a token that the operator already has. Nobody logs in
here: of OAuth 2 and OpenID Connect, it is the bearer token (RFC 6750) that is sent.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, Literal, cast

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.structure import is_true

__all__ = ["FIELD_NAME", "Credential", "Origin", "Security", "implied_security", "read_security"]

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
"""Alternatives, each with the credentials that are sent together; empty if nothing is needed.

An alternative without credentials says that the others are optional: a key that meets one of them is sent.
"""

FIELD_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 §5.6.2, RFC 6265 §4.1.1
"""A name of a header or cookie."""


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
    given: Sequence[Any] = [requirements] if isinstance(requirements, Mapping) else ()
    given = cast("Sequence[Any]", requirements) if isinstance(requirements, list) else given
    optional = {} in given
    found: list[str] = []
    alternatives: list[tuple[Credential, ...]] = []
    for requirement in (each for each in given if each != {}):
        names = [*map(str, cast("Mapping[str, Any]", requirement))] if isinstance(requirement, dict) else []
        read = [_credential(name, resolve(schemes.get(name))) for name in names]
        credentials = [each for each in read if isinstance(each, Credential)]
        if names and len(credentials) == len(names) == len({*_places(credentials)}):
            alternatives.append(tuple(credentials))
            continue
        apart = f"{' and '.join(names)} have one place" if names else "one is malformed"
        found += [each for each in read if isinstance(each, str)] or [apart]
    if found and not alternatives and not optional:
        raise DocumentError(
            f"{where}: none of its security requirements can be met: {', '.join(dict.fromkeys(found))}; "
            f"{_SENDABLE}"
        )
    return (*dict.fromkeys(alternatives), *([()] if alternatives and optional else []))


def implied_security(parameters: Iterable[Mapping[str, Any]]) -> Security:
    """Return what a document without security requirements asks for by a header ``Authorization``.

    OpenAPI ignores such a parameter (3.1.1 §4.8.12.1), but authors who declare one want a key there.
    """
    for node in parameters:
        if str(node.get("in")) == "header" and str(node.get("name")).lower() == "authorization":
            key = Credential("Authorization", "header", scheme="Authorization")
            return ((key,),) if is_true(node.get("required")) else ((key,), ())
    return ()


def _places(credentials: Sequence[Credential]) -> Iterator[tuple[str, str]]:
    for each in credentials:
        yield each.location, each.name.lower() if each.location == "header" else each.name


def _credential(name: str, scheme: Mapping[str, Any]) -> Credential | str:
    """Return how a secret is sent for a security scheme, or why none can be."""
    match scheme:
        case {"type": "apiKey", "name": str(place), "in": "header" | "query" | "cookie" as location}:
            valid = location == "query" or re.fullmatch(FIELD_NAME, place)
            problem = f"{name} is an API key in the {location} {place!r}, which is no name of one"
            return Credential(place, location, scheme=name) if valid else problem
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
