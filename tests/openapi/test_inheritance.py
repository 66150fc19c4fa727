"""A schema with a discriminator is the union of its children: their members are arguments."""

import json
from typing import Any

import pytest

from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Tool
from telefonie_mcp.tools.derivation import build_catalog
from telefonie_mcp.upstream.serialization import build_request
from tests.support.tools import document, parse, strange


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def child(parent: str, **properties: Any) -> dict[str, Any]:
    required = [name for name, member in properties.items() if member.pop("needed", False)]
    own = {"type": "object", "required": required, "properties": properties}
    return {"allOf": [ref(parent), own]}


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


PARENT: dict[str, Any] = {
    **object_of(kind={"type": "string", "description": "What is sent"}, to={"type": "string"}),
    "required": ["kind", "to"],
    "discriminator": {
        "propertyName": "kind",
        "mapping": {"sms": "#/components/schemas/Sms", "mms": "Mms", "text": "#/components/schemas/Sms"},
    },
}
SCHEMAS: dict[str, Any] = {
    "Message": PARENT,
    "Sms": child("Message", text={"type": "string", "needed": True}),
    "Mms": child("Message", media={"type": "string"}, size={"type": "integer"}),
    "Choice": {
        "oneOf": [ref("Card"), ref("Bank")],
        "discriminator": {"propertyName": "by", "mapping": {"card": ref("Card")["$ref"], "bank": "Bank"}},
    },
    "Card": {**object_of(by={"type": "string"}, pan={"type": "string"}), "required": ["by", "pan"]},
    "Bank": {**object_of(by={"type": "string"}, iban={"type": "string"}), "required": ["by", "iban"]},
    "Order": object_of(message=ref("Message"), many={"type": "array", "items": ref("Choice")}),
}
UNION: dict[str, Any] = {
    "kind": {
        "type": "string",
        "enum": ["sms", "text", "mms"],
        "description": "What is sent. With sms or text: text (required); mms: media, size.",
    },
    "to": {"type": "string"},
    "text": {"type": "string"},
    "media": {"type": "string"},
    "size": {"type": "integer"},
}


def taking(schema: Any, schemas: dict[str, Any] = SCHEMAS) -> Tool:
    content = {"application/json": {"schema": schema}}
    body = {"required": True, "content": content}
    return strange({"requestBody": body}, method="post", components={"schemas": schemas})


def arguments_of(tool: Tool) -> dict[str, Any]:
    return {name: member for name, member in tool.input_schema["properties"].items() if name != "confirm"}


def test_the_members_of_all_children_are_arguments_and_the_discriminator_an_enum() -> None:
    tool = taking(ref("Message"))
    assert arguments_of(tool) == UNION
    assert tool.input_schema["required"] == ["kind", "to", "confirm"]
    values, _ = read_arguments(tool, {"kind": "sms", "to": "a", "text": "b", "confirm": True})
    sent = build_request(tool.operation, tool.bindings, values)
    assert json.loads(sent.content or b"") == {"kind": "sms", "to": "a", "text": "b"}


def test_it_is_the_same_in_nested_objects() -> None:
    arguments = arguments_of(taking(ref("Order")))
    assert arguments["message"]["properties"] == UNION
    assert arguments["message"]["required"] == ["kind", "to"]
    assert arguments["many"]["items"]["properties"].keys() == {"by", "pan", "iban"}


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_it_is_the_same_for_alternatives(keyword: str) -> None:
    choice = {keyword: SCHEMAS["Choice"]["oneOf"], "discriminator": SCHEMAS["Choice"]["discriminator"]}
    tool = taking(choice)
    assert arguments_of(tool) == {
        "by": {
            "type": "string",
            "enum": ["card", "bank"],
            "description": "With card: pan (required); bank: iban (required).",
        },
        "pan": {"type": "string"},
        "iban": {"type": "string"},
    }
    assert tool.input_schema["required"] == ["by", "confirm"]


def test_a_child_on_its_own_stays_a_child() -> None:
    tool = taking(ref("Sms"))
    assert arguments_of(tool).keys() == {"kind", "to", "text"}
    assert "enum" not in arguments_of(tool)["kind"]
    assert tool.input_schema["required"] == ["kind", "to", "text", "confirm"]


