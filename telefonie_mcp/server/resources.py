"""MCP resources: reads of the API, OpenAPI documents, recent writes (``telefonie://log``), and the page."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from telefonie_mcp.app import App
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.errors import LedgerError
from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.resources.exposed import ReadableResource, affected_uris, readable_resources
from telefonie_mcp.text import clean, clean_line, compact
from telefonie_mcp.tools.catalog import Catalog, Tool

if TYPE_CHECKING:
    from telefonie_mcp.calls.approval import Caller
    from telefonie_mcp.ledger.records import State

__all__ = ["Resources", "page_meta"]

_DOCUMENTS: Final = "telefonie://openapi/"
_LOG: Final = "telefonie://log"
_JSON: Final = "application/json"
_APPS: Final = "io.modelcontextprotocol/ui"
_PAGE: Final = "ui://telefonie/numbers"
_SHOWN_ON_PAGE: Final = frozenset({"searchAvailableNumbers", "listOwnedNumbers"})
_PAGE_MIME_TYPE: Final = "text/html;profile=mcp-app"


class Resources:
    """The resources and resource templates of ``app``.

    Args:
        app: The app.
        catalog: Its tools as one request sees them; by default all of them.

    Attributes:
        readable: The resources and templates that read the API.

    """

    def __init__(self, app: App, catalog: Catalog | None = None) -> None:
        self._app = app
        self._catalog = app.catalog if catalog is None else catalog
        documents = app.documents if self._catalog is app.catalog else _used(app.documents, self._catalog)
        self._documents = {f"{_DOCUMENTS}{document.id}": document for document in documents}
        self.readable = readable_resources(self._catalog)

    def listed(self) -> list[types.Resource]:
        """Return the entries of ``resources/list``."""
        collections = [
            types.Resource(
                uri=each.uri.text,
                name=self._name(each.hint.name),
                title=each.hint.title,
                description=each.hint.description,
                mime_type=_JSON,
                annotations=_annotations(0.9),
            )
            for each in self.readable
            if not each.uri.variables
        ]
        documents = [
            types.Resource(
                uri=uri,
                name=f"openapi-{document.id}",
                title=f"{document.title} {document.version}".strip(),
                description="The OpenAPI document that the tools are derived from.",
                mime_type=document.media_type,
                size=len(document.text.encode()),
                annotations=types.Annotations(
                    audience=["assistant"],
                    priority=0.2,
                    last_modified=document.modified.isoformat() if document.modified else None,
                ),
            )
            for uri, document in self._documents.items()
        ]
        log = types.Resource(
            uri=_LOG,
            name=self._name("log"),
            title="Recent writes",
            description="What was bought, changed and released through this server, newest first.",
            mime_type=_JSON,
            annotations=_annotations(0.6),
        )
        return [*collections, *documents, log]

    def templates(self) -> list[types.ResourceTemplate]:
        """Return the entries of ``resources/templates/list``."""
        return [
            types.ResourceTemplate(
                uri_template=each.uri.text,
                name=self._name(each.hint.name),
                title=each.hint.title,
                description=each.hint.description,
                mime_type=_JSON,
                annotations=_annotations(0.7),
            )
            for each in self.readable
            if each.uri.variables
        ]

    @property
    def extensions(self) -> dict[str, dict[str, Any]]:
        """The extensions of the protocol in use: MCP Apps, if there is a tool whose answers the page shows.

        The page is in no list: clients read it when they call such a tool.
        """
        shown = self._app.settings.apps and any(page_meta(tool) for tool in self._catalog)
        return {_APPS: {}} if shown else {}

    def declared(self, result: dict[str, Any]) -> dict[str, Any]:
        """Declare them in 2025, too: capabilities are no closed set there, but the SDK leaves them out."""
        if not self.extensions:
            return result
        return {**result, "capabilities": {**result["capabilities"], "extensions": self.extensions}}

    async def read(self, uri: str, caller: "Caller") -> types.ReadResourceResult:
        """Return the result of ``resources/read``.

        Raises:
            MCPError: there is no such resource, or it cannot be read.

        """
        if document := self._documents.get(uri):
            contents = types.TextResourceContents(uri=uri, mime_type=document.media_type, text=document.text)
            return types.ReadResourceResult(contents=[contents])
        if uri == _LOG:
            return _uncached(uri, await self._log())
        if uri == _PAGE and self.extensions:
            return _page()
        for each in self.readable:
            if (variables := each.uri.match(uri)) is not None:
                return _uncached(uri, await self._read(each, variables, caller))
        known = [*self._documents, _LOG, *(each.uri.text for each in self.readable)]
        raise MCPError(
            types.INVALID_PARAMS,
            f"Unknown resource; the resources are {', '.join(known)}",
            {"uri": clean_line(uri, 200)},
        )

    def shows(self, uri: str) -> bool:
        """Return whether there is a resource of that URI."""
        matched = any(each.uri.match(uri) is not None for each in self.readable)
        return matched or uri == _LOG or uri in self._documents

    def may_be_read(self, uri: str, scopes: Collection[str]) -> bool:
        """Return whether these scopes allow every read behind a resource."""
        from telefonie_mcp.tools.scopes import allows, scope_of  # noqa: PLC0415 - only in hosted mode

        reads = [
            part.tool for each in self.readable if each.uri.match(uri) is not None for part in each.parts
        ]
        return all(allows(scopes, scope_of(tool)) for tool in reads)

    def may_change(self, uri: str) -> bool:
        """Return whether a tool of this server can change the resource."""
        writers = [tool for tool in self._app.catalog if not tool.read_only]
        return bool(writers) and (
            uri == _LOG
            or any(
                each.affected_by(tool, tool.input_schema["properties"])
                for each in self.readable
                if each.uri.match(uri) is not None
                for tool in writers
            )
        )

    @property
    def any_may_change(self) -> bool:
        """Whether any resource can change: with a tool that writes, the log can."""
        return self.may_change(_LOG)

    def changed_by(self, tool: Tool, values: Mapping[str, Any], state: "State") -> list[str]:
        """Return the URIs, in every spelling, that a write with this outcome may have changed."""
        from telefonie_mcp.ledger.records import VOID  # noqa: PLC0415 - only after a write

        if state in VOID:
            return [_LOG]
        return [_LOG, *(uri for spellings in affected_uris(self.readable, tool, values) for uri in spellings)]

    def _name(self, name: str) -> str:
        """Return a name that no tool has, because some clients turn each resource into a tool."""
        return f"{name}-resource" if name in self._app.catalog.everything else name

    async def _read(self, readable: ReadableResource, variables: Mapping[str, str], caller: "Caller") -> str:
        from telefonie_mcp.resources.reading import Reading  # noqa: PLC0415 - no list needs it

        try:
            return await Reading(self._app.pipeline, caller).text(readable, variables)
        except ToolError as error:
            missing = error.code in {"not_found", "invalid_arguments"}
            code = types.INVALID_PARAMS if missing else types.INTERNAL_ERROR
            raise MCPError(code, f"{error.message} {error.hint}", error.as_dict()) from error

    async def _log(self) -> str:
        try:
            redactor = self._app.client.redactor  # an earlier version may have recorded more
            entries = [redactor.json(clean(entry.as_dict())) for entry in await self._app.recent_writes()]
        except LedgerError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from error
        return compact({"entries": entries})


def _used(documents: Iterable[Document], catalog: Catalog) -> list[Document]:
    """Return the documents of which a tool is enabled."""
    used = {tool.document.id for tool in catalog}
    return [document for document in documents if document.id in used]


def page_meta(tool: Tool) -> dict[str, Any] | None:
    """Return the ``_meta`` that names the page (MCP Apps) for the answers of ``tool``, if there is one."""
    shown = tool.document.toolset == "numbers" and tool.operation.id in _SHOWN_ON_PAGE
    return {"ui": {"resourceUri": _PAGE}} if shown else None


def _page() -> types.ReadResourceResult:
    from telefonie_mcp.server.app_page import page  # noqa: PLC0415 - few clients show it

    contents = types.TextResourceContents(
        uri=_PAGE,
        mime_type=_PAGE_MIME_TYPE,
        text=page(),
        _meta={"ui": {"csp": {}, "prefersBorder": True}},
    )
    return types.ReadResourceResult(contents=[contents])


def _uncached(uri: str, text: str) -> types.ReadResourceResult:
    """Return a JSON resource that clients must not cache or share."""
    contents = types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)
    return types.ReadResourceResult(contents=[contents], ttl_ms=0, cache_scope="private")


def _annotations(priority: float) -> types.Annotations:
    return types.Annotations(audience=["user", "assistant"], priority=priority)
