"""The lifecycle of a port order, with rejections, changes and cancellation."""

from datetime import UTC, datetime
from typing import Any

import pytest

from telefonie_mcp.sandbox.porting.rejections import AT_ACTIVATION, WORDS, RejectionCode
from tests.sandbox.porting.support import FIELDS, NUMBERS, OTHER, new_customer
from tests.sandbox.support import problem


def happened(order: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(event["at"], event["event"], event["status"]) for event in order["events"]]


async def test_from_draft_to_ported_each_step_has_its_time() -> None:
    routing = {"voice_url": "https://example.com/v", "sms_url": "https://example.com/s"}
    async with new_customer() as customer:
        path = await customer.order(**routing, friendly_name="Front desk")
        draft = await customer.get(path)
        assert draft["missing"] == ["account_number", "pin", "authorized_name", "postal_code", "loa"]
        assert (draft["status"], draft["monthly_rate"], draft["foc_date"]) == ("draft", "2.30", "2026-11-30")
        customer.wait(minutes=1)
        waiting = (await customer.post(path, **FIELDS)).json()
        assert (waiting["status"], waiting["missing"]) == ("pending_documents", ["loa"])
        customer.wait(minutes=1)
        ready = (await customer.upload(path)).json()
        assert (ready["status"], ready["missing"]) == ("draft", [])
        customer.wait(minutes=1)
        await customer.submit(path)
        customer.wait(days=20)
        ported = await customer.get(path)
        assert happened(ported) == [
            ("2026-11-24T10:00:00Z", "created", "draft"),
            ("2026-11-24T10:01:00Z", "updated", "pending_documents"),
            ("2026-11-24T10:02:00Z", "document_uploaded", "draft"),
            ("2026-11-24T10:03:00Z", "submitted", "submitted"),
            ("2026-11-24T14:03:00Z", "foc_confirmed", "foc_confirmed"),
            ("2026-11-30T15:00:00Z", "ported", "ported"),
        ]
        owned = (await customer.client.get("/owned")).json()["numbers"]
        assert [number["phone_number"] for number in owned] == NUMBERS
        for number in owned:
            assert {
                **routing,
                "friendly_name": "Front desk",
                "monthly_rate": "1.15",
            }.items() <= number.items()
            assert number["date_created"] == "2026-11-30T15:00:00Z"
        released = await customer.client.delete("/owned/%2B14155550101")
        assert released.status_code == 204
        again = await customer.post("/owned", phone_number=NUMBERS[0])
        assert again.status_code == 201


async def test_what_is_due_is_applied_by_any_request() -> None:
    async with new_customer() as customer:
        await customer.submit(await customer.complete())
        customer.wait(days=6, hours=5)
        assert (await customer.client.get("/owned")).json()["total"] == 2


@pytest.mark.parametrize("code", WORDS)
@pytest.mark.parametrize("secret", ["account_number", "pin"])
async def test_each_rejection_on_demand_and_its_correction(code: RejectionCode, secret: str) -> None:
    async with new_customer() as customer:
        path = await customer.complete(**{secret: f"reject-{code}"})
        await customer.submit(path)
        customer.wait(days=7)
        rejected = await customer.get(path)
        assert rejected["status"] == "exception"
        assert rejected["rejection"] == {"code": code, "reason": WORDS[code]}
        assert rejected["events"][-1].items() >= {"event": "rejected", "code": code}.items()
        confirmed = "foc_confirmed" in [event["event"] for event in rejected["events"]]
        assert confirmed is (code in AT_ACTIVATION)
        assert (await customer.client.get("/owned")).json()["total"] == 0

        corrected = (await customer.post(path, **{secret: "right-this-time"})).json()
        assert corrected["status"] == "exception"
        assert "rejection" not in await customer.submit(path)
        customer.wait(days=14)
        assert (await customer.get(path))["status"] == "ported"


