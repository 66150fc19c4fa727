import json
import socket
from functools import partial
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from telefonie_mcp.openapi.security import Credential
from telefonie_mcp.upstream.client import ApiClient
from telefonie_mcp.upstream.connections import MAX_CONNECTIONS
from telefonie_mcp.upstream.credentials import SentCredential
from telefonie_mcp.upstream.outcomes import Answer, NotSent, Outcome, Unanswered
from telefonie_mcp.upstream.serialization import Request
from tests.support import faulty as f
from tests.support.faulty import Exchange, faulty
from tests.support.ports import closed_port
from tests.support.recorder import recording
from tests.support.wire import SECONDS

GET = Request("GET", "/owned")
KEY = SecretStr("key/+ 0451")


def sent_as(credential: Credential | None) -> list[SentCredential]:
    key = KEY.get_secret_value()
    return [SentCredential(credential, f"{credential.prefix}{key}", (key,))] if credential else []


def client(key: SecretStr = KEY) -> ApiClient:
    return ApiClient(lambda: None, user_agent="test/1", secrets=[key])


@pytest.mark.parametrize(
    ("credential", "target", "headers"),
    [
        (Credential("X-Key", "header"), "/a?x=1", {"x-key": "key/+ 0451"}),
        (Credential("Authorization", "header", "Bearer "), "/a?x=1", {"authorization": "Bearer key/+ 0451"}),
        (Credential("k", "query"), "/a?x=1&k=key%2F%2B%200451", {}),
        (Credential("k", "cookie"), "/a?x=1", {"cookie": "lang=de; k=key/+ 0451"}),
        (None, "/a?x=1", {}),
    ],
)
async def test_the_key_is_sent_where_the_document_says(
    credential: Credential | None, target: str, headers: dict[str, str]
) -> None:
    async with recording() as api:
        api.answer("GET", 200, {})
        request = Request("GET", "/a", "x=1", {"Cookie": "lang=de"})
        sender = client()
        await sender.send(f"http://127.0.0.1:{api.port}", request, sent_as(credential), seconds=SECONDS)
        await sender.aclose()
        _, sent, seen, _ = api.requests[0]
    assert sent.replace("+", "%20") == target.replace("+", "%20")
    assert seen.items() >= headers.items()
    assert seen["user-agent"] == "test/1"
    del seen["host"]  # a port can have the same digits
    assert str(seen).count("0451") == sum("0451" in value for value in headers.values())


@pytest.mark.parametrize("key", ["key-0451-unmistakable", 'key"\\/0451', "k"])
async def test_an_answer_that_repeats_the_key_is_shown_without_it(key: str) -> None:
    said = {"detail": f"{key} is no key", key: [key], "ä": "ü"}
    fault = f.replying(401, json.dumps(said).encode(), WWW_Authenticate=f"Key {key}")
    async with faulty(GET=[fault]) as provider:
        sender = client(SecretStr(key))
        answer = await sender.send(provider.url, Request("GET", "/a"), (), seconds=SECONDS)
        await sender.aclose()
    assert isinstance(answer, Answer)
    blot = key if key == "k" else "**********"
    assert answer.json == said
    assert answer.redaction.json(answer.json) == {"detail": f"{blot} is no key", blot: [blot], "ä": "ü"}
    assert answer.redaction.concerns(answer.json_text) is (key != "k")
    assert answer.headers["www-authenticate"] == f"Key {blot}"


async def test_a_key_goes_only_with_the_request_that_it_was_given_for() -> None:
    async with recording() as api:
        api.answer("GET", 200, {})
        sender = client()
        for credentials in (sent_as(Credential("X-Key", "header")), ()):
            url = f"http://127.0.0.1:{api.port}"
            await sender.send(url, Request("GET", "/a"), credentials, seconds=SECONDS)
        await sender.aclose()
        assert [headers.get("x-key") for _, _, headers, _ in api.requests] == [KEY.get_secret_value(), None]


