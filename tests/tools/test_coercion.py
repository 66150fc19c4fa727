"""Arguments as clients send them, JSON text or numbers for digits, are converted once, before any rule."""

import json
from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.errors import ToolError
from telefonie_mcp.tools.arguments import read_arguments
from telefonie_mcp.tools.catalog import Tool
from tests.support.documents import documented
from tests.support.faulty import NUMBER, faulty
from tests.support.served import called, served
from tests.support.tools import strange, taking, tool
from tests.support.wire import answer_of

INTEGERS = {"type": "array", "items": {"type": "integer"}}
TARGET = {"type": "object", "properties": {"port": {"type": "integer"}, "host": {"type": "string"}}}
DIGITS = {"type": "string", "pattern": "^[0-9]{1,8}$"}
BY_PORT = {"type": "object", "properties": {"kind": {"enum": ["port"]}, "to": {"type": "integer"}}}
BY_NAME = {"type": "object", "properties": {"kind": {"enum": ["name"]}, "to": DIGITS}}


def read(called: Tool, value: Any) -> Any:
    return read_arguments(called, {"x": value})[0]["x"]


def refuses(called: Tool, value: Any) -> bool:
    with pytest.raises(ToolError) as caught:
        read_arguments(called, {"x": value})
    return caught.value.code == "invalid_arguments"


