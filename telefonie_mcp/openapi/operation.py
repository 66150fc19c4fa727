"""Operations of an API as frozen values, with references resolved and schemas in JSON Schema 2020-12.

:mod:`telefonie_mcp.openapi.reader` reads them from a document, :mod:`telefonie_mcp.tools` derives tools from
them, and :mod:`telefonie_mcp.upstream` serializes their requests.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from telefonie_mcp.errors import DocumentError

__all__ = ["Binding", "Body", "Credential", "Location", "Operation", "Parameter", "check_path", "server_url"]

Location = Literal["path", "query", "header", "cookie"]

_SERVER: Final = re.compile(
    r"https?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[^\s\\?#{}\x00-\x1f\x7f]*)?", re.IGNORECASE
)
"""A server's URL: host, port and path and nothing that parsers read differently, such as ``@`` or ``\\``."""

_AUTHORITY_BREAKS: Final = frozenset("/\\?#@")
"""Characters that end an authority, or move what precedes them out of it (RFC 3986 §3.2)."""

_MAX_URL: Final = 2000
"""Characters of a server's URL."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter outside the body (OpenAPI 3.1.1 §4.8.12).

    Attributes:
        name: Its name.
        location: Where it is sent.
        required: Whether it must be present.
        schema: Its schema.
        separator: Joins the items of an array; ``None`` repeats the name for each item (``explode``).
        assign: Joins the name and the value of each member of an object.
        json: The value is sent as JSON text (``content: application/json``).
        deep: An object is sent as ``name[key]=value`` (``style: deepObject``).

    """

    name: str
    location: Location
    required: bool
    schema: Mapping[str, Any]
    separator: str | None = ","
    assign: Literal[",", "="] = ","
    json: bool = False
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """Maps a tool's argument to a parameter, a member of the body, or the whole body.

    Attributes:
        argument: The argument's name.
        required: Whether the API requires it.
        schema: Its schema.
        place: The parameter, a ``member`` of the body, or the ``body``.
        name: The API's name for it.

    """

    argument: str
    required: bool
    schema: Mapping[str, Any]
    place: Parameter | Literal["member", "body"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: JSON, or a form if ``form`` is true.

    Attributes:
        required: Whether it must be present.
        schema: Its schema.
        media_type: How it is sent.
        encodings: Of a form, the members that the document says how to write, as parameters of a query.
        nullable: Members that the document allows to be null.

    """

    required: bool
    schema: Mapping[str, Any]
    media_type: str = "application/json"
    encodings: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    nullable: frozenset[str] = frozenset()

    @property
    def form(self) -> bool:
        """Whether the body is sent as ``application/x-www-form-urlencoded``."""
        return self.media_type == "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Credential:
    """How the API key is sent: ``prefix`` + key, as the header, query parameter or cookie ``name``."""

    name: str
    location: Literal["header", "query", "cookie"]
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    Attributes:
        id: The document's ``operationId``, or one derived from method and path.
        method: HTTP method in upper case.
        path: Path template, relative to the server.
        server: Base URL without a trailing slash.
        summary: The document's summary.
        description: The document's description.
        parameters: Its parameters by location, without the one that carries the credential.
        body: Its request body, if it has one.
        credential: How the API key is sent, if it needs one.
        successes: Status → schema of its JSON body, for every 2xx status that the document declares; ``None``
            for a response without a body. The key ``2XX`` means all of them.
        success_texts: Status → the document's description of the response.
        text: Success responses are text, not JSON.
        hints: The operation's ``x-telefonie-hints``, if any.
        deprecated: The document says that it should not be used any more.

    """

    id: str
    method: str
    path: str
    server: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    credential: Credential | None
    successes: Mapping[str, Mapping[str, Any] | None]
    success_texts: Mapping[str, str]
    text: bool = False
    hints: Mapping[str, Any] = field(default_factory=dict[str, Any])
    deprecated: bool = False


def server_url(url: str, defaults: Mapping[str, str], where: str) -> str:
    """Return a server's URL without a trailing slash, its variables replaced by their defaults.

    Raises:
        DocumentError: it is not an absolute http(s) URL that every parser reads alike, or the default of a
            variable that is part of the host would end it.

    """
    authority = url.partition("://")[2].partition("/")[0]
    for name, value in defaults.items():
        if "{" + name + "}" in authority and _AUTHORITY_BREAKS & {*value}:
            raise DocumentError(f"{where}: the server variable {name!r} is part of the host, not {value!r}")
        if max(len(url), len(value)) <= _MAX_URL:
            url = url.replace("{" + name + "}", value)
    if len(url) > _MAX_URL or not _is_server(url):
        raise DocumentError(
            f"{where}: needs a server with an absolute http(s) URL, without credentials or query, not {url!r}"
        )
    return url.rstrip("/")


def _is_server(url: str) -> bool:
    try:
        return bool(_SERVER.fullmatch(url)) and bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        return False


def check_path(path: str, where: str) -> None:
    """Raise ``DocumentError`` for a path that would not begin where the server's URL ends."""
    if not path.startswith("/"):
        raise DocumentError(f"{where}: the path must begin with a slash (OpenAPI 3.1.1 §4.8.8)")
    if found := re.search(r"[?#\\\s\x00-\x1f\x7f]", path):
        raise DocumentError(f"{where}: the path must not contain {found[0]!r}")
