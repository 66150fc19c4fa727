"""Hints of added documents are as good as those of the packaged ones."""

from pathlib import Path
from typing import Any

import pytest

from telefonie_mcp.calls.current_state import can_read, tells
from telefonie_mcp.errors import DocumentError
from telefonie_mcp.openapi.documents import parse_document
from telefonie_mcp.tools.derivation import build_catalog
from tests.support.documents import case, documented
from tests.support.recorder import Recorder
from tests.support.wire import answer_of

NUMBER = "+14155550100"
OFFER = {"e164": NUMBER, "rate": "1.15"}
NONE: dict[str, Any] = {"data": []}
CATALOG = build_catalog([parse_document(case("orders").encode(), name="orders.yml")])
BUY, ORDER = CATALOG["buy_number"], CATALOG["create_order"]


def targets(api: Recorder) -> list[str]:
    return [f"{method} {target}" for method, target, _, _ in api.requests]


async def test_a_write_without_its_optional_subject_is_previewed_and_sent(tmp_path: Path) -> None:
    async with documented(tmp_path, case("orders")) as (client, api):
        preview = answer_of(await client.call_tool("buy_number", {"country": "US", "confirm": False}))
        assert preview["code"] == "confirmation_required"
        assert "buy_number would buy (not given) in US" in preview["message"]
        assert api.requests == []
        api.answer("POST", 201, OFFER)
        bought = answer_of(await client.call_tool("buy_number", {"country": "US", "confirm": True}))
        assert bought == OFFER
        assert targets(api) == ["POST /v1/numbers"]


async def test_a_lost_answer_without_a_subject_is_unknown(tmp_path: Path) -> None:
    async with documented(tmp_path, case("orders")) as (client, api):
        api.answer("POST", 500)
        answer = answer_of(await client.call_tool("buy_number", {"country": "US", "confirm": True}))
        assert answer["code"] == "outcome_unknown"
        assert "list_numbers" in answer["hint"]
        assert targets(api) == ["POST /v1/numbers"]
        api.answer("POST", 201, OFFER)
        again = answer_of(await client.call_tool("buy_number", {"country": "US", "confirm": True}))
        assert again == OFFER


async def test_a_rule_about_money_refuses_what_has_no_subject_to_look_at(tmp_path: Path) -> None:
    async with documented(tmp_path, case("orders"), max_monthly_rate="2") as (client, api):
        for confirm in (True, False):
            answer = answer_of(await client.call_tool("buy_number", {"country": "US", "confirm": confirm}))
            assert answer["code"] == "rate_unknown"
        assert api.requests == []


async def test_a_thing_may_be_called_otherwise_where_it_is_looked_up(tmp_path: Path) -> None:
    async with documented(tmp_path, case("orders")) as (client, api):
        api.answer_first("GET", (200, NONE), (200, {"data": [{"e164": "+14155550101"}, OFFER]}))
        api.answer("POST", 500)
        bought = answer_of(await client.call_tool("buy_number", {"number": NUMBER, "confirm": True}))
        assert bought["e164"] == NUMBER
        assert "buy_number has been carried out. Do not repeat it." in bought["note"]
        assert targets(api) == ["GET /v1/numbers", "POST /v1/numbers", "GET /v1/numbers"]
        api.answer("GET", 200, {"data": [OFFER]})
        held = answer_of(await client.call_tool("buy_number", {"number": NUMBER, "confirm": True}))
        assert held["message"] == f"Nothing was done: {NUMBER} is held."


async def test_what_narrows_a_list_may_be_unknown(tmp_path: Path) -> None:
    async with documented(tmp_path, case("orders")) as (client, api):
        api.answer_first("GET", (200, {"data": [OFFER]}), (200, NONE))
        preview = answer_of(await client.call_tool("buy_number", {"number": NUMBER, "confirm": False}))
        assert preview["preview"]["monthly_rate"] == "1.15"
        assert targets(api)[0] == "GET /v1/available?starts_with=%2B14155550100"
        api.answer("GET", 200, NONE)
        gone = answer_of(await client.call_tool("buy_number", {"number": NUMBER, "confirm": False}))
        assert gone["message"] == f"Nothing was done: {NUMBER} is not for sale."


async def test_an_id_that_only_the_answer_has_settles_the_write(tmp_path: Path) -> None:
    async with documented(tmp_path, case("orders")) as (client, api):
        api.answer("POST", 202, {"data": {"id": "o 1"}})
        api.answer("GET", 200, {"e164": NUMBER})
        ordered = answer_of(await client.call_tool("create_order", {"country": "US"}))
        assert ordered["e164"] == NUMBER
        assert ordered["note"].startswith("The API answered 202 instead of 201, so its state was looked up.")
        assert targets(api) == ["POST /v1/orders", "GET /v1/orders/o%201"]


@pytest.mark.parametrize(("status", "body"), [(500, {"data": {"id": "1"}}), (202, {"data": []}), (202, None)])
async def test_without_that_id_the_outcome_is_unknown(tmp_path: Path, status: int, body: Any) -> None:
    async with documented(tmp_path, case("orders")) as (client, api):
        api.answer("POST", status, body)
        answer = answer_of(await client.call_tool("create_order", {"country": "US"}))
        assert answer["code"] == "outcome_unknown"
        assert targets(api) == ["POST /v1/orders"]


@pytest.mark.parametrize(
    ("arguments", "offer", "held"),
    [
        ({}, False, False),
        ({"country": "US"}, False, False),
        ({"number": NUMBER}, True, True),
        ({"number": NUMBER, "country": "US"}, True, True),
    ],
)
def test_what_can_be_read_depends_on_what_is_given(
    arguments: dict[str, Any], offer: bool, held: bool
) -> None:
    assert BUY.hints.preview
    assert BUY.hints.settle
    assert can_read(CATALOG, BUY, BUY.hints.preview, arguments) is offer
    assert tells(CATALOG, BUY, BUY.hints.settle, arguments) is held


def test_an_answer_identifies_only_with_its_member() -> None:
    settle = ORDER.hints.settle
    assert settle
    assert not tells(CATALOG, ORDER, settle, {"number": NUMBER})
    assert not tells(CATALOG, ORDER, settle, {}, answer=["data"])
    assert tells(CATALOG, ORDER, settle, {}, answer={"data": {"id": 7}})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("starts_with: number }", "starts_with: answer.number }", "cannot derive 'answer.number'"),
        ("id: answer.data.id", "id: number", "need a subject"),
        ("id: answer.data.id", "id: answer.id|nothing", "cannot derive 'answer.id|nothing'"),
    ],
)
def test_hints_that_cannot_identify_anything_stop_the_start(old: str, new: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words.replace("|", r"\|")):
        build_catalog([parse_document(case("orders", (old, new)).encode(), name="orders.yml")])


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429, 500])
async def test_no_text_names_the_packaged_provider(tmp_path: Path, status: int) -> None:
    async with documented(tmp_path, case("orders")) as (client, api):
        api.answer("POST", status, {"message": "no"})
        answer = answer_of(await client.call_tool("create_order", {"country": "US"}))
        assert "Telefonie" not in str(answer)
        assert "Telefonie" not in ORDER.description
