"""The resources as clients see them: what was read of the API, the documents, and the recent writes."""

from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import Caller
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.records import VOID, LedgerError, State
from telefonie_mcp.resources.exposed import Readable, exposed, touched
from telefonie_mcp.text import clean, compact
from telefonie_mcp.tools.catalog import Tool

__all__ = ["Resources"]

_DOCUMENTS: Final = "telefonie://openapi/"
_LOG: Final = "telefonie://log"
_JSON: Final = "application/json"


class Resources:
    """What ``app`` offers to read.

    Attributes:
        readable: What is read of the API, as resources and templates.

    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._documents = {f"{_DOCUMENTS}{document.id}": document for document in app.documents}
        self.readable = exposed(app.catalog)

    def listed(self) -> list[types.Resource]:
        """Return what has a URI of its own."""
        collections = [
            types.Resource(
                uri=each.uri.text,
                name=self._name(each.hint.name),
                title=each.hint.title,
                description=each.hint.description,
                mime_type=_JSON,
                annotations=_for_all(0.9),
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
            annotations=_for_all(0.6),
        )
        return [*collections, *documents, log]

    def templates(self) -> list[types.ResourceTemplate]:
        """Return what has variables in its URI."""
        return [
            types.ResourceTemplate(
                uri_template=each.uri.text,
                name=self._name(each.hint.name),
                title=each.hint.title,
                description=each.hint.description,
                mime_type=_JSON,
                annotations=_for_all(0.7),
            )
            for each in self.readable
            if each.uri.variables
        ]

    async def read(self, uri: str, caller: Caller) -> types.ReadResourceResult:
        """Return the contents of one resource.

        Raises:
            MCPError: there is no such resource, or it cannot be read now.

        """
        if document := self._documents.get(uri):
            contents = types.TextResourceContents(uri=uri, mime_type=document.media_type, text=document.text)
            return types.ReadResourceResult(contents=[contents])
        if uri == _LOG:
            return _fresh(uri, await self._log())
        for each in self.readable:
            if (variables := each.uri.match(uri)) is not None:
                return _fresh(uri, await self._read(each, variables, caller))
        known = [*self._documents, _LOG, *(each.uri.text for each in self.readable)]
        raise MCPError(
            types.INVALID_PARAMS,
            f"Unknown resource; the resources are {', '.join(known)}",
            {"uri": uri[:200]},
        )

    def may_change(self, uri: str) -> bool:
        """Whether a tool of this server can change the resource."""
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
    def ever_change(self) -> bool:
        """Whether there is anything to follow: the log grows with every write."""
        return self.may_change(_LOG)

    def changed_by(self, tool: Tool, values: Mapping[str, Any], state: State) -> list[str]:
        """Return the URIs, in every spelling, of what a write with this outcome may have changed."""
        if state in VOID:
            return [_LOG]
        return [_LOG, *(uri for spellings in touched(self.readable, tool, values) for uri in spellings)]

    def _name(self, name: str) -> str:
        """Return a name that is no tool's: some clients make a tool of every resource."""
        return f"{name}-resource" if name in self._app.catalog.everything else name

    async def _read(self, readable: Readable, variables: Mapping[str, str], caller: Caller) -> str:
        from telefonie_mcp.resources.reading import Reading  # noqa: PLC0415 - no list needs it

        try:
            return await Reading(self._app.pipeline, caller).text(readable, variables)
        except ToolError as error:
            missing = error.code in {"not_found", "invalid_arguments"}
            code = types.INVALID_PARAMS if missing else types.INTERNAL_ERROR
            raise MCPError(code, error.message, error.as_dict()) from error

    async def _log(self) -> str:
        try:
            entries = [clean(entry.as_dict()) for entry in await self._app.recent_writes()]
        except LedgerError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from error
        return compact({"entries": entries})


def _fresh(uri: str, text: str) -> types.ReadResourceResult:
    """Return JSON that is true now, and only for this caller."""
    contents = types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)
    return types.ReadResourceResult(contents=[contents], ttl_ms=0, cache_scope="private")


def _for_all(priority: float) -> types.Annotations:
    return types.Annotations(audience=["user", "assistant"], priority=priority)