@pytest.mark.parametrize(
    ("schema", "given", "taken"),
    [
        ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, "-5", -5),
        ({"type": "number"}, "5", 5),
        ({"type": "number"}, "1.15", 1.15),
        ({"type": "number"}, "1e2", 100.0),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "false", False),
        (INTEGERS, "[1, 2]", [1, 2]),
        (INTEGERS, ' ["1", 2]\n', [1, 2]),
        (INTEGERS, ["1", 2], [1, 2]),
        (TARGET, '{"port": "5060", "host": "5"}', {"port": 5060, "host": "5"}),
        (TARGET, {"port": "5060", "host": "5"}, {"port": 5060, "host": "5"}),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, {"a": "true"}, {"a": True}),
        ({"properties": {"a": {}}}, '{"a": "1"}', {"a": "1"}),
        ({"type": ["integer", "boolean"]}, "7", 7),
        ({"type": ["integer", "null"]}, "7", 7),
        ({"enum": [1, 2]}, "2", 2),
        ({"anyOf": [{"type": "integer"}, INTEGERS]}, "[3]", [3]),
        ({"anyOf": [TARGET, {"type": "null"}]}, {"port": "5060", "host": "5"}, {"port": 5060, "host": "5"}),
        ({"anyOf": [TARGET, {"type": "null"}]}, '{"port": "5060"}', {"port": 5060}),
        ({"anyOf": [{"type": "string"}, INTEGERS]}, ["1", 2], [1, 2]),
        ({"anyOf": [BY_PORT, BY_NAME]}, {"kind": "port", "to": "5060"}, {"kind": "port", "to": 5060}),
        ({"anyOf": [BY_PORT, BY_NAME]}, {"kind": "name", "to": "5060"}, {"kind": "name", "to": "5060"}),
        ({"anyOf": [BY_PORT, BY_NAME]}, {"kind": "name", "to": 415}, {"kind": "name", "to": "415"}),
        (
            {"type": "array", "items": {"anyOf": [BY_PORT, BY_NAME]}},
            [{"kind": "port", "to": "1"}],
            [{"kind": "port", "to": 1}],
        ),
        ({"type": "array", "prefixItems": [{"type": "integer"}, DIGITS]}, ["1", 2, "3"], [1, "2", "3"]),
        (
            {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
            ["1", "2"],
            ["1", 2],
        ),
        (
            {"type": "object", "patternProperties": {"^n": {"type": "integer"}}},
            {"na": "1", "a": "1"},
            {"na": 1, "a": "1"},
        ),
        (
            {"allOf": [TARGET, {"properties": {"on": {"type": "boolean"}}}]},
            {"port": "1", "on": "true"},
            {"port": 1, "on": True},
        ),
        (DIGITS, 415, "415"),
        ({"type": "array", "items": DIGITS}, [415, "212"], ["415", "212"]),
        ({"type": "string", "enum": ["415", "212"]}, 415, "415"),
        ({"type": "string", "pattern": "^(([0-9])+)+$"}, 10**31, str(10**31)),
    ],
)
def test_what_parses_to_exactly_what_is_wanted_is_taken(schema: Any, given: Any, taken: Any) -> None:
    value = read(taking(schema, style="deepObject"), given)
    assert json.dumps(value) == json.dumps(taken)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, "5.5"),
        ({"type": "integer"}, "5.0"),
        ({"type": "integer"}, "05"),
        ({"type": "integer"}, " 5"),
        ({"type": "integer"}, "+5"),
        ({"type": "integer"}, ""),
        ({"type": "integer"}, "true"),
        ({"type": "integer"}, '"5"'),
        ({"type": "integer"}, "[5]"),
        ({"type": "integer"}, "9" * 5000),
        ({"type": "number"}, "NaN"),
        ({"type": "number"}, "1e999"),
        ({"type": "boolean"}, "True"),
        ({"type": "boolean"}, "yes"),
        ({"type": "boolean"}, "1"),
        ({"type": "boolean"}, 1),
        ({"type": "integer"}, "null"),
        (INTEGERS, "1,2"),
        (INTEGERS, '{"a": 1}'),
        (INTEGERS, "[1"),
        (INTEGERS, "[" * 100_000),
        (INTEGERS, f"[{'1,' * 30_000}1]"),
        (TARGET, "[]"),
        (TARGET, '{"port": "x"}'),
        ({"type": "string"}, 5),
        ({"type": "string", "pattern": "^[A-Z0-9]+$"}, 415),
        ({"type": "string", "pattern": "^[0-9a-f]{3}$"}, 415),
        ({"type": "string", "pattern": "^[+0-9]+$"}, 415),
        ({"type": "string", "pattern": "415"}, 415),
        (DIGITS, 4.15),
        (DIGITS, True),
        (DIGITS, -415),
        pytest.param(DIGITS, 10**5000, id="more digits than are written"),
    ],
)
def test_what_does_not_is_refused_as_ever(schema: Any, value: Any) -> None:
    assert refuses(taking(schema, style="deepObject"), value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "5"),
        ({"type": ["string", "integer"]}, "5"),
        ({"type": ["string", "integer"]}, 5),
        ({}, "[1]"),
        ({}, 5),
        ({"enum": ["true", True]}, "true"),
        ({"anyOf": [{"type": "string"}, INTEGERS]}, "[1]"),
        ({"anyOf": [{"type": "integer"}, {}]}, "5"),
    ],
)
def test_a_string_that_is_allowed_stays_one(schema: Any, value: Any) -> None:
    assert read(taking(schema), value) == value
    assert type(read(taking(schema), value)) is type(value)


def test_a_secret_is_never_converted() -> None:
    deep: dict[str, Any] = {"properties": {"pin": DIGITS, "n": {"type": "integer"}}}
    schema = {"properties": {"pin": DIGITS, "code": {"type": "integer"}, "deep": deep}}
    hints = {"destructive": False, "arguments": {"pin": {"secret": True}, "code": {"secret": True}}}
    port = strange(
        {"requestBody": {"content": {"application/json": {"schema": schema}}}, "x-telefonie-hints": hints},
        method="post",
    )
    secrets: list[dict[str, Any]] = [{"pin": 1234}, {"code": "1234"}, {"deep": {"pin": 1234}}]
    for secret in secrets:
        with pytest.raises(ToolError):
            read_arguments(port, secret)
    assert read_arguments(port, {"deep": '{"pin": "0042", "n": "1"}'})[0] == {"deep": {"pin": "0042", "n": 1}}


