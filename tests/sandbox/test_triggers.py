"""The test numbers and keys in the tables of the package's docstring."""

import re
from typing import Any

import anyio
import httpx2 as httpx
import pytest

from telefonie_mcp import sandbox
from telefonie_mcp.sandbox import create_sandbox
from telefonie_mcp.sandbox.triggers import TRIGGERS
from tests.sandbox.support import KEY, connect, embedded, problem
from tests.support.wire import SECONDS

ROWS: list[tuple[str, str, str]] = re.findall(
    r"^\| (\+\d+) \| (.*) \| (yes|no) \|$", sandbox.__doc__ or "", re.MULTILINE
)
SILENT = "+15005550023"
BUYABLE = ["+15005550006", "+15005550012", "+15005550020", "+15005550022", SILENT]


def path(number: str) -> str:
    return f"/owned/%2B{number[1:]}"


async def buy(client: httpx.AsyncClient, number: str) -> httpx.Response:
    return await client.post("/owned", json={"phone_number": number})


async def assert_no_answer(client: httpx.AsyncClient, number: str) -> None:
    """Buy a number, and leave when it is bought and nothing goes on any more."""
    answers: list[httpx.Response] = []

    async def wait() -> None:
        answers.append(await buy(client, number))

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            while (await client.get(path(number))).status_code == 404:
                pass
            await anyio.wait_all_tasks_blocked()
            assert answers == []
            tasks.cancel_scope.cancel()


async def found(client: httpx.AsyncClient, **query: str) -> list[str]:
    body: dict[str, Any] = (await client.get("/available", params={"country_code": "US", **query})).json()
    return [number["phone_number"] for number in body["available_numbers"]]


def test_the_documentation_names_every_test_number() -> None:
    assert [number for number, _, _ in ROWS] == list(TRIGGERS)


@pytest.mark.parametrize(("number", "purchase", "owned"), ROWS)
async def test_a_test_number_has_the_documented_effect(number: str, purchase: str, owned: str) -> None:
    async with connect(create_sandbox(":memory:"), KEY) as client:
        if purchase.startswith("no answer"):
            await assert_no_answer(client, number)
        else:
            answer = await buy(client, number)
            assert purchase.startswith(str(answer.status_code))
            if answer.status_code >= 400:
                assert f"`{problem(answer)['code']}`" in purchase
            if answer.status_code == 429:
                assert f"`Retry-After: {answer.headers['Retry-After']}`" in purchase
                again = await buy(client, number)
                assert again.status_code == (201 if "first time" in purchase else 429)
        assert (await client.get(path(number))).status_code == (200 if owned == "yes" else 404)
        assert (await client.get("/owned")).json()["total"] == (owned == "yes")


@pytest.mark.parametrize("number", BUYABLE)
async def test_a_test_number_that_can_be_owned_is_like_any_other(number: str) -> None:
    async with embedded() as client:
        await (assert_no_answer if number == SILENT else buy)(client, number)
        if number == "+15005550012":
            await buy(client, number)
        again = await buy(client, number)
        assert problem(again)["code"] == "already_owned"
        assert number not in await found(client, area_code="500")
        updated = await client.post(path(number), json={"voice_url": "https://example.com/"})
        assert updated.json()["voice_url"] == "https://example.com/"
        assert (updated.json()["country_code"], updated.json()["type"]) == ("US", "local")
        assert (await client.delete(path(number))).status_code == 204
        assert number in await found(client, area_code="500")


async def test_a_truncated_response_is_half_of_the_full_one() -> None:
    async with embedded() as client:
        answer = await buy(client, "+15005550022")
        assert answer.headers["content-type"] == "application/json"
        whole = (await client.get(path("+15005550022"))).content
        assert answer.content == whole[: len(whole) // 2]


async def test_every_account_can_buy_the_test_numbers() -> None:
    app = create_sandbox(":memory:")
    async with connect(app, KEY) as one, connect(app, "test-key-2") as two:
        for client in (one, two):
            assert "+15005550006" in await found(client, area_code="500")
            answer = await buy(client, "+15005550006")
            assert answer.status_code == 201
            limited = await buy(client, "+15005550012")
            assert limited.status_code == 429


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"area_code": "500"}, BUYABLE),
        ({"area_code": "500", "type": "local", "limit": "2"}, BUYABLE[:2]),
        ({"area_code": "500", "sms_enabled": "false"}, []),
        ({"area_code": "500", "contains": "55002"}, BUYABLE[2:]),
        ({"area_code": "533"}, []),
        ({"contains": "15005550006"}, ["+15005550006"]),
        ({"contains": "15005550010"}, ["+15005550010"]),
        ({"contains": "15005550021", "area_code": "500"}, ["+15005550021"]),
        ({"contains": "15005550000"}, []),
        ({"contains": "15005550001"}, []),
        ({"contains": "15005550017"}, []),
        ({"contains": "15005550099"}, []),
        ({"contains": "15005550006", "type": "toll-free"}, []),
    ],
)
async def test_searches_find_test_numbers_that_are_asked_for(
    query: dict[str, str], expected: list[str]
) -> None:
    async with embedded() as client:
        assert await found(client, **query) == expected


async def test_searches_do_not_find_test_numbers_by_accident() -> None:
    async with embedded() as client:
        for query in (
            {},
            {"contains": "500555"},
            {"area_code": "415"},
            {"contains": "5005550", "area_code": "415"},
        ):
            assert not TRIGGERS.keys() & set(await found(client, **query))
        assert (await client.get("/available?country_code=GB&contains=5005550")).status_code == 200


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("sandbox-unauthorized", 401, "unauthorized"),
        ("sandbox-forbidden", 403, "forbidden"),
        ("sandbox-limited", 429, "rate_limited"),
    ],
)
async def test_a_switch_refuses_every_request(key: str, status: int, code: str) -> None:
    assert f"| `{key}` | {status} `{code}`" in (sandbox.__doc__ or "")
    async with connect(create_sandbox(":memory:"), key) as client:
        for method, target in (
            ("GET", "/owned"),
            ("GET", "/available?country_code=US"),
            ("DELETE", path("+15005550006")),
        ):
            answer = await client.request(method, target)
            assert (answer.status_code, problem(answer)["code"]) == (status, code)
            assert answer.headers.get("Retry-After") == ("2" if status == 429 else None)


async def test_an_account_without_money_can_do_everything_but_buy() -> None:
    async with connect(create_sandbox(":memory:"), "sandbox-broke") as client:
        assert await found(client)
        for number in ("+14155550100", "+15005550006"):
            answer = await buy(client, number)
            assert (answer.status_code, problem(answer)["code"]) == (402, "insufficient_funds")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+14155550100", None),
        ("+15005550006", None),
        ("+493012345678", "address_required"),
        ("+390612345678", "bundle_required"),
    ],
)
async def test_an_unverified_account_meets_the_regulation(number: str, code: str | None) -> None:
    app = create_sandbox(":memory:")
    async with connect(app, "sandbox-unverified") as unverified, connect(app, KEY) as verified:
        answer = await buy(unverified, number)
        if code is None:
            assert answer.status_code == 201
        else:
            assert (answer.status_code, problem(answer)["code"]) == (422, code)
            allowed = await buy(verified, number)
            assert allowed.status_code == 201


async def test_an_embedded_sandbox_ignores_keys() -> None:
    app = create_sandbox(":memory:", embedded=True)
    async with connect(app, "sandbox-unauthorized") as one, connect(app, "?") as two, connect(app) as three:
        await buy(one, "+14155550100")
        for client in (one, two, three):
            assert (await client.get("/owned")).json()["total"] == 1
