"""The reads that their hints expose as resources, and the resources that a write affects; pure.

A read that is switched off is not a resource. Several reads can share a URI: the resource is then one object
that has the response of each under a member of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from telefonie_mcp.openapi.hints import ResourceHint
from telefonie_mcp.resources.uris import Template
from telefonie_mcp.tools.catalog import Catalog, Tool

__all__ = ["ReadableResource", "ResourceRead", "affected_uris", "readable_resources"]

_DEFAULT_PAGE_SIZE: Final = 100
"""Page size where the document sets no maximum."""


class ResourceRead(NamedTuple):
    """One read behind a resource."""

    tool: Tool
    hint: ResourceHint

    @property
    def page_size(self) -> int:
        """How many items to request per page: as many as the document allows."""
        size = self.hint.pages.size if self.hint.pages else ""
        return self.tool.input_schema["properties"].get(size, {}).get("maximum", _DEFAULT_PAGE_SIZE)


class ReadableResource(NamedTuple):
    """A resource, or a resource template if its URI has variables."""

    uri: Template
    parts: tuple[ResourceRead, ...]

    @property
    def hint(self) -> ResourceHint:
        """The hint of the first read; its name, title and description are the resource's."""
        return self.parts[0].hint

    def affected_by(self, tool: Tool, arguments: Iterable[str]) -> bool:
        """Return whether a write with these arguments may change the resource.

        A write may change the resource that its arguments name, and every collection of the same document.
        """
        related = not tool.read_only and any(part.tool.document is tool.document for part in self.parts)
        named = bool(self.uri.variables) and set(self.uri.variables) <= set(arguments)
        return related and (named or any(part.hint.pages for part in self.parts))


def readable_resources(catalog: Catalog) -> tuple[ReadableResource, ...]:
    """Return the resources of a catalog, in the order of its tools."""
    parts: dict[str, list[ResourceRead]] = {}
    for tool in catalog:
        if hint := tool.hints.resource:
            parts.setdefault(hint.uri, []).append(ResourceRead(tool, hint))
    return tuple(ReadableResource(Template(uri), tuple(found)) for uri, found in parts.items())


def affected_uris(
    readables: Iterable[ReadableResource], tool: Tool, values: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """Return the URIs of the resources that a write may have changed, in all spellings of each."""
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return [each.uri.spellings(texts) for each in readables if each.affected_by(tool, texts)]