@pytest.mark.parametrize("confirm", ["true", "True", 1, "[true]"])
def test_confirm_is_never_converted(confirm: Any) -> None:
    assert read_arguments(tool("release_number"), {"phone_number": NUMBER, "confirm": confirm})[1] is False


def test_a_packaged_tool_takes_everything_as_strings() -> None:
    given = {"country_code": "US", "area_code": 415, "contains": 555, "sms_enabled": "true", "limit": "5"}
    assert read_arguments(tool("search_available_numbers"), given)[0] == {
        "country_code": "US",
        "area_code": "415",
        "contains": "555",
        "sms_enabled": True,
        "limit": 5,
    }


async def test_an_agreed_rate_holds_as_a_string() -> None:
    async with faulty() as provider, served(provider) as client:
        refused = await called(client, "purchase_number", max_monthly_rate="0.01")
        assert refused["code"] == "rate_too_high"
        preview = await called(client, "purchase_number", max_monthly_rate="100", confirm="true")
        assert preview["code"] == "confirmation_required"
        assert provider.count("POST") == 0
        assert (await called(client, "purchase_number", max_monthly_rate="100"))["phone_number"] == NUMBER


ROUTES = """
openapi: 3.1.0
info: { title: Routes, version: "1" }
servers: [{ url: http://127.0.0.1:9911 }]
paths:
  /routes:
    post:
      operationId: setRoutes
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                numbers: { type: array, items: { type: string } }
                weight: { type: integer }
      responses: { "204": { description: Set } }
"""


async def test_rules_preview_and_ledger_see_what_is_sent(tmp_path: Path) -> None:
    protected = frozenset({NUMBER})
    async with documented(tmp_path, ROUTES, protected_numbers=protected) as (client, api):
        api.answer("POST", 204)
        given = {"numbers": f'["{NUMBER}"]', "weight": "3", "confirm": True}
        assert answer_of(await client.call_tool("set_routes", given))["code"] == "policy_refused"
        given["numbers"] = '["+14155550101"]'
        preview = answer_of(await client.call_tool("set_routes", {**given, "confirm": "true"}))
        wanted = {"numbers": ["+14155550101"], "weight": 3}
        assert preview["next_call"]["arguments"] == {**wanted, "confirm": True}
        assert api.requests == []
        await client.call_tool("set_routes", given)
        assert json.loads(api.requests[0][3]) == wanted
        log = (await client.read_resource("telefonie://log")).contents[0].model_dump()["text"]
        assert '"arguments":{"numbers":["+14155550101"],"weight":3}' in log


def test_what_two_alternatives_want_differently_stays() -> None:
    flag = {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": ["integer", "boolean"]}}}
    count = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    either = taking({"anyOf": [flag, count]}, style="deepObject")
    assert read(either, {"b": "1"}) == {"b": 1}
    assert read(either, {"a": "true"}) == {"a": True}
    assert refuses(either, {"a": "yes"})
    text = taking(
        {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, count]}, style="deepObject"
    )
    assert read(text, {"a": "5"}) == {"a": "5"}, "a string is allowed"


def test_many_alternatives_hold_up_nobody() -> None:
    deep: dict[str, Any] = {"type": "integer"}
    for level in range(4):
        same = {"type": "object", "properties": {"x": deep, f"y{level}": {"type": "integer"}}}
        deep = {"anyOf": [same, {**same, "required": ["z"]}, {**same, "required": ["x", "z"]}]}
    value = {"x": {"x": {"x": {"x": "1"}}}}
    many = taking({"type": "object", "additionalProperties": deep}, style="deepObject")
    assert read(many, {"a": value}) == {"a": {"x": {"x": {"x": {"x": 1}}}}}
    assert refuses(many, {f"a{position}": value for position in range(3000)})
