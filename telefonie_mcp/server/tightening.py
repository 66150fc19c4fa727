"""HTTP headers by which a client tightens one request, named as those of GitHub's remote server.

``X-MCP-Readonly``, ``X-MCP-Toolsets``, ``X-MCP-Tools`` and ``X-MCP-Exclude-Tools`` hide tools from the lists
of one request and refuse calls of them. They only tighten: a tool that the operator switched off stays off. A
name that does not exist is an error, as in a setting, because it would otherwise protect nothing.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.server.limits import refused
from telefonie_mcp.text import clean_line, did_you_mean
from telefonie_mcp.tools.catalog import MAX_NAME, Catalog

__all__ = ["UNTIGHTENED", "HeaderChecks", "hidden_by"]

UNTIGHTENED: Final = "telefonie_mcp.untightened"
"""Member of an ASGI scope: true if no header of the request can tighten it."""

_READONLY: Final = "X-MCP-Readonly"
_TOOLSETS: Final = "X-MCP-Toolsets"
_TOOLS: Final = "X-MCP-Tools"
_EXCLUDE: Final = "X-MCP-Exclude-Tools"

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
_ALL: Final = "all"


def hidden_by(headers: Mapping[str, str] | None, catalog: Catalog) -> dict[str, str]:
    """Return the enabled tools that the headers of a request hide, and the header that hides each.

    Args:
        headers: The headers; ``None`` where the transport has none.
        catalog: The tools.

    Raises:
        ValueError: a header names what does not exist; a sentence that says so.

    """
    if not headers or not _may_tighten(headers):
        return {}
    read_only = any(map(_boolean, _words(headers, _READONLY)))
    toolsets = _toolsets(headers)
    tools, excluded = (_tools(headers, name, catalog) for name in (_TOOLS, _EXCLUDE))
    hidden: dict[str, str] = {}
    for tool in catalog:
        if tool.document.toolset not in {"", *toolsets}:
            hidden[tool.name] = _TOOLSETS
        elif read_only and not tool.read_only:
            hidden[tool.name] = _READONLY
        elif tool.name in excluded:
            hidden[tool.name] = _EXCLUDE
        elif tools and tool.name not in tools:
            hidden[tool.name] = _TOOLS
    return hidden


def _may_tighten(headers: Mapping[str, str]) -> bool:
    """Return quickly, because every request comes here, whether a header could be one of these."""
    names = [name for name, _ in headers.raw] if isinstance(headers, Headers) else map(str.encode, headers)
    return b"x-mcp-" in b" ".join(names).lower()


def _toolsets(headers: Mapping[str, str]) -> tuple[str, ...]:
    names = _words(headers, _TOOLSETS)
    for name in names:
        if name not in (*TOOLSETS, _ALL):
            raise ValueError(_unknown(_TOOLSETS, "toolset", name, (*TOOLSETS, _ALL)))
    return tuple(TOOLSETS) if not names or _ALL in names else names


def _tools(headers: Mapping[str, str], header: str, catalog: Catalog) -> tuple[str, ...]:
    names = _words(headers, header)
    for name in names:
        if name not in catalog.everything and name not in catalog.left_out:
            raise ValueError(f"{_unknown(header, 'tool', name, catalog.tools)} {catalog.absent}".strip())
    return names


def _words(headers: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the words of a header, which may stand several times (RFC 9110 §5.3)."""
    lines = headers.getlist(name) if isinstance(headers, Headers) else [headers.get(name, "")]
    given = ",".join(lines)
    words = tuple(word for part in given.split(",") if (word := part.strip()))
    if given.strip() and not words:
        raise ValueError(f"{name} names nothing, and would limit nothing; leave it out instead.")
    return words


def _boolean(word: str) -> bool:
    if word.lower() not in _TRUE | _FALSE:
        raise ValueError(f"{_READONLY} must be true or false, not {clean_line(word, MAX_NAME)!r}.")
    return word.lower() in _TRUE


def _unknown(header: str, kind: str, name: str, known: Collection[str]) -> str:
    near = did_you_mean(name, known, f"there are {', '.join(known)}.")
    return f"{header}: there is no {kind} {clean_line(name, MAX_NAME)!r}; {near}"


class HeaderChecks:
    """ASGI middleware that answers 400 to a request whose tightening headers name what does not exist.

    Args:
        app: The application.
        catalog: Returns the tools.

    """

    def __init__(self, app: ASGIApp, catalog: Callable[[], Catalog]) -> None:
        self._app = app
        self._catalog = catalog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            scope[UNTIGHTENED] = not _may_tighten(headers)
            try:
                if not scope[UNTIGHTENED]:
                    hidden_by(headers, self._catalog())
            except ValueError as error:
                await refused(400, str(error))(scope, receive, send)
                return
        await self._app(scope, receive, send)
