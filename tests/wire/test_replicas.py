"""Real processes on one real PostgreSQL: alone, behind HAProxy, at their start, at their end, and killed."""

import json
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult
from starlette.types import Message, Receive, Scope, Send

from telefonie_mcp.sandbox import create_sandbox
from tests.support.account import read
from tests.support.faulty import NUMBER
from tests.support.held import Held
from tests.support.postgres import GROUP
from tests.support.replicas import STATE_KEY, behind, place, ready, until_ready
from tests.support.serving import serving
from tests.support.shop import Shop
from tests.support.tenants import write_tenants
from tests.support.transports import both_eras
from tests.support.wire import Mode, answer_of, running

pytestmark = [GROUP, pytest.mark.whole]
BOUGHT, FREE = "+14155550123", "+14155550199"
LOG = "telefonie://log"


def buying(number: str = NUMBER) -> tuple[str, dict[str, Any]]:
    return "purchase_number", {"phone_number": number, "confirm": True}


async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"approve": True})


async def test_an_issuer_that_is_down_does_not_stop_the_start_and_an_outage_later_is_named(
    postgresql: str, tmp_path: Path
) -> None:
    async with place(postgresql, tmp_path) as (made, _):
        made.issuer.down = True
        async with made.replica() as server:
            code, said = await ready(server)
            assert (code, said["status"], said["issuer"]) == (503, "starting", "unreachable")
            made.issuer.down = False
            said = await until_ready(server)
            assert (said["status"], said["ledger"], said["issuer"]) == ("ready", "ok", "ok")
            async with made.client(await server.address()) as client:
                assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 0
            assert not [secret for secret in (STATE_KEY, "postgres", str(tmp_path)) if secret in str(said)]


@both_eras
async def test_sigterm_under_load_loses_no_write_and_breaks_no_call(
    mode: Mode, postgresql: str, tmp_path: Path
) -> None:
    """Purchases are held in the middle when the signal comes; everybody who had begun gets an answer."""
    held, shop = Held(), Shop()
    numbers = [f"+1415555{last:04}" for last in range(10)]
    answers: list[dict[str, Any]] = []
    shop.faults["POST"] = [held]
    async with place(postgresql, tmp_path, shop) as (made, _), made.replica() as server:
        await until_ready(server)
        address = await server.address()

        async def buy(client: Client, number: str) -> None:
            answers.append(answer_of(await client.call_tool(*buying(number))))

        async with (
            made.client(address, mode) as client,
            client.listen(resource_subscriptions=["telefonie://log"]) if mode == "auto" else AsyncExitStack(),
            anyio.create_task_group() as tasks,
        ):
            await client.list_tools()
            for number in numbers:
                tasks.start_soon(buy, client, number)
            while shop.count("POST") < len(numbers):
                await anyio.sleep(0.01)
            server.process.send_signal(signal.SIGHUP)  # there are no tenants to read again
            server.process.send_signal(signal.SIGTERM)
            while (await ready(server))[0] != 503:
                await anyio.sleep(0.01)
            held.go.set()
        assert await server.end() == 0
        assert sorted(answer["phone_number"] for answer in answers) == numbers
        async with running(
            "log", "--json", home=tmp_path, variables={"TELEFONIE_LEDGER": made.ledger}
        ) as log:
            entries = (await log.rest()).decode()
        assert entries.count('"state": "done"') == len(numbers)
        assert {*shop.owned} == {*numbers}


