"""Port orders over HTTP: checks, creation, lists and secrets."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from telefonie_mcp.sandbox import create_sandbox
from tests.sandbox.porting.support import FIELDS, NUMBERS, OTHER, SECRETS, new_customer
from tests.sandbox.support import KEY, connect, problem


async def check(customer: Any, *numbers: str) -> list[dict[str, Any]]:
    answer = await customer.post("/portability-checks", phone_numbers=list(numbers))
    assert answer.status_code == 200
    return answer.json()["results"]


async def test_a_portability_check_names_what_a_port_requires() -> None:
    async with new_customer() as customer:
        local, toll_free, german = await check(customer, "+14155550101", "+18005550101", "+4930231250000")
        assert local == {
            "phone_number": "+14155550101",
            "portable": True,
            "country_code": "US",
            "type": "local",
            "losing_carrier": local["losing_carrier"],
            "required": ["account_number", "pin", "authorized_name", "postal_code", "loa"],
            "earliest_foc_date": "2026-11-30",
        }
        assert toll_free["type"] == "toll-free"
        assert "pin" not in toll_free["required"]
        assert toll_free["required"][-2:] == ["loa", "csr"]
        assert (german["country_code"], german["earliest_foc_date"]) == ("DE", "2026-12-01")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+14155550197", "PHONE_NUMBER_NOT_PORTABLE"),
        ("+14155550198", "RATE_CENTER_NOT_PORTABLE"),
        ("+15005550006", "PHONE_NUMBER_NOT_PORTABLE"),
        ("+19005550100", "PHONE_NUMBER_NOT_PORTABLE"),
        ("+24740123", "PHONE_NUMBER_NOT_PORTABLE"),  # Ascension Island: no portability here
    ],
)
async def test_a_number_that_cannot_be_ported_cannot_be_ordered(number: str, code: str) -> None:
    async with new_customer() as customer:
        (result,) = await check(customer, number)
        assert (result["portable"], result["code"]) == (False, code)
        assert result["reason"]
        refused = await customer.post("/port-orders", phone_numbers=[number])
        body = problem(refused)
        assert (refused.status_code, body["code"], body["field"]) == (422, "not_portable", "phone_numbers")
        assert number in body["detail"]


async def test_an_invalid_number_is_named_as_such() -> None:
    async with new_customer() as customer:
        (result,) = await check(customer, "+1415555")
        assert (result["portable"], result["code"]) == (False, "INVALID_NUMBER")
        refused = await customer.post("/port-orders", phone_numbers=["+1415555"])
        assert (refused.status_code, problem(refused)["code"]) == (400, "invalid_number")


async def test_a_number_of_this_account_is_not_ported_to_it() -> None:
    async with new_customer() as customer:
        await customer.post("/owned", phone_number=NUMBERS[0])
        (result,) = await check(customer, NUMBERS[0])
        assert result["code"] == "ALREADY_OWNED"
        refused = await customer.post("/port-orders", phone_numbers=NUMBERS)
        assert (refused.status_code, problem(refused)["code"]) == (409, "already_owned")


async def test_an_order_has_one_country_and_one_carrier() -> None:
    async with new_customer() as customer:
        refused = await customer.post("/port-orders", phone_numbers=["+14155550101", "+442079460123"])
        assert (refused.status_code, problem(refused)["code"]) == (422, "several_countries")
        results = await check(customer, *(f"+1415{exchange}0101" for exchange in range(230, 240)))
        carriers = {result["losing_carrier"]: result["phone_number"] for result in results}
        assert len(carriers) > 1
        refused = await customer.post("/port-orders", phone_numbers=list(carriers.values())[:2])
        assert (refused.status_code, problem(refused)["code"]) == (422, "several_carriers")
        assert all(carrier in problem(refused)["detail"] for carrier in list(carriers)[:2])


async def test_a_number_in_an_open_order_can_neither_be_bought_nor_ordered() -> None:
    app = create_sandbox(":memory:")
    async with connect(app, KEY) as one, connect(app, "test-key-2") as two:
        body = {"phone_numbers": NUMBERS}
        created = await one.post("/port-orders", json=body)
        path = f"/port-orders/{created.json()['port_order_id']}"
        for client in (one, two):
            again = await client.post("/port-orders", json=body)
            assert (again.status_code, problem(again)["code"]) == (409, "port_in_progress")
            bought = await client.post("/owned", json={"phone_number": NUMBERS[0]})
            assert (bought.status_code, problem(bought)["code"]) == (409, "number_unavailable")
            search = await client.get("/available?country_code=US&contains=4155550101")
            assert search.json() == {"available_numbers": []}
            (result,) = (
                await client.post("/portability-checks", json={"phone_numbers": NUMBERS[:1]})
            ).json()["results"]
            assert result["code"] == "PORT_IN_PROGRESS"
        for answer in (await two.get(path), await two.post(f"{path}/cancel"), await two.post(path, json={})):
            assert (answer.status_code, problem(answer)["code"]) == (404, "port_order_not_found")
        assert (await two.get("/port-orders")).json() == {"port_orders": [], "total": 0}
        assert (await one.post(f"{path}/cancel")).json()["status"] == "cancelled"
        assert (await two.post("/owned", json={"phone_number": NUMBERS[0]})).status_code == 201
        (result,) = (await one.post("/portability-checks", json={"phone_numbers": NUMBERS[:1]})).json()[
            "results"
        ]
        assert result["code"] == "PHONE_NUMBER_NOT_PORTABLE"
        refused = await one.post("/port-orders", json=body)
        assert (refused.status_code, problem(refused)["code"]) == (422, "not_portable")


async def test_of_concurrent_orders_for_one_number_one_succeeds() -> None:
    app = create_sandbox(":memory:")
    statuses: list[int] = []

    async def order(customer: int) -> None:
        async with connect(app, f"test-key-{customer}") as client:
            statuses.append((await client.post("/port-orders", json={"phone_numbers": OTHER})).status_code)

    async with anyio.create_task_group() as tasks:
        for customer in range(20):
            tasks.start_soon(order, customer)
    assert sorted(statuses) == [201, *[409] * 19]


async def test_port_orders_are_listed_with_filters_and_pages() -> None:
    async with new_customer() as customer:
        paths = [await customer.order([f"+1415555{line:04}"]) for line in range(101, 126)]
        await customer.client.post(f"{paths[3]}/cancel")

        async def page(query: str) -> tuple[list[str], int]:
            body = await customer.get(f"/port-orders?{query}")
            return [f"/port-orders/{order['port_order_id']}" for order in body["port_orders"]], body["total"]

        newest_first = paths[::-1]
        assert await page("") == (newest_first[:20], 25)
        assert await page("page=2") == (newest_first[20:], 25)
        assert await page("page=9") == ([], 25)
        assert await page("page_size=7&page=2") == (newest_first[7:14], 25)
        assert await page("status=cancelled") == ([paths[3]], 1)
        assert await page("status=ported") == ([], 0)
        assert await page("phone_number=%2B14155550110") == ([paths[9]], 1)
        assert await page("phone_number=%2B14155550104&status=draft") == ([], 0)
        (order,) = (await customer.get("/port-orders?status=cancelled"))["port_orders"]
        assert "events" not in order


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "phone_numbers"),
        ({"phone_numbers": []}, "phone_numbers"),
        ({"phone_numbers": "+14155550101"}, "phone_numbers"),
        ({"phone_numbers": [1]}, "phone_numbers"),
        ({"phone_numbers": ["4155550101"]}, "phone_numbers"),
        ({"phone_numbers": OTHER * 2}, "phone_numbers"),
        ({"phone_numbers": [f"+1415555{line:04}" for line in range(101)]}, "phone_numbers"),
        ({"phone_numbers": OTHER, "foc_date": "20261201"}, "foc_date"),
        ({"phone_numbers": OTHER, "foc_date": "2026-02-30"}, "foc_date"),
        ({"phone_numbers": OTHER, "foc_date": 20261201}, "foc_date"),
        ({"phone_numbers": OTHER, "authorized_name": "x" * 65}, "authorized_name"),
        ({"phone_numbers": OTHER, "postal_code": "9\u202e4"}, "postal_code"),
        ({"phone_numbers": OTHER, "voice_url": "ftp://example.com"}, "voice_url"),
        ({"phone_numbers": OTHER, "status": "ported"}, "status"),
    ],
)
async def test_an_invalid_order_is_refused(body: dict[str, object], field: str) -> None:
    async with new_customer() as customer:
        answer = await customer.client.post("/port-orders", json=body)
        assert (answer.status_code, problem(answer)["field"]) == (400, field)


@pytest.mark.parametrize("query", ["status=open", "phone_number=1", "page=0", "page_size=101", "sort=x"])
async def test_an_invalid_list_query_is_refused(query: str) -> None:
    async with new_customer() as customer:
        answer = await customer.client.get(f"/port-orders?{query}")
        assert (answer.status_code, problem(answer)["field"]) == (400, query.partition("=")[0])


@pytest.mark.parametrize("action", ["submit", "cancel"])
async def test_an_action_takes_no_body(action: str) -> None:
    async with new_customer() as customer:
        path = await customer.complete()
        refused = await customer.post(f"{path}/{action}", reason="x")
        assert (refused.status_code, problem(refused)["code"]) == (400, "bad_parameter")
        assert (await customer.post(f"{path}/{action}")).status_code == 200


@pytest.mark.parametrize("name", ["pin", "account_number"])
@pytest.mark.parametrize(
    "value", ["", "secret-ümlaut-4711", "secret\n4711", "secret-4711" * 9, ["secret-4711"]]
)
async def test_a_problem_with_a_secret_does_not_repeat_it(name: str, value: object) -> None:
    async with new_customer() as customer:
        answer = await customer.post("/port-orders", phone_numbers=OTHER, **{name: value})
        assert (answer.status_code, problem(answer)["field"]) == (400, name)
        assert "4711" not in answer.text


async def test_secrets_are_neither_shown_nor_stored(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.sqlite3"
    async with new_customer(database) as customer:
        path = await customer.complete()
        await customer.submit(path)
        answers = [
            (await customer.client.get(path)).text,
            (await customer.client.get("/port-orders")).text,
            (await customer.post(path, pin=SECRETS["pin"])).text,
        ]
    kept = everything_in(tmp_path)
    for secret in SECRETS.values():
        assert not any(secret in answer for answer in answers)
        assert secret.encode() not in kept
    assert FIELDS["authorized_name"].encode() in kept  # what is not secret is found this way


def everything_in(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.iterdir())


async def test_an_order_survives_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.sqlite3"
    async with new_customer(database) as customer:
        path = await customer.complete()
        await customer.submit(path)
        before, now = await customer.get(path), customer.now
    async with new_customer(database) as customer:
        customer.now = now
        assert await customer.get(path) == before
        customer.wait(days=30)
        assert (await customer.get(path))["status"] == "ported"


async def test_a_failing_step_is_rolled_back(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.sqlite3"
    async with new_customer(database) as customer:
        path = await customer.complete()
        await customer.submit(path)
        before = await customer.get(path)
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("ALTER TABLE port_events RENAME TO elsewhere")
        customer.wait(days=30)
        assert (await customer.client.get("/owned")).status_code == 503
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO port_events")
            assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
        customer.wait(days=-30)
        assert await customer.get(path) == before
