import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.documents import load_documents, parse_document
from telefonie_mcp.tools.derivation import build_catalog

SEED = Path(__file__).parents[2] / "telefonie_mcp/openapi/data/telefonie-numbers-openapi.yml"


def minimal(**operation: Any) -> dict[str, Any]:
    """Return a document with one operation, GET /things."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "servers": [{"url": "https://api.example.com/"}],
        "paths": {"/things": {"get": {"responses": {"200": {"description": "Things"}}, **operation}}},
    }


def parse(document: Any) -> Any:
    return parse_document(json.dumps(document).encode(), name="things.json")


def test_the_packaged_document_is_the_published_one_and_yields_six_operations() -> None:
    (document,) = load_documents()
    assert document.source == SEED.read_bytes()
    assert document.id == "telefonie-numbers"
    assert [operation.id for operation in document.operations] == [
        "searchAvailableNumbers",
        "listOwnedNumbers",
        "purchaseNumber",
        "getOwnedNumber",
        "updateOwnedNumber",
        "releaseNumber",
    ]


def test_a_minimal_document() -> None:
    document = parse(minimal())
    (operation,) = document.operations
    assert (operation.id, operation.server, operation.credential) == (
        "get_things",
        "https://api.example.com",
        None,
    )
    assert (document.id, document.version, document.media_type) == ("things", "1", "application/json")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "its root is not an object"),
        (b"[]", "its root is not an object"),
        (b"{", "neither YAML nor JSON"),
        (b"a: [", "neither YAML nor JSON"),
        (b"\xff\xfe\x00", "neither YAML nor JSON"),
        (b"openapi: 2.0.0", "only OpenAPI 3.0 and 3.1"),
        (b"swagger: '2.0'", "only OpenAPI 3.0 and 3.1"),
        (b"openapi: 3.1.0", "no paths"),
        (b"openapi: 3.1.0\npaths: {}", "no paths"),
        (
            b"openapi: 3.1.0\npaths: {/a: {get: {responses: []}}}",
            "needs a server|declares no success|structure",
        ),
        (b"a" * (16 * 1024 * 1024 + 1), "larger than 16 MiB"),
    ],
)
def test_what_is_no_document(source: bytes, words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        parse_document(source, name="bad.yml")
    assert str(caught.value).startswith("bad.yml: ")


UNSUPPORTED: list[tuple[dict[str, Any], str]] = [
    ({"responses": {"404": {"description": "No"}}}, "declares no success response"),
    ({"responses": {"200": {"description": "", "content": {"image/png": {}}}}}, "must be JSON or text"),
    (
        {"requestBody": {"content": {"multipart/form-data": {}}}},
        "must be JSON or a form.*multipart/form-data",
    ),
    (
        {"parameters": [{"name": "a", "in": "query", "style": "matrix"}]},
        "'a': style 'matrix' is not supported",
    ),
    ({"parameters": [{"name": "a", "in": "header", "style": "form"}]}, "style 'form' is not supported"),
    (
        {"parameters": [{"name": "a", "in": "query", "content": {"text/csv": {}}}]},
        "only application/json",
    ),
    ({"parameters": [{"name": "a", "in": "path", "required": True}]}, "differ in a"),
    ({"servers": [{"url": "/relative"}]}, "absolute http"),
    ({"security": [{"Unknown": []}]}, "none of its security requirements"),
    ({"security": [{"A": [], "B": []}]}, "none of its security requirements"),
    ({"x-telefonie-hints": {"destructiv": True}}, "destructiv: Extra inputs"),
    ({"x-telefonie-hints": {"settle": {"operation": "x", "done": "present"}}}, "need a subject"),
    ({"x-telefonie-hints": {"replaced": "old"}}, "replaced needs a settle"),
    ({"parameters": [{"$ref": "#/components/parameters/None"}]}, "has no target"),
]


@pytest.mark.parametrize(("operation", "words"), UNSUPPORTED)
def test_what_cannot_become_a_tool_is_refused_with_its_place(operation: dict[str, Any], words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        parse(minimal(**operation))
    assert "things.json" in str(caught.value)


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ({"arguments": {"b": {}}}, "b is no argument of get_things"),
        ({"subject": "b"}, "b is no argument"),
        ({"arguments": {"a": {"format": "phone"}}}, "unknown format phone"),
        ({"subject": "a", "preview": {"operation": "other"}}, "other is no GET operation"),
        (
            {"subject": "a", "preview": {"operation": "get_things", "arguments": {"a": "z"}}},
            "cannot derive 'z'",
        ),
        (
            {"subject": "a", "preview": {"operation": "get_things", "arguments": {"a": "a|z"}}},
            "cannot derive 'a|z'",
        ),
    ],
)
def test_hints_that_would_fail_later_stop_the_start(hints: dict[str, Any], words: str) -> None:
    parameters = [{"name": "a", "in": "query"}]
    document = parse(minimal(parameters=parameters, **{"x-telefonie-hints": hints}))
    with pytest.raises(DocumentError) as caught:
        build_catalog([document])
    assert words in str(caught.value)


def test_a_newer_document_of_the_same_title_replaces_the_packaged_one_and_keeps_its_hints(
    tmp_path: Path,
) -> None:
    newer = yaml.safe_load(SEED.read_text())
    newer["info"]["version"] = "v2"
    del newer["paths"]["/owned/{phone_number}"]["post"]
    path = tmp_path / "newer.json"
    path.write_text(json.dumps(newer, default=str))
    (document,) = load_documents([path])
    catalog = build_catalog([document])
    assert (document.id, document.version, document.packaged) == ("telefonie-numbers", "v2", True)
    assert "update_owned_number" not in catalog.tools
    assert catalog["purchase_number"].hints.confirm


@pytest.mark.parametrize(
    ("titles", "words"), [(("A", "A"), "is also titled 'A'"), (("A b", "a-B"), "shorten to 'a-b'")]
)
def test_documents_that_cannot_be_told_apart(tmp_path: Path, titles: tuple[str, str], words: str) -> None:
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    for path, title in zip(paths, titles, strict=True):
        path.write_text(json.dumps({**minimal(), "info": {"title": title}}))
    with pytest.raises(DocumentError, match=words):
        load_documents(paths)


def test_two_operations_of_one_name() -> None:
    with pytest.raises(DocumentError, match="would both be the tool 'get_things'"):
        build_catalog([parse(minimal()), parse({**minimal(), "info": {"title": "Other"}})])


def test_a_file_that_cannot_be_read_is_named_without_its_directory(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        load_documents([tmp_path / "missing.yml"])
    assert str(caught.value) == "missing.yml: cannot be read (No such file or directory)"


def test_alternatives_of_security_and_servers() -> None:
    document = minimal(
        security=[{"Both": [], "More": []}, {"Bearer": []}], servers=[{"url": "http://localhost:1/"}]
    )
    document["components"] = {"securitySchemes": {"Bearer": {"type": "http", "scheme": "Bearer"}}}
    (operation,) = parse(document).operations
    assert operation.server == "http://localhost:1"
    assert operation.credential.prefix == "Bearer "
    (operation,) = parse(minimal(security=[{}, {"Unknown": []}])).operations
    assert operation.credential is None


def test_a_path_parameter_is_required_whatever_the_document_says() -> None:
    document = minimal()
    item = document["paths"].pop("/things")
    item["get"]["parameters"] = [{"name": "id", "in": "path", "schema": {"type": "string"}}]
    document["paths"]["/things/{id}"] = item
    (operation,) = parse(document).operations
    assert operation.parameters[0].required