async def test_every_end_of_a_request_has_its_own_outcome() -> None:
    faults = [Exchange.honest, f.close, f.hang, f.huge, f.replying(500)]
    outcomes: list[Outcome] = []
    async with faulty(GET=[*faults]) as provider:
        sender = client()
        for fault in faults:
            seconds = 0.5 if fault is f.hang else SECONDS
            outcomes.append(await sender.send(provider.url, GET, (), seconds=seconds))
        await sender.aclose()
    sender = client()
    with closed_port() as port:
        outcomes.append(await sender.send(f"http://127.0.0.1:{port}", GET, (), seconds=SECONDS))
    await sender.aclose()
    honest, closed, hung, huge, failed, refused = outcomes
    assert isinstance(honest, Answer)
    assert honest.json == {"numbers": [], "total": 0}
    assert closed == Unanswered("broke the connection (RemoteProtocolError)", pending=False)
    assert hung == Unanswered("did not answer within 1 seconds", pending=True)
    assert huge == Unanswered("answered 200 with more than 8 MiB", pending=False)
    assert isinstance(failed, Answer)
    assert failed.status == 500
    assert refused == NotSent("could not be reached (ConnectError)")


async def test_requests_at_the_same_time_are_bounded() -> None:
    busy = most = 0

    async def slow(exchange: Exchange) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await anyio.sleep(0.05)
        busy -= 1
        await exchange.honest()

    async with faulty(GET=[slow]) as provider:
        sender = client()

        async def send() -> None:
            answer = await sender.send(provider.url, Request("GET", "/owned"), (), seconds=SECONDS)
            assert isinstance(answer, Answer)

        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                for _ in range(3 * MAX_CONNECTIONS):
                    tasks.start_soon(send)
        await sender.aclose()
    assert most <= MAX_CONNECTIONS
    assert provider.count("GET") == 3 * MAX_CONNECTIONS


async def test_a_connection_that_never_comes_about_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.socket() as queued:
        queued.connect(deaf.getsockname())
        sender = client()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with anyio.fail_after(SECONDS):
            outcome = await sender.send(url, Request("POST", "/owned"), (), seconds=1)
        await sender.aclose()
    assert outcome == NotSent("could not be reached (ConnectTimeout)")


async def test_a_request_that_waits_in_vain_for_its_turn_was_not_sent() -> None:
    async with faulty(GET=[f.hang]) as provider:
        sender = client()
        outcome: Outcome | None = None
        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                for _ in range(MAX_CONNECTIONS):
                    tasks.start_soon(partial(sender.send, provider.url, GET, (), seconds=SECONDS))
                while provider.count("GET") < MAX_CONNECTIONS:
                    await anyio.sleep(0.01)
                outcome = await sender.send(provider.url, Request("POST", "/owned"), (), seconds=1)
                tasks.cancel_scope.cancel()
        await sender.aclose()
        assert outcome == NotSent("could not be reached (PoolTimeout)")
        assert provider.count("POST") == 0


async def test_an_ipv6_address_that_refuses_was_not_reached() -> None:
    sender = client()
    with closed_port("::1") as port:
        outcome = await sender.send(f"http://[::1]:{port}", GET, (), seconds=SECONDS)
    await sender.aclose()
    assert outcome == NotSent("could not be reached (ConnectError)")


async def test_an_idle_connection_that_the_api_has_closed_is_not_used() -> None:
    async def closing(exchange: Exchange) -> None:
        await exchange.honest()
        exchange.writer.close()

    async with faulty(GET=[closing]) as provider:
        sender = client()
        for _ in range(2):
            assert isinstance(await sender.send(provider.url, GET, (), seconds=SECONDS), Answer)
            await anyio.wait_all_tasks_blocked()
        await sender.aclose()
        assert provider.count("GET") == 2