async def test_a_pin_of_zeros_is_rejected() -> None:
    async with new_customer() as customer:
        path = await customer.complete(pin="0000")
        await customer.submit(path)
        customer.wait(hours=4)
        assert (await customer.get(path))["rejection"]["code"] == "PASSCODE_PIN_INVALID"
        await customer.submit(path)
        customer.wait(days=1)
        assert (await customer.get(path))["rejection"]["code"] == "PASSCODE_PIN_INVALID"


@pytest.mark.parametrize(
    "value", ["reject-NOTHING", "reject-", "reject-other", "Reject-OTHER", "000", "00000"]
)
async def test_a_value_that_is_no_trigger_is_accepted(value: str) -> None:
    async with new_customer() as customer:
        path = await customer.complete(account_number=value, pin=value)
        await customer.submit(path)
        customer.wait(days=14)
        assert (await customer.get(path))["status"] == "ported"


async def test_a_draft_that_is_not_changed_for_48_hours_expires() -> None:
    async with new_customer() as customer:
        path = await customer.order()
        customer.wait(hours=47)
        await customer.post(path, friendly_name="still wanted")
        customer.wait(hours=47, minutes=59)
        assert (await customer.get(path))["status"] == "draft"
        customer.wait(minutes=1)
        expired = await customer.get(path)
        assert (expired["status"], expired["possible"], expired["missing"]) == ("cancelled", [], [])
        assert happened(expired)[-1] == ("2026-11-28T09:00:00Z", "expired", "cancelled")
        assert await customer.order()  # its numbers are free again


async def test_pending_documents_expires_too_and_an_exception_does_not() -> None:
    async with new_customer() as customer:
        pending = await customer.in_state("pending_documents")
        rejected = await customer.complete(OTHER, pin="0000")
        await customer.submit(rejected)
        customer.wait(days=20)
        assert (await customer.get(pending))["status"] == "cancelled"
        assert (await customer.get(rejected))["status"] == "exception"


async def test_a_cancellation_takes_business_hours_and_frees_the_numbers() -> None:
    async with new_customer() as customer:
        path = await customer.in_state("cancel_pending")
        refused = await customer.post("/port-orders", phone_numbers=NUMBERS)
        assert (refused.status_code, problem(refused)["code"]) == (409, "port_in_progress")
        customer.wait(hours=2)
        cancelled = await customer.get(path)
        assert cancelled["status"] == "cancelled"
        assert [event["event"] for event in cancelled["events"][-2:]] == ["cancel_requested", "cancelled"]
        assert await customer.order()
        assert (await customer.client.get("/owned")).json()["total"] == 0


async def test_less_than_24_hours_before_the_foc_nothing_changes() -> None:
    async with new_customer() as customer:
        path = await customer.in_state("foc_confirmed")
        customer.now = datetime(2026, 11, 29, 15, tzinfo=UTC)
        assert (await customer.post(path, friendly_name="in time")).status_code == 200
        customer.wait(seconds=1)
        before = await customer.get(path)
        assert before["possible"] == []
        for answer in (
            await customer.post(path, friendly_name="late"),
            await customer.client.post(f"{path}/cancel"),
        ):
            body = problem(answer)
            assert (answer.status_code, body["code"]) == (409, "too_close_to_foc")
            assert (body["state"], body["possible"]) == ("foc_confirmed", [])
        assert await customer.get(path) == before


