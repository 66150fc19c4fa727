"""Every fault in every kind of call: the call ends, says what is true, and writes at most once."""

import json

import anyio
import pytest

from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, Fault, Provider, faulty
from tests.support.held import Held
from tests.support.ports import closed_port
from tests.support.served import KEY, WRITES, served, written
from tests.support.wire import answer_of

pytestmark = pytest.mark.unmeasured  # tests/calls runs the same lines, once each

OTHER = b'{"phone_number": "+14155559999", "type": "local"}'
NUMBER_WITH = b'{"phone_number": "+14155550100", "type": "local", "x": '
f.fifty_megabytes()  # packed once, before any deadline runs
PENDING = "unexpected 202"
"""It rules nothing out: what is asked may happen later."""

BREAKING: dict[str, Fault] = {
    "close": f.close,
    "reset": f.reset,
    "truncated": f.truncated,
    "garbage": f.garbage,
    "bad chunks": f.bad_chunks,
    "headers without end": f.headers_without_end,
    "huge": f.huge,
    "gzip bomb": f.bomb,
    "not JSON": f.replying(200, b"<html>"),
    "wrong type": f.replying(200, b"{}", Content_Type="text/html"),
    "empty": f.replying(200),
    "bad UTF-8": f.replying(201, b"\xff\xfe"),
    "wrong shape": f.replying(201, b"[1]"),
    "another number": f.replying(200, OTHER),
    "bought another number": f.replying(201, OTHER),
    "nested without end": f.replying(201, NUMBER_WITH + b"[" * 100_000),
    "infinite": f.replying(201, NUMBER_WITH + b"1e999}"),
    "no gzip": f.replying(200, b"no gzip", Content_Encoding="gzip"),
    PENDING: f.replying(202, b"{}"),
    "unexpected 206": f.replying(206, b"{}"),
    "redirect elsewhere": f.replying(302, Location="https://evil.example/owned"),
    "redirect nowhere": f.replying(302, Location="http://[::1"),
    "redirect here": f.replying(307, Location="/v1/numbers/elsewhere"),
    "500": f.replying(500, b'{"detail": "oops"}'),
    "502": f.replying(502),
    "503": f.replying(503, Retry_After="1"),
    "503 until a date": f.replying(503, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"),
    "503 until nonsense": f.replying(503, Retry_After="Tue, 24 Nov 2026 12:00:00 +99999999999999"),
    "408": f.replying(408),
}


def carried_out(provider: Provider, name: str) -> bool:
    match name:
        case "purchase_number":
            return NUMBER in provider.owned
        case "release_number":
            return NUMBER not in provider.owned
        case _:
            return provider.owned[NUMBER].get("voice_url") == "https://example.com/new"


@pytest.mark.parametrize("fault", BREAKING)
async def test_a_read_ends_in_a_clear_error(fault: str) -> None:
    async with faulty(GET=[BREAKING[fault]]) as provider, served(provider, seconds=5) as client:
        answer = answer_of(await client.call_tool("get_owned_number", {"phone_number": NUMBER}))
        if fault in {"unexpected 202", "unexpected 206", "wrong type", "empty", "not JSON"} or "UTF" in fault:
            assert answer["code"] == "upstream_invalid_response"
        assert answer["message"].startswith("Nothing was done: ")
        assert answer["hint"]
        assert written(provider) == 0


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"7", b'{"numbers": {}}', b'{"numbers": [{}]}'])
async def test_json_of_the_wrong_shape_is_no_result(body: bytes) -> None:
    async with faulty(GET=[f.replying(200, body)]) as provider, served(provider) as client:
        answer = answer_of(await client.call_tool("list_owned_numbers", {}))
        assert answer["code"] == "upstream_invalid_response"
        assert "does not follow the specification" in answer["message"]


async def test_a_read_whose_answers_never_come_ends_in_time() -> None:
    async with faulty(GET=[f.hang]) as provider, served(provider, seconds=2) as client:
        answer = answer_of(await client.call_tool("list_owned_numbers", {}))
        assert answer["code"] == "upstream_timeout"
        assert provider.count("GET") == 2


