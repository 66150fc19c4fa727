"""The tools of the packaged document, and of small strange ones, for tests of pure functions."""

import json
from functools import cache
from typing import Any

from telefonie_mcp.openapi.documents import Document, load_documents, parse_document
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.derivation import build_catalog
from telefonie_mcp.tools.schema_checks import check_schemas


@cache
def catalog() -> Catalog:
    return build_catalog(load_documents())


def violations(answer: dict[str, Any]) -> dict[str, str]:
    """Return field → problem of a refusal: of several from `errors`, of one from its message."""
    if "errors" in answer:
        assert len(answer["errors"]) > 1
        return {error["field"]: error["problem"] for error in answer["errors"]}
    field = answer["field"]
    assert answer["message"].startswith(f"Nothing was done: {field} ")
    return {field: answer["message"].removeprefix(f"Nothing was done: {field} ")}


def tool(name: str) -> Tool:
    return catalog()[name]


def document(
    operation: dict[str, Any] | None = None, *, method: str = "get", path: str = "/things", **root: Any
) -> dict[str, Any]:
    """Return a document with one operation."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "servers": [{"url": "https://api.example.com/"}],
        "paths": {path: {method: {"responses": {"200": {"description": "Things"}}, **(operation or {})}}},
        **root,
    }


def parse(tree: Any) -> Document:
    return parse_document(json.dumps(tree).encode(), name="things.json")


def strange(operation: dict[str, Any] | None = None, **options: Any) -> Tool:
    """Return the tool of a document with one operation."""
    (only,) = check_schemas(build_catalog([parse(document(operation, **options))]))
    return only


def catalog_of(**operations: dict[str, Any]) -> Catalog:
    """Return the tools of a document with one path, by method."""
    responses = {"200": {"description": "Things"}}
    paths = {"/things": {method: {"responses": responses, **each} for method, each in operations.items()}}
    return build_catalog([parse({**document(), "paths": paths})])


def answering(schema: dict[str, Any]) -> Tool:
    """Return a tool whose success answers follow `schema`."""
    media = {"application/json": {"schema": schema}}
    return strange({"responses": {"200": {"description": "Things", "content": media}}})


def taking(schema: dict[str, Any], location: str = "query", **options: Any) -> Tool:
    """Return a tool with one parameter called `x`."""
    parameter = {"name": "x", "in": location, "schema": schema, **options}
    return strange({"parameters": [parameter]}, path="/things/{x}" if location == "path" else "/things")
