"""Operations of an API as frozen values, with references resolved and schemas in JSON Schema 2020-12.

:mod:`telefonie_mcp.openapi.reader` reads them from a document, :mod:`telefonie_mcp.tools` derives tools from
them, and :mod:`telefonie_mcp.upstream` serializes their requests.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.combining import Json
from telefonie_mcp.openapi.security import Security

__all__ = [
    "Binding",
    "Body",
    "Location",
    "Operation",
    "Parameter",
    "best_server",
    "check_path",
    "concrete",
    "is_form",
    "is_json",
    "is_text",
]

Location = Literal["path", "query", "header", "cookie"]

_SERVER: Final = re.compile(
    r"https?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[^\s\\?#{}\x00-\x1f\x7f]*)?", re.IGNORECASE
)
"""A server's URL: host, port and path and nothing that parsers read differently, such as ``@`` or ``\\``."""

_ABSOLUTE: Final = r"//|(?:[a-z][a-z0-9+.-]*|\{[\w.-]+\}):"
_VARIABLE: Final = r"\{[\w.-]+\}"

_AUTHORITY_BREAKS: Final = frozenset("/\\?#@")
"""Characters that end an authority, or move what precedes them out of it (RFC 3986 §3.2)."""

_JSON: Final = "application/json"
_TEXT: Final = (
    r"text/(?!json\b(?!-))|application/(?:[\w.+-]+\+)?(?:xml|yaml|json-seq)\b"
    r"|application/(?:x-)?(?:csv|graphql|javascript|json-?lines|jsonl|jose|ndjson|sdp|yaml)\b"
)

_MAX_URL: Final = 2000
"""Characters of a server's URL."""


class Parameter(NamedTuple):
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
        prefix: Precedes the value in a path: ``.`` (``style: label``) or ``;`` (``style: matrix``).
        reserved: Reserved characters that end no value are sent as they are (``allowReserved``).

    """

    name: str
    location: Location
    required: bool
    schema: Mapping[str, Any]
    separator: str | None = ","
    assign: Literal[",", "="] = ","
    json: bool = False
    deep: bool = False
    prefix: Literal["", ".", ";"] = ""
    reserved: bool = False


class Binding(NamedTuple):
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


class Body(NamedTuple):
    """A request body: JSON, a form if ``form`` is true, or one string if ``text`` is.

    Attributes:
        required: Whether it must be present.
        schema: Its schema.
        media_type: How it is sent.
        encodings: Of a form, the members that the document says how to write, as parameters of a query.
        nullable: Members that the document allows to be null.
        text: It is one string, which is sent as it is.

    """

    required: bool
    schema: Mapping[str, Any]
    media_type: str = "application/json"
    encodings: Mapping[str, Parameter] = MappingProxyType({})
    nullable: frozenset[str] = frozenset()
    text: bool = False

    @property
    def form(self) -> bool:
        """Whether the body is sent as ``application/x-www-form-urlencoded``."""
        return is_form(self.media_type)


class Operation(NamedTuple):
    """One method on one path.

    Attributes:
        id: The document's ``operationId``, or one derived from method and path.
        method: HTTP method in upper case.
        path: Path template, relative to the server.
        server: Base URL without a trailing slash; empty if the document leaves it open.
        summary: The document's summary.
        description: The document's description.
        parameters: Its parameters by location, without those that carry a credential.
        body: Its request body, if it has one.
        security: How the operator's key is sent: alternatives, of which one is chosen.
        successes: Status → schema of its JSON body, for every 2xx status that the document declares; ``None``
            for a response without a body. The key ``2XX`` means all of them.
        success_texts: Status → the document's description of the response.
        text: Success responses are not JSON, but text, or bytes that are only described.
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
    security: Security
    successes: Mapping[str, Mapping[str, Any] | None]
    success_texts: Mapping[str, str]
    text: bool = False
    hints: Mapping[str, Any] = MappingProxyType({})
    deprecated: bool = False


def is_form(media_type: str) -> bool:
    """Return whether a media type, in any case and with any parameters, is a form (RFC 9110 §8.3.1)."""
    return media_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def is_json(media_type: str) -> bool:
    """Return whether ``media_type`` is JSON, or a range that includes it, such as ``*/*``."""
    kinds = r"(application|text)/([\w.+-]+\+)?json\b(?!-)|(\*|application)/\*"
    return media_type == _JSON or bool(re.match(kinds, media_type.strip(), re.IGNORECASE))


def is_text(media_type: str) -> bool:
    """Return whether ``media_type`` is text that can be sent as it is: plain, XML, YAML or the like."""
    return media_type != _JSON and bool(re.match(_TEXT, media_type.strip(), re.IGNORECASE))


def concrete(media_type: str) -> str:
    """Return a media type to send for one of the document, which may be a range."""
    if "*" not in media_type:
        return media_type
    return "text/plain" if media_type.startswith("text/") else "application/json"


def best_server(servers: Sequence[Json], resolve: Callable[[Any], Json], where: str) -> str:
    """Return the URL of the first server that is not left open, encrypted if it is there in both ways.

    A key is sent to no other host than that: another one may be a copy for tests, or this machine.

    Args:
        servers: The servers of the document, with references resolved.
        resolve: Follows references.
        where: The place in the document, for messages.

    Raises:
        DocumentError: none of them is a server, and one is malformed.

    """
    urls: list[str] = []
    problem: DocumentError | None = None
    for server in servers:
        variables = resolve(server.get("variables"))
        defaults = {name: str(resolve(each).get("default", "")) for name, each in variables.items()}
        try:
            urls.append(server_url(str(server.get("url", "")), defaults, where))
        except DocumentError as error:
            problem = problem or error
    if problem and not any(urls):
        raise problem
    first = next(filter(None, urls), "")
    encrypted = f"https{first.removeprefix('http')}"
    return encrypted if encrypted in urls else first


def server_url(url: str, defaults: Mapping[str, str], where: str) -> str:
    """Return a server's URL without a trailing slash, its variables replaced by their defaults.

    A URL that is missing or relative, or has a variable without a default, leaves the server open: empty.

    Raises:
        DocumentError: it is not an http(s) URL that every parser reads alike, or the default of a variable
            that is part of the host would end it.

    """
    authority = url.partition("://")[2].partition("/")[0]
    for name, value in defaults.items():
        if "{" + name + "}" in authority and _AUTHORITY_BREAKS & {*value}:
            raise DocumentError(f"{where}: the server variable {name!r} is part of the host, not {value!r}")
        if max(len(url), len(value)) <= _MAX_URL:
            url = url.replace("{" + name + "}", value) if value else url
    if len(url) <= _MAX_URL:
        if _is_server(url):
            return url.rstrip("/")
        if not re.match(_ABSOLUTE, url, re.IGNORECASE) or re.search(_VARIABLE, url):
            return ""
    raise DocumentError(
        f"{where}: needs a server with an absolute http(s) URL, without credentials or query, not {url!r}"
    )


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
    if found := re.search(r"[{}]", re.sub(r"{[^{}]+}", "", path)):
        raise DocumentError(f"{where}: a {found[0]!r} in the path names no parameter")