@pytest.mark.parametrize("name", ["purchase_number", "update_owned_number", "get_owned_number"])
async def test_what_is_nested_deeper_than_clients_can_read_is_cut(name: str) -> None:
    nested = f.replying(
        201 if name == "purchase_number" else 200, NUMBER_WITH + b"[" * 450 + b"]" * 450 + b"}"
    )
    async with faulty(POST=[f.after(True, nested)]) as provider, served(provider) as client:
        if name != "purchase_number":
            provider.own()
        if name == "get_owned_number":
            provider.faults["GET"] = [nested]
        arguments = WRITES[name][1] if name in WRITES else {"phone_number": NUMBER}
        answer = answer_of(await client.call_tool(name, arguments))
        assert answer["phone_number"] == NUMBER
        assert "… (cut)" in str(answer["x"])


@pytest.mark.parametrize("fault", ["close", "reset", "500", "503", "truncated"])
async def test_a_read_is_repeated_after_what_can_pass(fault: str) -> None:
    async with faulty(GET=[BREAKING[fault], BREAKING[fault], Exchange.honest]) as provider:
        async with served(provider, seconds=10) as client:
            answer = answer_of(await client.call_tool("list_owned_numbers", {}))
        assert answer == {"numbers": [], "total": 0}
        assert provider.count("GET") == 3


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("fault", [fault for fault in BREAKING if fault != PENDING])
async def test_a_write_is_sent_once_and_the_truth_is_told(fault: str, name: str, committed: bool) -> None:
    method, arguments = WRITES[name]
    async with faulty() as provider, served(provider) as client:
        if name != "purchase_number":
            provider.own(voice_url="https://example.com/old")
        provider.faults[method] = [f.after(committed, BREAKING[fault])]
        answer = answer_of(await client.call_tool(name, arguments))
        assert written(provider) == 1
        assert carried_out(provider, name) is committed
    if committed:
        assert "Do not repeat it" in answer["note"] or name == "release_number"
        assert answer.get("phone_number") == NUMBER
        if name == "update_owned_number":
            assert answer["replaced"] == {"voice_url": "https://example.com/old"}
    else:
        assert answer["code"] == "not_done"
        assert answer["message"].startswith("Nothing was done: the API ")


@pytest.mark.parametrize(
    "fault", [f.hang, f.drip, f.replying(504), BREAKING[PENDING]], ids=["hang", "drip", "504", "202"]
)
async def test_a_write_that_is_never_answered_is_settled_or_unknown(fault: Fault) -> None:
    """Each takes all the time that it has, so they take it together."""
    async with anyio.create_task_group() as tasks:
        for name in WRITES:
            for committed in (True, False):
                tasks.start_soon(assert_settled_or_unknown, name, fault, committed)


async def assert_settled_or_unknown(name: str, fault: Fault, committed: bool) -> None:
    method, arguments = WRITES[name]
    async with faulty() as provider, served(provider) as client:
        if name != "purchase_number":
            provider.own()
        provider.faults[method] = [f.after(committed, fault)]
        answer = answer_of(await client.call_tool(name, arguments))
        assert written(provider) == 1, (name, committed)
    if committed:
        assert "note" in answer, (name, answer)
    else:
        assert answer["code"] == "outcome_unknown", (name, answer)
        assert answer["message"].startswith(f"It is unknown whether {name} was carried out")
        assert "get_owned_number" in answer["hint"]


async def test_a_commit_that_comes_late_is_found() -> None:
    async def look(exchange: Exchange) -> None:
        held.go.set()
        await exchange.honest()

    held = Held()
    looks: list[Fault] = [Exchange.honest, look]
    async with faulty(POST=[held], GET=looks) as provider, served(provider, seconds=5) as client:
        answer = answer_of(await client.call_tool("purchase_number", WRITES["purchase_number"][1]))
        assert answer["phone_number"] == NUMBER
        assert "carried out" in answer["note"]
        assert provider.count("POST") == 1


async def test_an_outcome_is_unknown_when_looking_it_up_fails_too() -> None:
    looks: list[Fault] = [Exchange.honest, f.close]
    async with faulty(POST=[f.close], GET=looks) as provider, served(provider, seconds=2) as client:
        answer = answer_of(await client.call_tool("purchase_number", WRITES["purchase_number"][1]))
        assert answer["code"] == "outcome_unknown"
        assert "looking at the result failed too" in answer["message"]
        assert provider.count("POST") == 1


async def test_a_number_owned_before_the_call_is_no_purchase_of_the_call() -> None:
    async with faulty(POST=[f.close]) as provider, served(provider) as client:
        provider.own()
        answer = answer_of(await client.call_tool("purchase_number", WRITES["purchase_number"][1]))
        assert answer["code"] == "conflict"
        assert answer["message"] == (
            f"Nothing was done: {NUMBER} is already in this account; get_owned_number shows it."
        )
        assert written(provider) == 0


