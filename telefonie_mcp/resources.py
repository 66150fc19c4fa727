"""The resources: the documents that the tools are derived from, and the recent writes."""

import json
from typing import Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from telefonie_mcp.app import App
from telefonie_mcp.ledger.records import LedgerError
from telefonie_mcp.tools.presentation import clean

__all__ = ["Resources"]

_DOCUMENTS: Final = "telefonie://openapi/"
_LOG: Final = types.Resource(
    uri="telefonie://log",
    name="log",
    title="Recent writes",
    description="What was bought, changed and released through this server, newest first.",
    mime_type="application/json",
)


class Resources:
    """What ``app`` offers to read."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._documents = {f"{_DOCUMENTS}{document.id}": document for document in app.documents}

    def list(self) -> list[types.Resource]:
        """Return the documents and the log."""
        documents = [
            types.Resource(
                uri=uri,
                name=document.id,
                title=f"{document.title} {document.version}".strip(),
                description="The OpenAPI document that the tools are derived from.",
                mime_type=document.media_type,
                size=len(document.source),
            )
            for uri, document in self._documents.items()
        ]
        return [*documents, _LOG]

    async def read(self, uri: str) -> types.ReadResourceResult:
        """Return the contents of one resource.

        Raises:
            MCPError: there is no such resource, or the ledger cannot be read.

        """
        if uri == _LOG.uri:
            return await self._log()
        if document := self._documents.get(uri):
            text = types.TextResourceContents(uri=uri, mime_type=document.media_type, text=document.text)
            return types.ReadResourceResult(contents=[text])
        known = ", ".join([*self._documents, _LOG.uri])
        raise MCPError(
            types.INVALID_PARAMS, f"Unknown resource; the resources are {known}", {"uri": uri[:200]}
        )

    async def _log(self) -> types.ReadResourceResult:
        try:
            entries = [clean(entry.as_dict()) for entry in await self._app.recent_writes()]
        except LedgerError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from error
        text = json.dumps({"entries": entries}, ensure_ascii=False, separators=(",", ":"))
        contents = types.TextResourceContents(uri=_LOG.uri, mime_type=_LOG.mime_type, text=text)
        return types.ReadResourceResult(contents=[contents], ttl_ms=0, cache_scope="private")