def test_children_of_children_and_parents_inside_them_are_followed_once() -> None:
    schemas = {
        "Animal": {
            **object_of(type={"type": "string"}),
            "discriminator": {"propertyName": "type", "mapping": {"cat": "Cat", "dog": "Dog"}},
        },
        "Cat": child("Animal", prey=ref("Animal")),
        "Dog": {
            **child("Animal", owner={"type": "string"}, breed={"type": "string"}),
            "discriminator": {"propertyName": "breed", "mapping": {"pug": "Pug"}},
        },
        "Pug": child("Dog", snore={"type": "boolean"}),
    }
    arguments = arguments_of(taking(ref("Animal"), schemas))
    assert arguments.keys() == {"type", "prey", "owner", "breed", "snore"}
    assert arguments["prey"] == {"type": "object"}
    assert arguments["breed"]["enum"] == ["pug"]


def test_without_a_mapping_the_children_are_those_that_inherit() -> None:
    schemas = {**SCHEMAS, "Message": {**PARENT, "discriminator": {"propertyName": "kind"}}}
    arguments = arguments_of(taking(ref("Message"), schemas))
    assert arguments.keys() == UNION.keys()
    assert "enum" not in arguments["kind"]


def test_a_parent_may_list_its_children_itself() -> None:
    children = {"oneOf": [ref("Sms"), ref("Mms")]}
    schemas = {**SCHEMAS, "Message": {**PARENT, **children}}
    assert arguments_of(taking(ref("Message"), schemas)) == UNION
    assert arguments_of(taking(ref("Sms"), schemas)).keys() == {"kind", "to", "text"}


def test_a_choice_may_be_a_part() -> None:
    tool = taking({"allOf": [object_of(id={"type": "string"}), ref("Choice")]})
    assert arguments_of(tool).keys() == {"id", "by", "pan", "iban"}
    assert arguments_of(tool)["by"]["enum"] == ["card", "bank"]


def test_members_that_differ_between_children_are_alternatives() -> None:
    schemas = {
        "P": {"discriminator": {"propertyName": "k", "mapping": {"a": "A", "b": "B"}}, "type": "object"},
        "A": {
            **object_of(k={"enum": ["a"]}, v={"type": "string"}, w={"enum": [1, 2]}),
            "additionalProperties": False,
        },
        "B": {
            **object_of(k={"enum": ["b"]}, v={"type": "integer"}, w={"enum": [2, 3]}),
            "additionalProperties": False,
        },
    }
    arguments = arguments_of(taking(ref("P"), schemas))
    assert arguments["k"]["enum"] == ["a", "b"]
    assert arguments["v"] == {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    assert arguments["w"] == {"enum": [1, 2, 3]}


def test_alternatives_that_are_no_objects_stay_alternatives() -> None:
    schema = {"oneOf": [{"type": "string"}, ref("Card")], "discriminator": {"propertyName": "by"}}
    assert arguments_of(taking(schema))["body"]["anyOf"][0] == {"type": "string"}


def test_a_value_without_a_schema_is_noted() -> None:
    discriminator = {"propertyName": "kind", "mapping": {"sms": ref("Sms")["$ref"], "fax": "fax.yml"}}
    schemas = {**SCHEMAS, "Message": {**PARENT, "discriminator": discriminator}}
    content = {"application/json": {"schema": ref("Message")}}
    tree = document({"requestBody": {"content": content}}, method="post", components={"schemas": schemas})
    catalog = build_catalog([parse(tree)])
    assert catalog.notes == (
        "things.json: POST /things: discriminator: 'fax' has no schema, but \"fax.yml\"",
    )
    assert arguments_of(catalog["post_things"])["kind"]["enum"] == ["sms"]


def test_an_answer_may_have_the_members_of_every_child() -> None:
    content = {"application/json": {"schema": ref("Message")}}
    responses = {"200": {"description": "x", "content": content}}
    answer = strange({"responses": responses}, components={"schemas": SCHEMAS}).answer_schema
    assert answer["properties"].keys() == UNION.keys()
    assert "enum" not in answer["properties"]["kind"]
