"""What is said of a write is true, whatever the API does before, during and after it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from pydantic import SecretStr

from telefonie_mcp.calls.assessment import Permit
from telefonie_mcp.calls.writes import WriteError, happened, write
from telefonie_mcp.deadline import Deadline
from telefonie_mcp.openapi.hints import Settle
from telefonie_mcp.server.handlers import create_server
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.requester import Requester
from telefonie_mcp.upstream.client import ApiClient
from tests.support import faulty as f
from tests.support.faulty import NUMBER, OFFER, Exchange, Fault, Provider, faulty
from tests.support.ledger_file import LedgerFile
from tests.support.recorder import Recorder, recording
from tests.support.served import KEY, NEW_URL, WRITES, called, served, written
from tests.support.tools import catalog, tool
from tests.support.wire import SECONDS, answer_of

gateway_404 = f.replying(404, b"<html>default backend - 404</html>", Content_Type="text/html; charset=utf-8")
api_404 = f.replying(404, b'{"code": "number_not_owned"}')
another = f.replying(200, json.dumps({**OFFER, "phone_number": "+14155559999"}).encode())


def committing(provider: Provider, then: Fault) -> Fault:
    """Return a fault before which the provider carries out a purchase that it got earlier."""

    async def fault(exchange: Exchange) -> None:
        provider.own()
        await then(exchange)

    return fault


async def test_a_commit_after_a_broken_connection_is_found() -> None:
    async with faulty(POST=[f.close]) as provider, served(provider, 15) as client:
        provider.faults["GET"] = [*[Exchange.honest] * 4, committing(provider, Exchange.honest)]
        answer = await called(client, "purchase_number")
        assert answer["phone_number"] == NUMBER
        assert "purchase_number has been carried out. Do not repeat it." in answer["note"]
        assert written(provider) == 1


@pytest.mark.parametrize("fault", [gateway_404, another, f.replying(401), f.replying(200, b"[]")])
async def test_a_look_that_fails_for_a_moment_is_repeated(fault: Fault) -> None:
    looks = [Exchange.honest, fault, fault, Exchange.honest]
    async with (
        faulty(POST=[f.after(True, f.close)], GET=looks) as provider,
        served(provider, 4) as client,
    ):
        answer = await called(client, "purchase_number")
        assert answer["phone_number"] == NUMBER
        assert (provider.count("GET"), written(provider)) == (4, 1)


async def test_a_page_of_a_gateway_does_not_prove_a_release() -> None:
    async with faulty(DELETE=[f.close]) as provider, served(provider) as client:
        provider.own()
        provider.faults["GET"] = [Exchange.honest, gateway_404]
        answer = await called(client, "release_number")
        assert answer["code"] == "outcome_unknown"
        assert NUMBER in provider.owned


async def test_a_number_that_is_not_found_for_a_moment_is_not_released() -> None:
    async with faulty(DELETE=[f.close]) as provider, served(provider, 10) as client:
        provider.own()
        provider.faults["GET"] = [Exchange.honest, api_404, Exchange.honest]
        answer = await called(client, "release_number")
        assert answer["code"] == "not_done"
        assert answer["message"].startswith("Nothing was done: the API broke the connection")


@pytest.mark.parametrize("status", [404, 410])
async def test_a_release_is_proved_by_the_apis_own_word(status: int) -> None:
    async with faulty(DELETE=[f.after(True, f.close)]) as provider, served(provider) as client:
        provider.own()
        provider.faults["GET"] = [Exchange.honest, f.replying(status)]
        answer = await called(client, "release_number")
        assert answer["message"] == "Number released"
        assert "Do not repeat it" in answer["note"]


@pytest.mark.parametrize("name", WRITES)
async def test_a_wrong_base_url_writes_nothing(name: str) -> None:
    async with faulty(GET=[gateway_404]) as provider, served(provider) as client:
        answer = await called(client, name)
        assert answer["message"] == "Nothing was done: the API refused with 404 Not Found."
        assert written(provider) == 0


@pytest.mark.parametrize("name", WRITES)
async def test_facts_about_another_number_are_not_believed(name: str) -> None:
    async with faulty(GET=[another]) as provider, served(provider) as client:
        answer = await called(client, name)
        assert answer["code"] == "upstream_invalid_response"
        assert answer["message"].startswith(
            "Nothing was done: the provider's answer is about something else."
        )
        assert written(provider) == 0


@pytest.mark.parametrize("committed", [True, False])
async def test_a_success_about_another_number_is_looked_up(committed: bool) -> None:
    wrong = f.replying(201, json.dumps({**OFFER, "phone_number": "+14155559999"}).encode())
    async with faulty(POST=[f.after(committed, wrong)]) as provider, served(provider) as client:
        answer = await called(client, "purchase_number")
        assert (
            "API answered 201, but the answer is about something else"
            in answer["note" if committed else "message"]
        )
        assert answer.get("phone_number") == (NUMBER if committed else None)


@pytest.mark.parametrize("status", [200, 201])
async def test_another_number_that_was_bought_instead_is_not_called_nothing(
    status: int, tmp_path: Path
) -> None:
    async def buying_another(exchange: Exchange) -> None:
        provider.own("+14155559999")
        await exchange.reply(status, json.dumps(provider.owned["+14155559999"]).encode())

    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    async with faulty(POST=[buying_another]) as provider, served(provider, ledger=ledger.url) as client:
        provider.rate = "7.00"
        answer = await called(client, "purchase_number")
        assert answer["code"] == "outcome_unknown"
        assert "It may have happened to +14155559999." in answer["message"]
        assert answer["current"]["phone_number"] == "+14155559999"
        assert ledger.rows("state, rate, held") == [("unverified", 70000, 1)]


@pytest.mark.parametrize("number", ["..", "../available", f"x{KEY}"])
async def test_no_other_name_than_an_identifier_is_looked_up(number: str) -> None:
    wrong = f.replying(201, json.dumps({**OFFER, "phone_number": number}).encode())
    async with faulty(POST=[wrong]) as provider, served(provider) as client:
        answer = await called(client, "purchase_number")
        assert answer["code"] == "not_done"
        assert {target for _, target in provider.log} <= {
            "/v1/numbers/owned",
            "/v1/numbers/owned/%2B14155550100",
        }


@pytest.mark.parametrize(
    ("name", "method", "then"),
    [
        ("purchase_number", "POST", f.replying(409)),
        ("release_number", "DELETE", Exchange.honest),
    ],
)
async def test_a_limited_write_that_was_carried_out_after_all_is_found(
    name: str, method: str, then: Fault
) -> None:
    async with faulty() as provider, served(provider) as client:
        if name == "release_number":
            provider.own()
        provider.faults[method] = [f.after(True, f.replying(429)), then]
        answer = await called(client, name)
        assert f"{name} has been carried out. Do not repeat it." in answer["note"]


async def test_a_limited_purchase_that_was_refused_then_and_cannot_be_looked_up_stays_unknown(
    tmp_path: Path,
) -> None:
    async def refuse_from_now_on(exchange: Exchange) -> None:
        provider.faults["GET"] = [f.replying(403)]
        await f.replying(409)(exchange)

    ledger = LedgerFile(tmp_path / "ledger.sqlite3")
    limited = f.after(True, f.replying(429))
    async with (
        faulty(POST=[limited, refuse_from_now_on]) as provider,
        served(provider, ledger=ledger.url) as client,
    ):
        answer = await called(client, "purchase_number")
        assert answer["code"] == "outcome_unknown"
        assert ledger.rows("state, held") == [("unknown", 1)]


async def test_a_limited_purchase_of_what_somebody_else_has_is_refused() -> None:
    async with faulty(POST=[f.replying(429), f.replying(409)]) as provider, served(provider) as client:
        answer = await called(client, "purchase_number")
        assert (answer["code"], provider.count("POST")) == ("conflict", 2)
        assert answer["message"].startswith("Nothing was done")


async def test_optional_nulls_in_a_success_are_dropped() -> None:
    nulls = {**OFFER, "voice_url": None, "date_created": None, "capabilities": {"voice": True, "fax": None}}
    sold = f.replying(201, json.dumps(nulls).encode())
    async with faulty(POST=[f.after(True, sold)]) as provider, served(provider) as client:
        answer = await called(client, "purchase_number")
        assert answer == {**OFFER, "capabilities": {"voice": True}}
        assert (provider.count("GET"), provider.count("POST")) == (1, 1)


async def test_an_update_that_the_provider_spells_differently_is_not_called_undone() -> None:
    async def spelling_differently(exchange: Exchange) -> None:
        provider.owned[NUMBER]["voice_url"] = NEW_URL + "/"
        await f.close(exchange)

    async with faulty(POST=[spelling_differently]) as provider, served(provider) as client:
        provider.own(voice_url="https://example.com/old")
        answer = await called(client, "update_owned_number")
        assert answer["code"] == "outcome_unknown"
        assert "its current state does not tell" in answer["message"]
        assert answer["current"]["voice_url"] == NEW_URL + "/"


async def test_an_updated_number_that_is_gone_is_not_called_unchanged() -> None:
    async def releasing(exchange: Exchange) -> None:
        provider.owned.clear()
        await f.close(exchange)

    async with faulty(POST=[releasing]) as provider, served(provider) as client:
        provider.own()
        answer = await called(client, "update_owned_number")
        assert answer["code"] == "outcome_unknown"
        assert "current" not in answer


async def test_a_name_that_is_shown_without_its_invisible_characters_is_recognised() -> None:
    async with faulty(POST=[f.after(True, f.close)]) as provider, served(provider) as client:
        provider.own()
        answer = await called(client, "update_owned_number", friendly_name="\U0001f468\u200d\U0001f469 & co")
        assert "update_owned_number has been carried out" in answer["note"]


async def test_what_was_so_before_is_not_claimed_as_done() -> None:
    async with faulty(POST=[f.close]) as provider, served(provider) as client:
        provider.own(voice_url=NEW_URL)
        answer = await called(client, "update_owned_number")
        assert "Everything is as asked, and was so before" in answer["note"]
        assert answer["replaced"] == {}


async def test_a_write_is_not_begun_without_the_time_to_finish_it() -> None:
    async with faulty() as provider:
        sender = ApiClient(lambda: None, user_agent="test/1")
        api = Requester(sender, catalog(), server=lambda _: provider.url, credentials=lambda _: (), seconds=3)
        with pytest.raises(WriteError) as caught:
            await write(api, tool("purchase_number"), {"phone_number": NUMBER}, Permit(Deadline.after(0.9)))
        assert caught.value.state == "refused"
        assert caught.value.error.code == "upstream_timeout"
        assert str(caught.value) == (
            "Nothing was done: looking at the facts took so long that too little time is left to write."
        )
        assert provider.log == []


async def test_a_limited_write_is_not_repeated_without_the_time_to_finish_it() -> None:
    async with faulty(POST=[f.replying(429, Retry_After="20"), f.hang]) as provider:
        async with served(provider, 50) as client:
            answer = await called(client, "purchase_number")
        assert (answer["code"], answer["retry_after"]) == ("rate_limited", 20)
        assert answer["message"].startswith("Nothing was done")
        assert provider.count("POST") == 1


async def test_a_write_that_never_left_is_not_looked_up() -> None:
    async def leaving(exchange: Exchange) -> None:
        await provider.stop_listening()
        await exchange.reply(404, b"{}", Connection="close")
        exchange.writer.close()

    async with faulty(GET=[leaving]) as provider, served(provider) as client:
        answer = await called(client, "purchase_number")
        assert answer["code"] == "upstream_unreachable"
        assert answer["message"] == "Nothing was done: the API could not be reached (ConnectError)."
        assert provider.log == [("GET", f"/v1/numbers/owned/{NUMBER.replace('+', '%2B')}")]


def answering(status: str, *required: str) -> dict[str, Any]:
    schema = {"type": "object", "required": [*required]}
    return {status: {"content": {"application/json": {"schema": schema}}}}


NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}
JOBS = {
    "openapi": "3.1.0",
    "info": {"title": "Jobs", "version": "1"},
    "paths": {
        "/jobs": {
            "post": {
                "operationId": "startJob",
                "responses": answering("201", "id"),
                "x-telefonie-hints": {"effect": "dispose"},
            }
        },
        "/jobs/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "getJob", "responses": answering("200")},
            "put": {
                "operationId": "renameJob",
                "requestBody": {"content": {"application/json": {"schema": NAMED}}},
                "responses": answering("200", "etag"),
                "x-telefonie-hints": {
                    "subject": "id",
                    "destructive": False,
                    "settle": {"operation": "getJob", "arguments": {"id": "id"}, "done": "matches"},
                },
            },
        },
    },
}


@asynccontextmanager
async def foreign(tmp_path: Path) -> AsyncGenerator[tuple[Client, Recorder]]:
    async with recording() as api:
        path = tmp_path / "jobs.json"
        path.write_text(json.dumps({**JOBS, "servers": [{"url": f"http://127.0.0.1:{api.port}"}]}))
        settings = Settings(
            api_key=SecretStr("key-of-a-test"), ledger=SecretStr(":memory:"), spec=(path,), timeout=2
        )
        with anyio.fail_after(SECONDS):
            async with Client(create_server(settings)) as client:
                yield client, api


async def test_without_a_way_to_look_an_unusable_success_is_unknown_and_shown(tmp_path: Path) -> None:
    async with foreign(tmp_path) as (client, api):
        api.answer("POST", 201, {"job": 7})
        answer = answer_of(await client.call_tool("start_job", {"confirm": True}))
        assert answer["code"] == "outcome_unknown"
        assert answer["provider_data"] == {"job": 7}
        assert "the matching read tool" in answer["hint"]
        assert len(api.requests) == 1


async def test_a_write_that_is_found_without_a_whole_result_is_told_as_done(tmp_path: Path) -> None:
    async with foreign(tmp_path) as (client, api):
        api.answer("PUT", 500)
        api.answer("GET", 200, {"id": "7", "name": "new"})
        answer = answer_of(await client.call_tool("rename_job", {"id": "7", "name": "new"}))
        assert (answer["code"], answer["status"]) == ("upstream_invalid_response", 500)
        assert answer["message"].startswith(
            "Everything is as asked, and was so before, but its result is unclear: the provider's answer does"
        )
        assert answer["provider_data"] == {"id": "7", "name": "new"}


SENT: dict[str, Any] = {"phone_number": NUMBER, "voice_url": "new", "sms_url": ""}


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("purchase_number", None, {}, True),
        ("purchase_number", None, None, False),
        ("release_number", {}, None, True),
        ("release_number", {}, {}, False),
        ("update_owned_number", {"sms_url": "x"}, {"voice_url": "new"}, True),
        ("update_owned_number", {}, {"voice_url": "new", "sms_url": ""}, True),
        ("update_owned_number", {"sms_url": "x"}, {"sms_url": "x"}, False),
        ("update_owned_number", {"sms_url": "x"}, {"voice_url": "new", "sms_url": "x"}, None),
        ("update_owned_number", {"sms_url": "x"}, {"sms_url": "y"}, None),
        ("update_owned_number", {"sms_url": "x"}, None, None),
        ("update_owned_number", None, {"sms_url": "x"}, None),
    ],
)
def test_the_current_state_shows_whether_a_write_has_happened(
    name: str, before: Any, after: Any, expected: bool | None
) -> None:
    settle = tool(name).hints.settle
    assert isinstance(settle, Settle)
    assert happened(tool(name), settle, SENT, before, after) is expected


def test_an_update_of_nothing_shows_nothing() -> None:
    update = tool("update_owned_number")
    assert update.hints.settle
    assert happened(update, update.hints.settle, {"phone_number": NUMBER}, {}, {}) is None