async def test_a_confirmed_order_can_change_its_date_but_nothing_that_the_carrier_judged() -> None:
    async with new_customer() as customer:
        path = await customer.in_state("foc_confirmed")
        for change in ({"pin": "12345"}, {"postal_code": "1"}, {"phone_numbers": OTHER}):
            refused = await customer.post(path, **change)
            assert (refused.status_code, problem(refused)["code"]) == (409, "state_conflict")
        assert (await customer.post(path, sms_url="https://example.com/s")).json()[
            "status"
        ] == "foc_confirmed"
        same = await customer.post(path, foc_date="2026-11-30")
        assert same.json()["status"] == "foc_confirmed"
        moved = (await customer.post(path, foc_date="2026-12-02")).json()
        assert (moved["status"], moved["foc_date"]) == ("submitted", "2026-12-02")
        customer.wait(days=6)
        assert (await customer.get(path))["status"] == "foc_confirmed"
        customer.wait(days=2, hours=2)
        assert (await customer.get(path))["status"] == "ported"
        assert (await customer.client.get("/owned/%2B14155550101")).json()[
            "sms_url"
        ] == "https://example.com/s"


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-11-27", "needs until 2026-11-30"),
        ("2026-12-05", "no business day in US"),  # a Saturday
        ("2026-12-25", "30 days"),
        ("2025-12-01", "needs until"),
    ],
)
async def test_the_foc_date_is_a_business_day_within_30_days(day: str, why: str) -> None:
    async with new_customer() as customer:
        path = await customer.complete(OTHER)
        before = await customer.get(path)
        for answer in (
            await customer.post("/port-orders", phone_numbers=NUMBERS, foc_date=day),
            await customer.post(path, foc_date=day),
        ):
            body = problem(answer)
            assert (answer.status_code, body["code"], body["field"]) == (422, "invalid_foc_date", "foc_date")
            assert why in body["detail"]
        assert await customer.get(path) == before
        assert (await customer.client.get("/port-orders")).json()["total"] == 1


async def test_the_last_day_of_the_30_is_allowed() -> None:
    async with new_customer() as customer:
        path = await customer.complete(foc_date="2026-12-24")
        await customer.submit(path)
        customer.wait(days=31)
        assert happened(await customer.get(path))[-1] == ("2026-12-24T15:00:00Z", "ported", "ported")


async def test_a_date_that_was_chosen_too_long_ago_must_be_chosen_again() -> None:
    async with new_customer() as customer:
        path = await customer.complete(foc_date="2026-11-30")
        customer.wait(days=1)
        refused = await customer.client.post(f"{path}/submit")
        assert (refused.status_code, problem(refused)["code"]) == (422, "invalid_foc_date")
        assert (await customer.get(path))["status"] == "draft"
        await customer.post(path, foc_date="2026-12-01")
        assert (await customer.submit(path))["foc_date"] == "2026-12-01"


async def test_the_loa_and_everything_else_is_required_before_submitting() -> None:
    async with new_customer() as customer:
        path = await customer.order()
        refused = await customer.client.post(f"{path}/submit")
        assert (refused.status_code, problem(refused)["code"]) == (409, "loa_required")
        await customer.upload(path)
        refused = await customer.client.post(f"{path}/submit")
        assert (refused.status_code, problem(refused)["code"]) == (409, "order_incomplete")
        assert "account_number, pin, authorized_name, postal_code" in problem(refused)["detail"]
        await customer.post(path, **FIELDS)
        await customer.submit(path)


async def test_a_document_uploaded_twice_is_stored_once() -> None:
    async with new_customer() as customer:
        path = await customer.order()
        first = (await customer.upload(path)).json()
        again = await customer.upload(path)
        assert (again.status_code, again.json()) == (201, first)
        other = (await customer.upload(path, "csr")).json()
        assert [document["type"] for document in other["documents"]] == ["loa", "csr"]


async def test_the_numbers_can_be_changed_until_the_order_is_submitted() -> None:
    async with new_customer() as customer:
        path = await customer.order(["+14155550101"], **FIELDS)
        changed = (await customer.post(path, phone_numbers=["+442079460123"])).json()
        assert (changed["phone_numbers"], changed["country_code"]) == (["+442079460123"], "GB")
        assert await customer.order(["+14155550101"])
        refused = await customer.post(path, phone_numbers=["+14155550101"])
        assert (refused.status_code, problem(refused)["code"]) == (409, "port_in_progress")
        assert (await customer.get(path))["phone_numbers"] == ["+442079460123"]
