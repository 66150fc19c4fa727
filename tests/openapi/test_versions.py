"""Versions of OpenAPI, and what is no document at all, are named as what they are."""

from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError, SettingsError
from telefonie_mcp.openapi.documents import parse_document
from telefonie_mcp.settings.reading import read_settings
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.tools import document, parse

REST = "info: {title: T}\nservers: [{url: 'https://a.example'}]\npaths: {/a: {get: {responses: {200: {}}}}}"


@pytest.mark.parametrize("version", ["3.0.0", "3.0.4", "3.1.0", "3.1.1", "3.1.0-rc1", "3.2.0"])
def test_every_version_of_3_0_to_3_2_is_read(version: str) -> None:
    assert parse({**document(), "openapi": version}).notes == ()


@pytest.mark.parametrize(
    ("version", "said"), [("3.1", "3.1"), ("'3.1'", "'3.1'"), ("3.0", "3.0"), ('"3.0"', "'3.0'")]
)
def test_a_version_of_two_numbers_is_read_with_a_note(version: str, said: str) -> None:
    (note,) = parse_document(f"openapi: {version}\n{REST}".encode(), name="t.yml").notes
    plain = said.strip("'")
    assert note == f"t.yml: openapi: {said} is read as {plain}.0; a version has three numbers"


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("swagger: '2.0'", "this is Swagger 2.0; convert it, for example with swagger2openapi"),
        ("swagger: 2.0", "this is Swagger 2.0; convert it, for example with swagger2openapi"),
        ("openapi: 3.3.0", "this says openapi: '3.3.0'"),
        ("openapi: 4.0.0", "this says openapi: '4.0.0'"),
        ("openapi: 3", "this says openapi: 3"),
        ("openapi: [3, 1]", "this says openapi: [3, 1]"),
        ("asyncapi: 3.0.0", "this has no openapi"),
    ],
)
def test_another_version_is_named(version: str, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(f"{version}\n{REST}".encode(), name="t.yml")
    assert str(caught.value) == f"t.yml: only OpenAPI 3.0, 3.1 and 3.2 are supported, {said}"


OK = {"responses": {"200": {"summary": "Done"}}}


def test_the_methods_of_3_2_are_read() -> None:
    others = {"COPY": OK, "link": OK, "POST": OK, "A B": OK}
    item = {"query": OK, "get": OK, "additionalOperations": others}
    parsed = parse({**document(), "openapi": "3.2.0", "paths": {"/a": item}})
    catalog = build_catalog([parsed])
    reads = {tool.operation.method: tool.read_only for tool in catalog}
    assert reads == {"GET": True, "QUERY": True, "COPY": False, "LINK": False}
    assert [each.reason for each in parsed.left_out] == [
        "'POST' is no additional method",
        "'A B' is no additional method",
    ]
    assert parsed.operations[0].success_texts == {"200": "Done"}
    older = parse({**document(), "openapi": "3.1.1", "paths": {"/a": item}})
    assert [each.method for each in older.operations] == ["GET"]


def test_references_by_the_documents_own_name_and_by_names_of_schemas_are_followed() -> None:
    schemas: dict[str, Any] = {
        "A": {"$anchor": "a", "type": "string"},
        "B": {
            "$id": "https://a.example/b",
            "type": "integer",
            "$defs": {"C": {"$anchor": "c", "maximum": 3}},
        },
    }
    wanted = {
        "#a": {"type": "string"},
        "https://a.example/b": {"type": "integer"},
        "https://a.example/b#/$defs/C": {"maximum": 3},
        "https://a.example/self#/components/schemas/A": {"type": "string"},
    }
    for reference, schema in wanted.items():
        parameter = {"name": "x", "in": "query", "schema": {"$ref": reference}}
        tree = document({"parameters": [parameter]}, components={"schemas": schemas})
        (read,) = parse({**tree, "$self": "https://a.example/self"}).operations[0].parameters
        assert read.schema == schema


@pytest.mark.parametrize(
    ("environment", "flags"),
    [
        ({"TELEFONIE_SPEC": "https://api.example.com/openapi.yml"}, {}),
        ({}, {"spec": ("mine.yml", "https://api.example.com/openapi.yml")}),
    ],
)
def test_a_url_is_no_file(environment: dict[str, str], flags: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(environment, flags)
    assert str(caught.value) == (
        "TELEFONIE_SPEC: https://api.example.com/openapi.yml is a URL; "
        "download the document, and give the path of its file"
    )