@both_eras
async def test_an_approval_across_replicas_buys_once(mode: Mode, postgresql: str, tmp_path: Path) -> None:
    """2026: the question comes from one replica, and the answer goes to another. 2025: the session sticks."""
    asked: list[str] = []

    async def approve(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return await yes(context, params)

    async with (
        place(postgresql, tmp_path) as (made, listener),
        behind(made, listener, TELEFONIE_APPROVAL="human"),
        made.client(mode=mode, callback=approve) as client,
    ):
        for _ in range(3):
            answer = answer_of(await client.call_tool(*buying()))
            assert answer["phone_number"] == NUMBER
            released = {"phone_number": NUMBER, "confirm": True}
            assert (
                answer_of(await client.call_tool("release_number", released))["message"] == "Number released"
            )
        assert made.provider.count("POST") == 3
        assert len(asked) == 6


async def test_a_replica_killed_in_the_middle_of_a_purchase_is_replaced_and_another_settles_it(
    postgresql: str, tmp_path: Path
) -> None:
    held = Held()
    async with place(postgresql, tmp_path) as (made, listener), behind(made, listener) as (one, other):
        made.provider.faults["POST"] = [held]

        async def buy() -> None:
            with suppress(Exception):  # whatever a broken connection is to the client
                async with made.client(await one.address()) as client:
                    await client.call_tool(*buying())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            await held.arrived.wait()
            one.process.kill()
            await one.process.wait()
        made.provider.own()  # the purchase was carried out
        made.provider.faults.clear()
        async with made.client(await other.address()) as client:
            answer = answer_of(await client.call_tool(*buying()))
        assert answer["code"] == "conflict"
        async with made.client() as client:  # through the proxy, which has noticed
            log = json.loads(await read(client, "telefonie://log"))
        assert [entry["state"] for entry in log["entries"]] == ["done"]
        assert made.provider.count("POST") == 1


async def test_a_replica_killed_in_a_tenants_purchase_leaves_it_to_another_under_the_tenants_key(
    postgresql: str, tmp_path: Path
) -> None:
    """The API has an account per key, carries the purchase out, and finds nobody to tell."""
    sandbox, arrived = create_sandbox(":memory:"), anyio.Event()

    async def keep_the_answer(scope: Scope, receive: Receive, send: Send) -> None:
        if (scope["type"], scope.get("method")) != ("http", "POST") or arrived.is_set():
            await sandbox(scope, receive, send)
            return

        async def drop(_: Message) -> None:
            await anyio.lowlevel.checkpoint()

        await sandbox(scope, receive, drop)
        arrived.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    async with serving(keep_the_answer) as api, place(postgresql, tmp_path) as (made, listener):
        made.tenants = write_tenants(tmp_path, {"acme": {"max_purchases_per_day": 1}, "beta": {}})
        variables = {"TELEFONIE_BASE_URL": f"{api}/v1/numbers"}
        async with behind(made, listener, **variables) as (one, other):

            async def buy() -> None:
                with suppress(Exception):  # whatever a broken connection is to the client
                    async with made.client(await one.address(), org_id="org-acme") as client:
                        await client.call_tool(*buying(BOUGHT))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(buy)
                await arrived.wait()
                one.process.kill()
                await one.process.wait()
            async with (
                made.client(await other.address(), org_id="org-beta") as beta,
                made.client(await other.address(), org_id="org-acme") as acme,
            ):
                assert answer_of(await beta.call_tool(*buying(FREE)))["phone_number"] == FREE
                assert json.loads(await read(acme, LOG))["entries"][0]["state"] == "intent"
                assert answer_of(await acme.call_tool(*buying(BOUGHT)))["code"] == "conflict"
                assert answer_of(await acme.call_tool(*buying(FREE)))["code"] in {
                    "limit_reached",
                    "not_found",
                }
                for client, number in ((acme, BOUGHT), (beta, FREE)):
                    (entry,) = json.loads(await read(client, LOG))["entries"]
                    assert (entry["subject"], entry["state"]) == (number, "done")
                    owned = answer_of(await client.call_tool("list_owned_numbers", {}))
                    assert [each["phone_number"] for each in owned["numbers"]] == [number]


async def test_clients_of_both_eras_use_all_replicas_and_share_their_limits(
    postgresql: str, tmp_path: Path
) -> None:
    limits = {"TELEFONIE_MAX_PURCHASES_PER_DAY": "3", "TELEFONIE_MAX_CALLS_PER_MINUTE": "1000"}
    shop = Shop()
    async with (
        place(postgresql, tmp_path, shop) as (made, listener),
        behind(made, listener, **limits),
        made.client() as modern,
        made.client(mode="legacy", sub="person-2") as legacy,
    ):
        answers = [
            answer_of(await client.call_tool(*buying(f"+1415555{number:04}")))
            for number, client in enumerate([modern, legacy] * 3)
        ]
    assert ["phone_number" in answer for answer in answers] == [True] * 3 + [False] * 3
    assert {answer["code"] for answer in answers[3:]} == {"limit_reached"}
    assert len(shop.owned) == 3
