from typing import Any

import pytest

from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.hints import ResourceHint
from telefonie_mcp.resources.exposed import affected_uris, readable_resources
from telefonie_mcp.tools.catalog import restrict
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.tools import catalog, document, parse

NUMBER = "+14155550100"
ALL = ("telefonie://numbers",)
ONE = ("telefonie://numbers/%2B14155550100", "telefonie://numbers/+14155550100")


def test_the_reads_with_a_hint_are_resources() -> None:
    found = {each.uri.text: [part.tool.name for part in each.parts] for each in readable_resources(catalog())}
    assert found == {
        "telefonie://countries/{country_code}": ["search_available_numbers"],
        "telefonie://numbers": ["list_owned_numbers"],
        "telefonie://numbers/{phone_number}": ["get_owned_number"],
    }


def test_nothing_appears_whose_tool_is_switched_off() -> None:
    off = restrict(catalog(), read_only=False, tools=(), exclude_tools=("list_owned_numbers",))
    assert "telefonie://numbers" not in [each.uri.text for each in readable_resources(off)]


@pytest.mark.parametrize(
    ("name", "values", "uris"),
    [
        ("purchase_number", {"phone_number": NUMBER, "confirm": True}, [ALL, ONE]),
        ("update_owned_number", {"phone_number": NUMBER, "voice_url": "x"}, [ALL, ONE]),
        ("release_number", {"phone_number": NUMBER}, [ALL, ONE]),
        ("update_owned_number", {}, [ALL]),
        ("get_owned_number", {"phone_number": NUMBER}, []),
    ],
)
def test_a_write_touches_the_collection_and_what_it_names(
    name: str, values: dict[str, Any], uris: list[tuple[str, ...]]
) -> None:
    assert affected_uris(readable_resources(catalog()), catalog()[name], values) == uris


def test_a_write_of_another_document_touches_nothing() -> None:
    (other,) = build_catalog([parse(document(method="post", path="/owned"))])
    assert affected_uris(readable_resources(catalog()), other, {"phone_number": NUMBER}) == []


def resource(**changes: Any) -> dict[str, Any]:
    return {"uri": "telefonie://things", "name": "x", "title": "x", "description": "x", **changes}


def with_resource(hint: dict[str, Any], method: str = "get") -> dict[str, Any]:
    parameters = [{"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["a", "b"]}}]
    parameters += [{"name": "text", "in": "query", "schema": {"type": "string"}}]
    return document({"parameters": parameters, "x-telefonie-hints": {"resource": hint}}, method=method)


@pytest.mark.parametrize(
    "hint",
    [
        resource(uri="telefonie://things/{thing}"),
        resource(arguments={"limit": 1}),
        resource(pages={"items": "x", "key": "x", "page": "page", "size": "text"}),
    ],
)
def test_hints_that_cannot_be_read_stop_the_start(hint: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match="only with its own arguments"):
        build_catalog([parse(with_resource(hint))])


def test_a_write_is_no_resource() -> None:
    with pytest.raises(DocumentError, match="only a read can be the resource telefonie://things"):
        build_catalog([parse(with_resource(resource(), method="post"))])


@pytest.mark.parametrize(
    "uri", ["https://x", "telefonie://", "telefonie://{a}", "telefonie://a{b}", "telefonie://a/"]
)
def test_malformed_uris_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="uri"):
        ResourceHint.model_validate(resource(uri=uri))


def test_reads_that_share_a_uri_are_one_resource() -> None:
    hint = resource(uri="telefonie://kinds/{kind}")
    tree = with_resource(hint | {"member": "one"})
    tree["paths"]["/others"] = with_resource(hint | {"member": "two"})["paths"]["/things"]
    tree["paths"]["/others"]["get"]["operationId"] = "other"
    (readable,) = readable_resources(build_catalog([parse(tree)]))
    assert [part.hint.member for part in readable.parts] == ["one", "two"]
    assert [part.page_size for part in readable.parts] == [100, 100]
