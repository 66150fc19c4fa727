"""A write that has begun is finished whoever leaves; no other is begun once the server is closing."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.calls.pipeline import Result
from telefonie_mcp.errors import ToolError
from telefonie_mcp.ledger.accounts import Limits
from telefonie_mcp.ledger.records import Intent, State
from telefonie_mcp.ledger.store import Ledger
from telefonie_mcp.tools.catalog import Tool
from tests.support import faulty as f
from tests.support.faulty import NUMBER, Exchange, Fault, faulty
from tests.support.held import Held
from tests.support.served import WRITES, live_app, written

api_404 = f.replying(404)


def in_a_file(home: Path) -> SecretStr:
    return SecretStr(str(home / "ledger.sqlite3"))


async def call(app: App, name: str = "purchase_number") -> Result:
    return await app.pipeline.call(name, WRITES[name][1], CommandLine())


@pytest.mark.parametrize(("then", "reconciled"), [(Exchange.honest, False), (f.after(True, f.close), True)])
async def test_a_cancelled_write_is_finished_and_recorded(then: Fault, reconciled: bool) -> None:
    held = Held(then)
    async with faulty(POST=[held]) as provider, live_app(provider, 5) as app:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, app)
            await held.arrived.wait()
            tasks.cancel_scope.cancel()
            held.go.set()
        assert NUMBER in provider.owned
        assert written(provider) == 1
        assert provider.count("GET") == 1 + reconciled
        assert [entry.state for entry in await app.recent_writes()] == ["done"]


async def test_a_cancelled_read_stops() -> None:
    held = Held()
    async with faulty(GET=[held]) as provider, live_app(provider, 5) as app:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.pipeline.call, "list_owned_numbers", None, CommandLine())
            await held.arrived.wait()
            tasks.cancel_scope.cancel()
        assert provider.count("GET") == 1


async def test_a_call_that_is_cancelled_before_its_write_writes_nothing() -> None:
    held = Held()
    async with faulty(GET=[held]) as provider, live_app(provider, 5) as app:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, app)
            await held.arrived.wait()
            tasks.cancel_scope.cancel()
        held.go.set()
        assert written(provider) == 0
        assert await app.recent_writes() == []


async def test_draining_waits_for_every_write_and_accepts_no_call() -> None:
    held = Held()
    results: list[Result] = []
    drained = anyio.Event()
    async with faulty(POST=[held]) as provider, live_app(provider, 5) as app:

        async def buy() -> None:
            results.append(await call(app))

        async def drain() -> None:
            await app.pipeline.drain()
            assert len(results) == 1
            drained.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            await held.arrived.wait()
            tasks.start_soon(drain)
            await anyio.wait_all_tasks_blocked()
            assert not drained.is_set()
            with pytest.raises(ToolError, match=r"^Nothing was done: the server is shutting down\.$"):
                await app.pipeline.call("list_owned_numbers", {}, CommandLine())
            held.go.set()
            await drained.wait()
        assert results[0].content["phone_number"] == NUMBER


async def test_a_call_that_has_not_begun_to_write_does_not_begin_after_draining() -> None:
    held = Held()
    errors: list[ToolError] = []
    async with faulty(GET=[held]) as provider, live_app(provider, 5) as app:

        async def buy() -> None:
            with pytest.raises(ToolError) as caught:
                await call(app)
            errors.append(caught.value)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            await held.arrived.wait()
            await app.pipeline.drain()
            held.go.set()
        assert [error.code for error in errors] == ["shutting_down"]
        assert written(provider) == 0


def recorded(app: App, name: str, clock: Callable[[], datetime], **intent: Any) -> None:
    """Leave an intent in the ledger, as a process does that was killed."""
    tool = app.catalog[name]
    subject = intent["arguments"]["phone_number"]
    ledger = Ledger.open(app.settings.ledger_url, clock=clock)
    account = app.account(tool)
    ledger.begin(
        Intent(
            account.name,
            name,
            tool.operation.id,
            tool.hints.effect,
            subject,
            caller="test",
            lease=-1,
            key=account.key,
            **intent,
        ),
        Limits(),
    )
    ledger.close()


def now() -> datetime:
    return datetime.now(UTC)


def an_hour_ago() -> datetime:
    return now() - timedelta(hours=1)


async def test_recovery_leaves_a_call_its_time(tmp_path: Path) -> None:
    async with faulty(GET=[f.hang]) as provider, live_app(provider, 3, ledger=in_a_file(tmp_path)) as app:
        for number in ("+14155550101", "+14155550102", "+14155550103"):
            recorded(app, "purchase_number", an_hour_ago, arguments={"phone_number": number})
        with pytest.raises(ToolError, match=r"^Nothing was done: the API did not"):
            await call(app)
        assert provider.log[-1] == ("GET", f"/v1/numbers/owned/{NUMBER.replace('+', '%2B')}")  # its own look
        assert written(provider) == 0


async def test_what_may_still_happen_is_not_done_a_second_time(tmp_path: Path) -> None:
    async with faulty() as provider, live_app(provider, 10, ledger=in_a_file(tmp_path)) as app:
        recorded(app, "purchase_number", now, arguments={"phone_number": NUMBER})
        with pytest.raises(ToolError) as caught:
            await call(app)
        assert caught.value.code == "in_progress"
        assert written(provider) == 0


@pytest.mark.parametrize(
    ("looks", "code"),
    [([f.replying(401), Exchange.honest], "unauthorized"), ([api_404, Exchange.honest], "in_progress")],
    ids=["it cannot be looked up", "it happens between two looks"],
)
async def test_nothing_is_said_of_a_number_while_an_earlier_write_about_it_is_not_settled(
    looks: list[Fault], code: str, tmp_path: Path
) -> None:
    async with faulty() as provider, live_app(provider, 60, ledger=in_a_file(tmp_path)) as app:
        recorded(app, "purchase_number", now, arguments={"phone_number": NUMBER})
        provider.own()
        provider.faults["GET"] = looks
        with pytest.raises(ToolError, match=r"^Nothing was done: ") as refused:
            await call(app)
        assert refused.value.code == code
        assert [entry.state for entry in await app.recent_writes()] == ["intent"]
        with pytest.raises(ToolError, match="already in this account"):
            await call(app)
        assert [entry.state for entry in await app.recent_writes()] == ["done"]
        assert written(provider) == 0


async def test_what_the_current_state_does_not_tell_is_closed_as_unverified(tmp_path: Path) -> None:
    async with faulty() as provider, live_app(provider, 5, ledger=in_a_file(tmp_path)) as app:
        provider.own(voice_url="https://example.com/somebody-elses")
        sent = {"phone_number": NUMBER, "voice_url": "https://example.com/lost"}
        before = {"voice_url": "https://example.com/old"}
        recorded(app, "update_owned_number", an_hour_ago, arguments=sent, previous=before)
        await call(app, "update_owned_number")
        assert [entry.state for entry in await app.recent_writes()] == ["done", "unverified"]


class _Defect(httpx2.AsyncBaseTransport):
    """A transport with a programming error in it, which shows with one method."""

    def __init__(self, method: str) -> None:
        self.method = method

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == self.method:
            raise RuntimeError("secret detail")
        return httpx2.Response(404, json={})


@pytest.mark.parametrize(
    ("method", "known"),
    [("GET", "Nothing was done"), ("POST", "It is unknown whether purchase_number was carried out")],
)
async def test_a_defect_is_told_without_its_details(
    method: str, known: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with live_app(None, transport=_Defect(method)) as app:
        with pytest.raises(ToolError) as caught:
            await call(app)
    assert caught.value.message == f"{known}: the server failed unexpectedly."
    assert caught.value.code == "internal_error"
    assert "secret detail" not in str(caught.value.as_dict())
    assert "secret detail" in caplog.text


async def test_observers_are_told_of_every_write_that_was_begun_and_cannot_spoil_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[tuple[str, Any, str]] = []

    async def broken(*_: object) -> None:
        raise RuntimeError

    async def follow(tool: Tool, values: Mapping[str, Any], state: State) -> None:
        told.append((tool.name, values.get("phone_number"), state))

    async with faulty(DELETE=[f.replying(409)]) as provider, live_app(provider, 5) as app:
        app.write_observers.extend([broken, follow])
        assert (await call(app)).content["phone_number"] == NUMBER
        with pytest.raises(ToolError, match="already in this account"):
            await call(app)
        with pytest.raises(ToolError, match="409"):
            await call(app, "release_number")
    assert told == [("purchase_number", NUMBER, "done"), ("release_number", NUMBER, "refused")]
    assert "somebody could not be told that purchase_number is done" in caplog.text
