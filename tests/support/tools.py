"""The tools of the packaged document, for tests of pure functions."""

from functools import cache

from telefonie_mcp.openapi.documents import load_documents
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.derivation import build_catalog


@cache
def catalog() -> Catalog:
    return build_catalog(load_documents())


def tool(name: str) -> Tool:
    return catalog()[name]