@pytest.mark.parametrize("name", ["update_owned_number", "release_number"])
async def test_what_is_not_owned_is_not_written_to(name: str) -> None:
    async with faulty() as provider, served(provider) as client:
        answer = answer_of(await client.call_tool(name, WRITES[name][1]))
        assert answer["code"] == "not_found"
        assert "list_owned_numbers" in answer["message"]
        assert written(provider) == 0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 415, 422])
async def test_a_refused_write_is_not_looked_up(status: int) -> None:
    body = json.dumps({"code": "some_code", "detail": "The provider's\nreason."}).encode()
    async with faulty(POST=[f.replying(status, body)]) as provider, served(provider) as client:
        answer = answer_of(await client.call_tool("purchase_number", WRITES["purchase_number"][1]))
        assert answer["message"].startswith(f"Nothing was done: the API refused with {status} ")
        assert (answer["provider_code"], answer["provider_says"]) == ("some_code", "The provider's reason.")
        assert (provider.count("GET"), provider.count("POST")) == (1, 1)


async def test_a_limited_write_is_repeated_within_the_deadline() -> None:
    limited = f.replying(429, Retry_After="0")
    async with faulty(POST=[limited, limited, Exchange.honest]) as provider, served(provider, 10) as client:
        answer = answer_of(await client.call_tool("purchase_number", WRITES["purchase_number"][1]))
        assert answer["phone_number"] == NUMBER
        assert "note" not in answer
        assert provider.count("POST") == 3


async def test_a_limit_beyond_the_deadline_tells_the_agent_to_wait() -> None:
    async with faulty(POST=[f.replying(429, Retry_After="3600")]) as provider, served(provider) as client:
        answer = answer_of(await client.call_tool("purchase_number", WRITES["purchase_number"][1]))
        assert (answer["code"], answer["retry_after"]) == ("rate_limited", 3600)
        assert answer["message"].startswith("Nothing was done")
        assert provider.count("POST") == 1


@pytest.mark.parametrize("name", ["list_owned_numbers", *WRITES])
async def test_an_api_that_cannot_be_reached_is_named_and_the_call_retryable(name: str) -> None:
    arguments = WRITES[name][1] if name in WRITES else {}
    with closed_port() as port:
        async with served(Provider(port=port)) as client:
            answer = answer_of(await client.call_tool(name, arguments))
    assert answer["code"] == "upstream_unreachable"
    assert answer["message"] == "Nothing was done: the API could not be reached (ConnectError)."
    assert answer["retryable"] is True


async def test_a_preview_while_the_api_is_down_says_that_nothing_was_done() -> None:
    async with faulty(GET=[f.close]) as provider, served(provider) as client:
        answer = answer_of(
            await client.call_tool("purchase_number", {"phone_number": NUMBER, "confirm": False})
        )
        assert answer["code"] == "upstream_unavailable"
        assert answer["message"].startswith("Nothing was done")
        assert written(provider) == 0


@pytest.mark.parametrize("name", ["update_owned_number", "release_number"])
async def test_a_gateways_page_is_not_the_apis_word_that_a_number_is_gone(name: str) -> None:
    page = f.replying(404, b"<html>no such page</html>", Content_Type="text/html; charset=utf-8")
    method, arguments = WRITES[name]
    async with faulty(GET=[Exchange.honest, page]) as provider, served(provider) as client:
        provider.own()
        provider.faults[method] = [f.close]
        answer = answer_of(await client.call_tool(name, arguments))
        assert answer["code"] == "outcome_unknown"
        assert written(provider) == 1
        assert NUMBER in provider.owned


@pytest.mark.parametrize("fault", [*BREAKING, "hang"])
async def test_the_key_reaches_the_api_and_nothing_else(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with faulty() as provider, served(provider, seconds=1) as client:
        provider.faults = {method: [{**BREAKING, "hang": f.hang}[fault]] for method in ("POST", "DELETE")}
        seen = [await client.call_tool("purchase_number", WRITES["purchase_number"][1])]
        provider.own()
        seen.append(await client.call_tool("release_number", WRITES["release_number"][1]))
        provider.faults["GET"] = provider.faults["POST"]
        seen.append(await client.call_tool("get_owned_number", {"phone_number": NUMBER}))
        assert provider.keys == {KEY}
    assert KEY not in str(seen)
    assert KEY not in caplog.text
