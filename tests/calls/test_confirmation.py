"""Without ``confirm`` nothing is written, and what would be is shown as it is now."""

import json
from typing import Any

import pytest

from tests.support import faulty as f
from tests.support.faulty import NUMBER, OFFER, Fault, faulty
from tests.support.served import KEY, called, served, written
from tests.support.wire import answer_of

PAGE = f.replying(404, b"<html>", Content_Type="text/html")


async def test_a_preview_of_a_purchase_shows_the_rate_and_leads_to_it() -> None:
    async with faulty() as provider, served(provider) as client:
        preview = await called(client, "purchase_number", confirm=False, friendly_name="Desk")
        assert written(provider) == 0
        assert preview["message"] == (
            "Nothing was done, because confirm was not true. "
            f"purchase_number would buy {NUMBER} and start its monthly billing, "
            "priced in the account's currency."
        )
        assert preview["code"] == "confirmation_required"
        assert preview["preview"] == {
            "mode": "live",
            "monthly_rate": "1.15",
            "current": {"country_code": "US", "type": "local", "capabilities": "voice, sms"},
            "requires": "unknown: an address or documents may be wanted, and the API does not tell",
        }
        assert json.dumps(preview).count("1.15") == 2  # as a fact, and as what the next call agrees to
        assert preview["next_call"] == {
            "name": "purchase_number",
            "arguments": {
                "phone_number": NUMBER,
                "friendly_name": "Desk",
                "max_monthly_rate": 1.15,
                "confirm": True,
            },
        }
        bought = answer_of(await client.call_tool(**preview["next_call"]))
        assert bought == {**OFFER, "friendly_name": "Desk"}
        assert written(provider) == 1


async def test_a_rate_that_rises_after_the_preview_stops_the_purchase() -> None:
    async with faulty() as provider, served(provider) as client:
        preview = await called(client, "purchase_number", confirm=False)
        provider.rate = "1.16"
        answer = answer_of(await client.call_tool(**preview["next_call"]))
        assert (answer["code"], answer["monthly_rate"]) == ("rate_too_high", "1.16")
        assert written(provider) == 0


@pytest.mark.parametrize("agreed", [1.00, 1, "1.00"])
async def test_an_agreed_rate_is_repeated_as_money_is_written(agreed: Any) -> None:
    async with faulty() as provider, served(provider) as client:
        answer = await called(client, "purchase_number", max_monthly_rate=agreed)
        if answer["code"] == "rate_too_high":
            assert answer["message"] == (
                "Nothing was done: it costs 1.15 per month now, more than the agreed 1.00."
            )
        else:
            assert (answer["code"], agreed) == ("invalid_arguments", "1.00")
        assert written(provider) == 0


async def test_a_preview_of_a_release_shows_what_would_be_lost_and_leads_to_it() -> None:
    async with faulty() as provider, served(provider) as client:
        provider.own(voice_url="https://example.com/v", friendly_name="Desk")
        preview = await called(client, "release_number", confirm=False)
        assert written(provider) == 0
        assert preview["message"].endswith(f"would give up {NUMBER} and its configuration for good.")
        assert preview["preview"] == {
            "mode": "live",
            "monthly_rate": "1.15",
            "current": {"type": "local"},
            "would_be_lost": {"friendly_name": "Desk", "voice_url": "https://example.com/v"},
        }
        assert preview["next_call"]["arguments"] == {"phone_number": NUMBER, "confirm": True}
        released = answer_of(await client.call_tool(**preview["next_call"]))
        assert released == {"message": "Number released", "phone_number": NUMBER}
        assert provider.owned == {}


@pytest.mark.parametrize("confirm", [False, None, "true", 1, "yes", {}, []])
@pytest.mark.parametrize("name", ["purchase_number", "release_number"])
async def test_nothing_but_true_confirms(name: str, confirm: Any) -> None:
    async with faulty() as provider, served(provider) as client:
        if name == "release_number":
            provider.own()
        answer = await called(client, name, confirm=confirm)
        assert answer["message"].startswith("Nothing was done")
        assert answer["code"] in {"confirmation_required", "invalid_arguments"}
        assert written(provider) == 0


@pytest.mark.parametrize("name", ["purchase_number", "release_number"])
async def test_what_is_not_there_is_not_previewed(name: str) -> None:
    number = "+14155559999"
    async with faulty() as provider, served(provider) as client:
        answer = await called(client, name, confirm=False, phone_number=number)
        assert answer["code"] == "not_found"
        assert answer["field"] == "phone_number"
        assert answer["message"].startswith(f"Nothing was done: {number} is not ")
        assert "next_call" not in answer


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (f.close, "upstream_unavailable"),
        (f.hang, "upstream_timeout"),
        (f.replying(503), "upstream_unavailable"),
        (f.replying(401), "unauthorized"),
        (PAGE, "not_found"),
        (f.replying(200, b"[]"), "upstream_invalid_response"),
    ],
)
@pytest.mark.parametrize("name", ["purchase_number", "release_number"])
async def test_no_preview_is_made_up_while_the_api_is_out_of_order(
    name: str, fault: Fault, code: str
) -> None:
    async with faulty(GET=[fault]) as provider, served(provider, 1) as client:
        provider.own()
        answer = await called(client, name, confirm=False)
        assert answer["code"] == code
        assert answer["message"].startswith("Nothing was done: the")
        assert "is not available" not in answer["message"]
        assert "next_call" not in answer
        assert KEY not in str(answer)
        assert written(provider) == 0
