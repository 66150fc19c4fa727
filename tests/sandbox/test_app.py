"""The operations over HTTP: numbers, accounts, and responses to errors."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from starlette.types import Message, Scope

from telefonie_mcp.sandbox import create_sandbox, reset
from telefonie_mcp.sandbox.routing import until_gone
from tests.sandbox.support import KEY, connect, embedded, problem, serve
from tests.support.wire import SECONDS

NUMBER = "+14155550100"
PATH = "/owned/%2B14155550100"


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with embedded() as connected:
        yield connected


async def numbers(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    response = await client.get("/available", params=query)
    assert response.status_code == 200
    return response.json()["available_numbers"]


async def test_a_number_is_found_bought_updated_and_released() -> None:
    now = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    async with connect(create_sandbox(":memory:", embedded=True, clock=lambda: now)) as client:
        (found,) = await numbers(client, country_code="US", type="local", area_code="415", limit=1)
        assert found == {
            "phone_number": found["phone_number"],
            "friendly_name": f"(415) {found['phone_number'][5:8]}-{found['phone_number'][8:]}",
            "country_code": "US",
            "type": "local",
            "capabilities": {"voice": True, "sms": True, "mms": True},
            "monthly_rate": "1.15",
        }

        order = {"phone_number": found["phone_number"], "voice_url": "https://example.com/voice?a=1"}
        bought = await client.post("/owned", json=order)
        assert bought.status_code == 201
        expected = {**found, "voice_url": order["voice_url"], "date_created": "2026-02-03T04:05:06Z"}
        assert bought.json() == expected
        path = f"/owned/%2B{found['phone_number'][1:]}"
        assert (await client.get(path)).json() == expected
        assert (await client.get("/owned")).json() == {"numbers": [expected], "total": 1}
        assert found not in await numbers(client, country_code="US", type="local", area_code="415", limit=1)

        changes = {"voice_url": "", "sms_url": "http://example.com/sms", "friendly_name": "Front desk ☎"}
        changed = await client.post(path, json=changes)
        assert changed.status_code == 200
        expected = {**expected, **changes}
        del expected["voice_url"]
        assert changed.json() == expected
        assert (await client.get(path)).json() == expected

        released = await client.delete(path)
        assert (released.status_code, released.content) == (204, b"")
        assert problem(await client.get(path))["code"] == "number_not_owned"
        assert [found] == await numbers(client, country_code="US", type="local", area_code="415", limit=1)


@pytest.mark.parametrize("body", [None, b"", b"{}"])
async def test_an_update_without_changes_changes_nothing(
    client: httpx.AsyncClient, body: bytes | None
) -> None:
    settings = {"voice_url": "https://example.com/", "friendly_name": "x"}
    bought = await client.post("/owned", json={"phone_number": NUMBER, **settings})
    headers = {"Content-Type": "application/json"} if body else {}
    answer = await client.post(PATH, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, bought.json())


async def test_an_empty_name_is_the_default_name(client: httpx.AsyncClient) -> None:
    await client.post("/owned", json={"phone_number": NUMBER, "friendly_name": "x", "sms_url": ""})
    answer = await client.post(PATH, json={"friendly_name": ""})
    assert answer.json()["friendly_name"] == "(415) 555-0100"
    assert "sms_url" not in answer.json()


async def test_a_plus_sign_in_a_path_may_be_bare(client: httpx.AsyncClient) -> None:
    await client.post("/owned", json={"phone_number": NUMBER})
    assert (await client.get(f"/owned/{NUMBER}")).json()["phone_number"] == NUMBER


async def test_a_number_that_was_never_searched_can_be_bought(client: httpx.AsyncClient) -> None:
    answer = await client.post("/owned", json={"phone_number": "+4915123456789"})
    assert answer.status_code == 201
    assert {key: answer.json()[key] for key in ("country_code", "type", "monthly_rate")} == {
        "country_code": "DE",
        "type": "mobile",
        "monthly_rate": "10.00",
    }


async def test_what_a_search_finds_in_a_country_is_bought_there(client: httpx.AsyncClient) -> None:
    for country in ("US", "CA", "JM", "GB", "GG", "IT", "VA", "RU", "KZ", "GP", "MF", "AX"):
        for found in await numbers(client, country_code=country, limit=4):
            answer = await client.post("/owned", json={"phone_number": found["phone_number"]})
            assert found.items() <= answer.json().items()


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ({}, {"local", "national", "toll-free", "mobile"}),
        ({"type": "mobile"}, {"mobile"}),
        ({"area_code": "20"}, {"local"}),
        ({"sms_enabled": "true"}, {"mobile"}),
        ({"sms_enabled": "false"}, {"local", "national", "toll-free"}),
        ({"sms_enabled": "true", "type": "local"}, set[str]()),
        ({"voice_enabled": "true"}, {"local", "national", "toll-free", "mobile"}),
        ({"voice_enabled": "false"}, set[str]()),
    ],
)
async def test_a_search_filters_by_type_area_digits_and_capabilities(
    client: httpx.AsyncClient, query: dict[str, str], types: set[str]
) -> None:
    found = await numbers(client, country_code="GB", **query)
    assert {number["type"] for number in found} == types
    assert len(found) == (10 if types else 0)
    for number in found:
        assert number["capabilities"]["sms"] is (number["type"] == "mobile")
        assert number["phone_number"].startswith("+44" + query.get("area_code", ""))


async def test_a_search_alternates_between_types(client: httpx.AsyncClient) -> None:
    found = await numbers(client, country_code="GB", limit=6)
    assert [number["type"] for number in found] == [
        *("local", "national", "toll-free", "mobile"),
        *("local", "national"),
    ]


@pytest.mark.parametrize(("limit", "count"), [("", 10), ("limit=1", 1), ("limit=20", 20)])
async def test_a_search_returns_as_many_numbers_as_its_limit(
    client: httpx.AsyncClient, limit: str, count: int
) -> None:
    answer = await client.get(f"/available?country_code=US&{limit}".rstrip("&"))
    assert len(answer.json()["available_numbers"]) == count


async def test_owned_numbers_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    found = await numbers(client, country_code="CA", type="local", limit=20)
    found += await numbers(client, country_code="SE", type="mobile", limit=5)
    for number in found:
        assert (await client.post("/owned", json={"phone_number": number["phone_number"]})).status_code == 201
    expected = [number["phone_number"] for number in found]

    async def page(query: str) -> tuple[list[str], int]:
        body = (await client.get(f"/owned?{query}".rstrip("?"))).json()
        return [number["phone_number"] for number in body["numbers"]], body["total"]

    assert await page("") == (expected[:20], 25)
    assert await page("page=2") == (expected[20:], 25)
    assert await page("page=3") == ([], 25)
    assert await page(f"page={10**40}") == ([], 25)
    assert await page("page=4&page_size=7") == (expected[21:], 25)
    assert await page("page_size=100") == (expected, 25)
    assert await page("type=mobile&page_size=2&page=2") == (expected[22:24], 5)
    assert await page("type=national") == ([], 0)


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("+1415555010", 400, "invalid_number"),
        ("+999123456789", 400, "invalid_number"),
        ("+19005550100", 409, "number_unavailable"),  # premium rate
        ("+80012345678", 409, "number_unavailable"),  # no country's
    ],
)
async def test_a_number_that_is_not_sold_cannot_be_bought(
    client: httpx.AsyncClient, number: str, status: int, code: str
) -> None:
    answer = await client.post("/owned", json={"phone_number": number})
    assert answer.status_code == status
    assert problem(answer)["code"] == code
    assert problem(answer)["field"] == "phone_number"


async def test_a_number_is_sold_once() -> None:
    app = create_sandbox(":memory:")
    async with connect(app, KEY) as one, connect(app, "test-key-2") as two:
        assert (await one.post("/owned", json={"phone_number": NUMBER})).status_code == 201
        assert problem(await one.post("/owned", json={"phone_number": NUMBER}))["code"] == "already_owned"
        refused = await two.post("/owned", json={"phone_number": NUMBER})
        assert (refused.status_code, problem(refused)["code"]) == (409, "number_unavailable")


async def test_many_buyers_at_once_and_one_wins() -> None:
    app = create_sandbox(":memory:")
    answers: list[int] = []

    async def buy(buyer: int) -> None:
        async with connect(app, f"test-key-{buyer}") as client:
            answers.append((await client.post("/owned", json={"phone_number": NUMBER})).status_code)

    async with anyio.create_task_group() as tasks:
        for buyer in range(20):
            tasks.start_soon(buy, buyer)
    assert sorted(answers) == [201, *[409] * 19]


async def test_accounts_do_not_see_each_other() -> None:
    app = create_sandbox(":memory:")
    async with connect(app, KEY) as one, connect(app, "test-key-2") as two:
        await one.post("/owned", json={"phone_number": NUMBER})
        assert (await two.get("/owned")).json() == {"numbers": [], "total": 0}
        for answer in (
            await two.get(PATH),
            await two.post(PATH, json={"friendly_name": "mine"}),
            await two.delete(PATH),
        ):
            assert (answer.status_code, problem(answer)["code"]) == (404, "number_not_owned")
        assert (await one.get(PATH)).json()["friendly_name"] == "(415) 555-0100"


@pytest.mark.parametrize("key", [None, "", "short", "x" * 129, "with space", "umlaut-ä-key"])
async def test_a_missing_or_malformed_key_is_refused(key: str | None) -> None:
    app = create_sandbox(":memory:")
    headers = [] if key is None else [(b"X-API-Key", key.encode())]
    async with connect(app) as client:
        for method, path in (("GET", "/owned"), ("GET", "/available?nonsense"), ("DELETE", PATH)):
            answer = await client.request(method, path, headers=headers)
            assert (answer.status_code, problem(answer)["code"]) == (401, "unauthorized")


async def test_two_keys_in_one_request_are_refused() -> None:
    async with connect(create_sandbox(":memory:")) as client:
        answer = await client.get("/owned", headers=[("X-API-Key", KEY), ("X-API-Key", KEY)])
        assert answer.status_code == 401


async def test_the_balance_is_spent_and_not_refunded() -> None:
    async with connect(create_sandbox(":memory:", balance=Decimal("2.30")), KEY) as client:
        for last in range(2):
            order = {"phone_number": f"+1415555010{last}"}
            assert (await client.post("/owned", json=order)).status_code == 201
        await client.delete(PATH)
        answer = await client.post("/owned", json={"phone_number": "+14155550102"})
        assert (answer.status_code, problem(answer)["code"]) == (402, "insufficient_funds")
        assert (await client.get("/owned")).json()["total"] == 1


async def test_two_applications_share_a_file_and_survive_a_reset(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.db"
    async with connect(create_sandbox(database), KEY) as one, connect(create_sandbox(database), KEY) as two:
        await one.post("/owned", json={"phone_number": NUMBER})
        assert (await two.get(PATH)).status_code == 200
        reset(database)
        for client in (one, two):
            assert (await client.get("/owned")).json() == {"numbers": [], "total": 0}
        assert (await two.post("/owned", json={"phone_number": NUMBER})).status_code == 201


async def test_purchases_are_dated_by_the_clock_given() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    async with connect(create_sandbox(":memory:", embedded=True, clock=lambda: now)) as client:
        dates: list[str] = []
        for last in range(2):
            bought = await client.post("/owned", json={"phone_number": f"+1415555010{last}"})
            dates.append(bought.json()["date_created"])
            now += timedelta(days=31)
    assert dates == ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]


async def test_the_default_clock_is_the_real_time(client: httpx.AsyncClient) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    bought = await client.post("/owned", json={"phone_number": NUMBER})
    assert before <= datetime.fromisoformat(bought.json()["date_created"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/available", "GET, HEAD"),
        ("DELETE", "/owned", "GET, HEAD, POST"),
        ("PUT", PATH, "DELETE, GET, HEAD, POST"),
        ("OPTIONS", PATH, "DELETE, GET, HEAD, POST"),
    ],
)
async def test_a_wrong_method_is_answered_with_those_allowed(
    client: httpx.AsyncClient, method: str, path: str, allow: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert problem(answer)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["", "/", "/owned/", "/owned/%2B14155550100/x", "/owned/a%2Fb", "/available/"]
)
async def test_an_unknown_path_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, follow_redirects=False)
    assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")


async def test_every_response_says_that_it_is_a_sandbox(client: httpx.AsyncClient) -> None:
    for method, path in (
        ("GET", "/owned"),
        ("HEAD", "/owned"),
        ("GET", "/x"),
        ("PUT", "/owned"),
        ("DELETE", PATH),
    ):
        assert (await client.request(method, path)).headers["Telefonie-Sandbox"] == "true"


async def test_an_unexpected_error_is_a_problem_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> datetime:
        raise RuntimeError("secret /etc/passwd")

    async with connect(create_sandbox(":memory:", clock=broken, embedded=True)) as client:
        with caplog.at_level(logging.ERROR, "telefonie_mcp.sandbox"):
            answer = await client.post("/owned", json={"phone_number": NUMBER})
        assert (answer.status_code, problem(answer)["code"]) == (500, "server_error")
        assert answer.headers["Telefonie-Sandbox"] == "true"
        assert "secret" not in answer.text
        assert "RuntimeError: secret" in caplog.text
        assert (await client.get("/owned")).json()["total"] == 0


async def test_a_failing_database_is_a_problem_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "sandbox.db"
    async with connect(create_sandbox(database, embedded=True)) as client:
        await client.get("/owned")
        connection = sqlite3.connect(database)
        connection.execute("DROP TABLE purchases")
        connection.close()
        answer = await client.get("/available?country_code=US")
    assert (answer.status_code, problem(answer)["code"]) == (503, "unavailable")
    assert "no such table" in caplog.text


async def test_a_client_that_leaves_while_it_sends_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    app = create_sandbox(":memory:", embedded=True)
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/numbers/owned",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent == []
    assert caplog.text == ""


async def test_an_error_after_the_answer_began_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = create_sandbox(":memory:", embedded=True)
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/numbers/owned",
        "query_string": b"",
        "headers": [],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)
        raise OSError("broken pipe")

    await app(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "broken pipe" in caplog.text


async def test_a_silent_response_ends_when_the_client_leaves_or_after_its_time() -> None:
    messages: list[Message] = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def leaving() -> Message:
        return messages.pop(0)

    await until_gone(leaving, 60)
    assert messages == []

    async def staying() -> Message:
        return await asyncio.Future[Message]()

    await until_gone(staying, 0.01)


async def test_over_a_socket_a_purchase_commits_although_its_client_gives_up() -> None:
    app = create_sandbox(":memory:")
    async with (
        serve(app) as base_url,
        httpx.AsyncClient(base_url=base_url, headers={"X-API-Key": KEY}, timeout=SECONDS) as client,
    ):
        with pytest.raises(httpx.ReadTimeout):
            await client.post(
                "/owned", json={"phone_number": "+15005550023"}, timeout=httpx.Timeout(60, read=1)
            )
        with anyio.fail_after(SECONDS):
            while (await client.get("/owned/%2B15005550023")).status_code != 200:
                pass

        truncated = await client.post("/owned", json={"phone_number": "+15005550022"})
        assert truncated.status_code == 201
        with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
            truncated.json()
        assert (await client.get("/owned/%2B15005550022")).status_code == 200

        limited = await client.post("/owned", json={"phone_number": "+15005550011"})
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
