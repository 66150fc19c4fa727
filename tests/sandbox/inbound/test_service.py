"""Calls and SMS to the numbers of a sandbox over a file, and their log."""

import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from telefonie_mcp.sandbox import SandboxError, create_sandbox, move_clock, reset
from telefonie_mcp.sandbox.inbound import Inbound, deliver, events, webhook_secret
from tests.sandbox.inbound.support import CALLER, NUMBER, owned, webhook
from tests.sandbox.support import connect
from tests.support.ports import closed_port

CALL = Inbound("call", NUMBER, CALLER)
SMS = Inbound("sms", NUMBER, CALLER, "Hello")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.sqlite3"


async def test_a_call_and_an_sms_reach_their_webhooks_and_are_logged(database: Path) -> None:
    async with webhook() as hook:
        await owned(database, voice_url=f"{hook.base}/voice", sms_url=f"{hook.base}/sms")
        called = await deliver(database, CALL, allow_private=True)
        texted = await deliver(database, SMS, allow_private=True)
    assert [path for path, _, _ in hook.requests] == ["/voice", "/sms"]
    assert called.body == "<Response><Say>Hello</Say></Response>"
    assert (called.event.outcome, called.event.status) == ("delivered", 200)
    assert events(database, NUMBER) == [called.event, texted.event]
    assert [event.kind for event in events(database, NUMBER)] == ["call", "sms"]
    assert called.event.url == f"{hook.base}/voice"
    assert called.event.milliseconds is not None


async def test_a_receiver_can_verify_the_signature(database: Path) -> None:
    async with webhook() as hook:
        await owned(database, voice_url=hook.base)
        secret = webhook_secret(database)
        before = int(time.time())
        await deliver(database, CALL, allow_private=True)
    ((_, headers, body),) = hook.requests
    at, v1 = (part.partition("=")[2] for part in headers["telefonie-signature"].split(","))
    assert hmac.compare_digest(
        v1, hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    )
    assert before <= int(at) <= time.time()
    assert parse_qs(body.decode())["To"] == [NUMBER]


async def test_the_signature_has_the_real_time_and_the_log_the_sandbox_s(database: Path) -> None:
    async with webhook() as hook:
        await owned(database, voice_url=hook.base)
        move_clock(database, timedelta(days=3))
        before = datetime.now(UTC).replace(microsecond=0)
        event = (await deliver(database, CALL, allow_private=True)).event
    ((_, headers, _),) = hook.requests
    at = int(headers["telefonie-signature"].removeprefix("t=").partition(",")[0])
    now = datetime.now(UTC)
    assert before <= datetime.fromtimestamp(at, UTC) <= now
    assert before <= event.at - timedelta(days=3) <= now


async def test_each_account_has_a_secret_of_its_own_that_stays(database: Path) -> None:
    await owned(database)
    async with connect(create_sandbox(database), "other-key-1") as other:
        await other.post("/owned", json={"phone_number": "+14155550101"})
    mine, theirs = webhook_secret(database, NUMBER), webhook_secret(database, "+14155550101")
    assert mine != theirs
    assert webhook_secret(database) == mine
    assert webhook_secret(database, "+14155550101") == theirs
    assert mine.startswith("whsec_")
    reset(database)
    assert webhook_secret(database) != mine
    assert events(database, NUMBER) == []


async def test_a_number_without_a_webhook_says_what_to_set(database: Path) -> None:
    await owned(database, voice_url="https://example.com/voice")
    delivery = await deliver(database, SMS, allow_private=True)
    assert delivery.event.outcome == "unrouted"
    assert delivery.event.detail == (
        f"{NUMBER} has no sms_url, so nothing was sent. Set it with update_owned_number."
    )
    assert events(database, NUMBER) == [delivery.event]
    assert (delivery.event.url, delivery.event.milliseconds) == ("", None) or delivery.event.url is None


async def test_an_sms_to_a_number_without_sms_is_not_sent(database: Path) -> None:
    london = "+442079460123"
    async with webhook() as hook:
        await owned(database, london, voice_url=f"{hook.base}/voice", sms_url=f"{hook.base}/sms")
        refused = await deliver(database, Inbound("sms", london, CALLER, "Hello"), allow_private=True)
        called = await deliver(database, Inbound("call", london, CALLER), allow_private=True)
    assert refused.event.outcome == "incapable"
    assert refused.event.detail == f"{london} has no SMS: local numbers of GB cannot do it."
    assert called.event.outcome == "delivered"
    assert [path for path, _, _ in hook.requests] == ["/voice"]


async def test_a_private_address_must_be_allowed(database: Path) -> None:
    async with webhook() as hook:
        await owned(database, voice_url=hook.base)
        event = (await deliver(database, CALL)).event
    assert event.outcome == "forbidden_address"
    assert hook.requests == []


async def test_failures_are_logged_with_their_reason(database: Path) -> None:
    async def slow(request: Request) -> Response:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return Response()

    with closed_port() as port:
        async with webhook(slow) as hook:
            await owned(database, voice_url=hook.base, sms_url=f"http://127.0.0.1:{port}/sms")
            with anyio.fail_after(300):
                await deliver(database, CALL, allow_private=True, seconds=1)
                await deliver(database, SMS, allow_private=True)
    assert [event.outcome for event in events(database, NUMBER)] == ["timed_out", "unreachable"]
    assert [event.outcome for event in events(database, NUMBER, limit=1)] == ["unreachable"]


async def test_credentials_in_a_url_are_used_and_not_logged(database: Path) -> None:
    async with webhook() as hook:
        url = hook.base.replace("http://", "http://user:hush@")
        await owned(database, voice_url=f"{url}/voice")
        event = (await deliver(database, CALL, allow_private=True)).event
    ((_, headers, _),) = hook.requests
    assert headers["authorization"].startswith("Basic ")
    assert event.url == f"{hook.base}/voice"


async def test_a_number_that_nobody_owns_is_an_error(database: Path) -> None:
    with pytest.raises(SandboxError, match=r"Nobody owns \+14155550100"):
        await deliver(database, CALL)
    with pytest.raises(SandboxError, match=r"Nobody owns \+14155550100"):
        webhook_secret(database, NUMBER)


async def test_a_sandbox_in_memory_is_an_error() -> None:
    with pytest.raises(SandboxError, match="in memory"):
        await deliver(":memory:", CALL)
