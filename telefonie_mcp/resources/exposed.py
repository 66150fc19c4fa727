"""Which reads are resources, as their hints say, and what a write does to them; pure.

A read that is switched off is no resource. Several reads can share a URI; what is then read is one object
with the answer of each under a member of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from telefonie_mcp.openapi.hints import Exposed
from telefonie_mcp.resources.uris import Template
from telefonie_mcp.tools.catalog import Catalog, Tool

__all__ = ["Part", "Readable", "exposed", "touched"]

_PAGE: Final = 100
"""Items of a page, where the API names no limit."""


@dataclass(frozen=True)
class Part:
    """One read behind a resource."""

    tool: Tool
    hint: Exposed

    @property
    def page_size(self) -> int:
        """How many items to ask for at once, where there are pages: as many as the API allows."""
        size = self.hint.pages.size if self.hint.pages else ""
        return self.tool.input_schema["properties"].get(size, {}).get("maximum", _PAGE)


@dataclass(frozen=True)
class Readable:
    """A resource, or a template of resources."""

    uri: Template
    parts: tuple[Part, ...]

    @property
    def hint(self) -> Exposed:
        """What the first read's hints say about it."""
        return self.parts[0].hint

    def affected_by(self, tool: Tool, arguments: Iterable[str]) -> bool:
        """Whether a write with these arguments may change it.

        That is so for what the arguments name, and for a whole collection, of the same document.
        """
        related = not tool.read_only and any(part.tool.document is tool.document for part in self.parts)
        named = bool(self.uri.variables) and set(self.uri.variables) <= set(arguments)
        return related and (named or any(part.hint.pages for part in self.parts))


def exposed(catalog: Catalog) -> tuple[Readable, ...]:
    """Return what can be read, in the order of the tools."""
    parts: dict[str, list[Part]] = {}
    for tool in catalog:
        if hint := tool.hints.resource:
            parts.setdefault(hint.uri, []).append(Part(tool, hint))
    return tuple(Readable(Template(uri), tuple(found)) for uri, found in parts.items())


def touched(readables: Iterable[Readable], tool: Tool, values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the resources that a write may have changed, each in all the spellings of its URI."""
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return [each.uri.spellings(texts) for each in readables if each.affected_by(tool, texts)]
