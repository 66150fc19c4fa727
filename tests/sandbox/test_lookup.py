"""The lookup document in the sandbox: with requests that schemathesis makes up, and with ports."""
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# (schemathesis declares its checks and decorators only in part)

from typing import Any

import pytest
from schemathesis import Case

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.contract import CHECKS, EXAMPLES, document, implemented
from tests.sandbox.porting.support import NUMBERS, desk
from tests.sandbox.support import connect, embedded, problem

DOCUMENT = document("lookup")
# An embedded sandbox has one account and ignores keys, so that a request without one is no mistake.
schema = implemented({**DOCUMENT, "security": []})


@schema.parametrize()
@EXAMPLES
def test_the_sandbox_keeps_to_the_document(case: Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)


def test_every_success_is_the_one_that_the_document_declares() -> None:
    requests: list[tuple[str, dict[str, Any]]] = [
        ("/lookup/{phone_number}", {"path_parameters": {"phone_number": "+14155550100"}}),
        ("/lookup/{phone_number}", {"path_parameters": {"phone_number": "+491713920000"}}),
        ("/lookup/{phone_number}", {"path_parameters": {"phone_number": "+9991"}}),
        ("/capabilities", {"query": {"country_code": "IT"}}),
        ("/capabilities", {"query": {"country_code": "JP", "type": "toll-free"}}),
        ("/capabilities", {"query": {"phone_number": "+14155550100"}}),
    ]
    statuses = [
        schema[path]["GET"].Case(**request).call_and_validate(checks=CHECKS).status_code
        for path, request in requests
    ]
    assert statuses == [200] * len(requests)


def test_the_document_says_that_it_is_an_extension() -> None:
    info = DOCUMENT["info"]
    assert info["x-telefonie-extension"] is True
    assert "not published by the provider" in info["description"]
    assert [server["url"] for server in DOCUMENT["servers"]] == ["https://api.telefonie.com/v1/numbers"]


async def test_where_a_port_stands_is_visible() -> None:
    async with desk() as customer:
        path = await customer.complete()
        await customer.submit(path)
        during = await customer.get(f"/lookup/{NUMBERS[0]}".replace("+", "%2B"))
        assert during["account"]["port"]["status"] == "submitted"
        assert during["account"]["port"]["port_order_id"] in path
        assert (during["account"]["owned"], during["account"]["available"]) == (False, False)
        customer.wait(days=30)
        after = await customer.get(f"/lookup/{NUMBERS[0]}".replace("+", "%2B"))
    assert (after["account"]["owned"], after["account"]["port"]["status"]) == (True, "ported")


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("country_code=XX", "bad_parameter", "country_code"),
        ("type=local", "bad_parameter", None),
        ("country_code=US&type=fax", "bad_parameter", "type"),
        ("country_code=US&color=red", "bad_parameter", "color"),
        ("", "bad_parameter", None),
        ("country_code=US&phone_number=%2B14155550100", "bad_parameter", None),
        ("phone_number=14155550100", "invalid_number", "phone_number"),
        ("phone_number=%2B19005550100", "invalid_number", "phone_number"),
        ("phone_number=%2B447700900123", "invalid_number", "phone_number"),
    ],
)
async def test_what_is_wrong_with_a_question(query: str, code: str, field: str | None) -> None:
    async with embedded() as client:
        body = problem(await client.get(f"/capabilities?{query}"))
    assert (body["code"], body.get("field")) == (code, field)


async def test_an_account_sees_its_own_numbers_as_owned_and_others_as_taken() -> None:
    app = create_sandbox(":memory:")
    async with connect(app, "first-key-1") as mine, connect(app, "other-key-1") as other:
        bought = await mine.post("/owned", json={"phone_number": "+14155550100"})
        assert bought.status_code == 201
        standings = [
            (await client.get("/lookup/%2B14155550100")).json()["account"] for client in (mine, other)
        ]
    assert [(each["owned"], each["available"]) for each in standings] == [(True, False), (False, False)]


@pytest.mark.parametrize(
    ("number", "available"),
    [("+15005550006", True), ("+15005550013", True), ("+15005550000", False), ("+15005550017", False)],
)
async def test_test_numbers_look_as_a_search_shows_them(number: str, *, available: bool) -> None:
    async with embedded() as client:
        found = (await client.get(f"/lookup/{number.replace('+', '%2B')}")).json()
        searched = await client.get(f"/available?country_code=US&contains={number[2:]}")
    assert found["account"]["available"] is available
    assert bool(searched.json()["available_numbers"]) is available