@pytest.mark.parametrize("where", ["header", "query", "cookie"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_neither_request_nor_key_leaves_for_another_authority(where: Any, method: str) -> None:
    """What an argument can make of a path without a leading slash: `no-slash.yml` of issue 11."""
    async with recording() as here, recording() as elsewhere:
        for api in (here, elsewhere):
            api.answer(method, 200, {})
        assert len(str(here.port)) == len(str(elsewhere.port)) == 5
        prefix = str(elsewhere.port)[:3]
        moved = {
            f"http://127.0.0.1:{prefix}": f"{str(elsewhere.port)[3:]}/Message/",
            f"http://127.0.0.1:{here.port}": f"@127.0.0.1:{elsewhere.port}/",
            f"http://localhost:{here.port}": f"\\@127.0.0.1:{elsewhere.port}/",
            f"http://127.0.0.1:{here.port}\\@127.0.0.1:{elsewhere.port}": "/",
            f"http://user@127.0.0.1:{elsewhere.port}": "/",
            "http://127.0.0.1": f":{elsewhere.port}/",
            "http://127.0.0": f".1:{elsewhere.port}/",
            f"http://127.0.0.1:{here.port}/a": "\n/",
        }
        sender = client()
        for server, path in moved.items():
            credentials = sent_as(Credential("k", where))
            outcome = await sender.send(server, Request(method, path), credentials, seconds=SECONDS)
            assert outcome == NotSent("is not where this request would go", retryable=False)
        await sender.aclose()
        assert here.requests == elsewhere.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_with_the_key_or_without(status: int) -> None:
    async with recording() as elsewhere, faulty() as provider:
        fault = f.replying(status, b"", Location=f"http://127.0.0.1:{elsewhere.port}/a")
        provider.faults["GET"] = [fault]
        sender = client()
        answer = await sender.send(provider.url, GET, sent_as(Credential("X-Key", "header")), seconds=SECONDS)
        await sender.aclose()
        assert isinstance(answer, Answer)
        assert answer.status == status
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "server",
    ["http://127.0.0.1:{}", "http://localhost:{}/v1", "HTTP://LOCALHOST:{}", "http://127.0.0.1:{}/@me//"],
)
async def test_however_a_server_is_written_its_requests_reach_it(server: str) -> None:
    async with recording() as api:
        api.answer("GET", 200, {})
        sender = client()
        url = server.format(api.port)
        assert isinstance(
            await sender.send(url, Request("GET", "/a%2F@b", "x=1"), (), seconds=SECONDS), Answer
        )
        await sender.aclose()
        assert api.requests[0][1].endswith("/a%2F@b?x=1")


async def test_clients_that_use_the_same_connections_share_neither_cookies_nor_keys() -> None:
    seen: list[tuple[str, str]] = []

    async def marking(exchange: Exchange) -> None:
        seen.append((exchange.headers.get("x-api-key", ""), exchange.headers.get("cookie", "")))
        await exchange.reply(200, b"{}", Set_Cookie=f"session={exchange.headers['x-api-key']}; Path=/")

    async with faulty(GET=[marking]) as provider:
        common = ApiClient(lambda: None, user_agent="test/1", common=True)
        for key in ("first-key-0451", "second-key-0452", "first-key-0451"):
            sender = ApiClient(lambda: None, user_agent="test/1", shared=common)
            sent = SentCredential(Credential("X-Api-Key", "header"), key, (key,))
            answer = await sender.send(provider.url, GET, [sent], seconds=SECONDS)
            assert isinstance(answer, Answer)
            await sender.aclose()
        await common.aclose()
        assert len(provider.tasks) == 1  # one connection, which stays open between clients
    assert seen == [("first-key-0451", ""), ("second-key-0452", ""), ("first-key-0451", "")]


async def test_one_client_does_not_take_all_connections_that_it_shares() -> None:
    common = ApiClient(lambda: None, user_agent="test/1", common=True)
    async with faulty(GET=[f.hang]) as provider, anyio.create_task_group() as tasks:
        greedy, other = (ApiClient(lambda: None, user_agent="test/1", shared=common) for _ in range(2))
        for _ in range(MAX_CONNECTIONS):
            tasks.start_soon(partial(greedy.send, provider.url, GET, (), seconds=SECONDS))
        with anyio.fail_after(SECONDS):
            while len(provider.log) < MAX_CONNECTIONS:
                await anyio.sleep(0.01)
        refused = await greedy.send(provider.url, GET, (), seconds=0.03)
        assert refused == NotSent("could not be reached (PoolTimeout)")
        provider.faults.clear()
        assert isinstance(await other.send(provider.url, GET, (), seconds=SECONDS), Answer)
        tasks.cancel_scope.cancel()
    await common.aclose()
