"""A price that a user named is a yes up to it; without one nothing is bought unasked, instructions or not."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from telefonie_mcp.app import App
from telefonie_mcp.server.instructions import instructions
from telefonie_mcp.settings.reading import read_settings
from tests.support.faulty import Provider, faulty
from tests.support.served import served, written
from tests.support.wire import answer_of, connected

AGREED = "any number up to a price that they named, sent as max_monthly_rate"
Move = tuple[str, dict[str, Any]]
Script = Generator[Move, dict[str, Any], None]


async def play(client: Client, script: Script) -> list[dict[str, Any]]:
    """Make the calls of a script, each with the answers before it, and return the answers."""
    answers: list[dict[str, Any]] = []
    move = next(script, None)
    while move:
        answers.append(answer_of(await client.call_tool(*move)))
        try:
            move = script.send(answers[-1])
        except StopIteration:
            break
    return answers


def buying_up_to(price: float, **wanted: Any) -> Script:
    """Buy one if it costs at most that, as the texts say: search and purchase."""
    found = yield "search_available_numbers", {"country_code": "US", "limit": 1, **wanted}
    number = found["available_numbers"][0]["phone_number"]
    yield "purchase_number", {"phone_number": number, "max_monthly_rate": price, "confirm": True}


def naive(**given: Any) -> Script:
    """Buy what is found, with what the schema requires and nothing that any text says."""
    found = yield "search_available_numbers", {"country_code": "US", "limit": 1, "contains": "0100"}
    number = found["available_numbers"][0]["phone_number"]
    yield "purchase_number", {"phone_number": number, **given}
    yield "release_number", {"phone_number": number, **given}


async def test_an_agreed_price_takes_two_calls_and_no_question(tmp_path: Path) -> None:
    async with connected("memory", "auto", tmp_path) as client:
        found, bought = await play(client, buying_up_to(3, type="toll-free"))
        assert bought["phone_number"] == found["available_numbers"][0]["phone_number"]
        assert float(bought["monthly_rate"]) < 3
        dear = await play(client, buying_up_to(2, type="toll-free"))
        assert dear[-1]["code"] == "rate_too_high"
        assert dear[-1]["message"].startswith("Nothing was done: ")
        assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 1


async def test_a_price_that_rose_after_the_search_is_not_paid() -> None:
    provider = Provider()
    async with faulty(provider), served(provider, 30) as client:
        script = buying_up_to(1.15)
        found = answer_of(await client.call_tool(*next(script)))
        provider.rate = "1.16"
        assert answer_of(await client.call_tool(*script.send(found)))["code"] == "rate_too_high"
        assert written(provider) == 0


@pytest.mark.parametrize("given", [{}, {"confirm": False}, {"confirm": None}, {"max_monthly_rate": 3}])
async def test_without_instructions_nothing_is_bought_or_released_unasked(given: dict[str, Any]) -> None:
    async with faulty() as provider, served(provider, 30) as client:
        _, bought, released = await play(client, naive(**given))
        for answer in (bought, released):
            assert answer["message"].startswith("Nothing was done")
        assert bought["code"] == "confirmation_required"
        assert "Show this to the user. Only if they agree" in bought["hint"]
        assert written(provider) == 0


async def test_a_preview_leads_to_no_more_than_it_shows() -> None:
    async with faulty() as provider, served(provider, 30) as client:
        _, preview, _ = await play(client, naive(confirm=False))
        provider.rate = "1.16"
        answer = answer_of(await client.call_tool(**preview["next_call"]))
        assert answer["code"] == "rate_too_high"
        assert written(provider) == 0


def test_the_tools_say_for_themselves_when_to_confirm() -> None:
    app = App.from_settings(read_settings({"TELEFONIE_SANDBOX_DB": ":memory:"}))
    described = {
        tool.name: tool.input_schema["properties"]["confirm"]["description"]
        for tool in app.catalog
        if tool.destructive
    }
    assert described == {
        "purchase_number": f"true only after the user agreed to this call, or to {AGREED}",
        "release_number": "true only after the user agreed to this exact call",
    }
    for name in described:
        assert app.catalog[name].description.endswith(
            "Without confirm=true nothing is done and you get a preview."
        )
    assert f"Confirm only after the user agreed to this call, or to {AGREED}." in instructions(app)


def test_a_server_that_only_releases_speaks_of_no_price() -> None:
    variables = {"TELEFONIE_SANDBOX_DB": ":memory:", "TELEFONIE_TOOLS": "release_number"}
    said = instructions(App.from_settings(read_settings(variables)))
    assert "Confirm only after the user agreed to this call." in said
    assert "price" not in json.dumps(said)
