"""What a call of somebody who signed in may do, what it tells the API, and when their streams end."""

import json
from typing import Any

import anyio
import pytest
from mcp.client.context import ClientRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult, InputRequiredResult, InputResponses
from pydantic import SecretStr

from telefonie_mcp.app import App
from telefonie_mcp.calls.approval import CommandLine
from telefonie_mcp.errors import ToolError
from telefonie_mcp.server.auth.challenges import Challenges
from telefonie_mcp.server.auth.scope_gate import ScopeGate, messages_in, needs
from telefonie_mcp.server.limits import WholeBodies
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.catalog import Catalog
from telefonie_mcp.tools.scopes import allows, named
from tests.support.faulty import NUMBER, Exchange, faulty, replying
from tests.support.hosted import hosting, signed_in
from tests.support.issuer import issuing
from tests.support.served import KEY
from tests.support.wire import SECONDS, answer_of, request

BUY: dict[str, Any] = {"phone_number": NUMBER, "confirm": True}


@pytest.fixture(scope="module")
def app() -> App:
    return App.from_settings(Settings(sandbox_db=":memory:", toolsets=("numbers", "lookup", "porting")))


@pytest.fixture(scope="module")
def catalog(app: App) -> Catalog:
    return app.catalog


async def test_no_token_reaches_the_api_and_its_401_is_not_ours() -> None:
    seen: list[dict[str, str]] = []

    async def noting(exchange: Exchange) -> None:
        seen.append(exchange.headers)
        await exchange.honest()

    async with (
        faulty(GET=[noting, noting, replying(401)], POST=[noting]) as provider,
        issuing() as issuer,
        hosting(issuer, api_key=SecretStr(KEY), base_url=provider.url, sandbox_db=None) as hosted,
    ):
        token = hosted.token("numbers:purchase")
        bought = await hosted.post(token, "tools/call", name="purchase_number", arguments=BUY)
        assert (bought.status_code, bought.json()["result"].get("isError", False)) == (200, False)
        refused = await hosted.post(token, "tools/call", name="list_owned_numbers", arguments={})
        for _ in range(3):  # until the API's 401 is the answer
            if refused.json()["result"].get("isError"):
                break
            refused = await hosted.post(token, "tools/call", name="list_owned_numbers", arguments={})
        assert (refused.status_code, refused.json()["result"]["isError"]) == (200, True)
        assert seen
        assert "authorization" not in {name for headers in seen for name in headers}
        assert token not in json.dumps(seen)
        assert provider.keys == {KEY}


async def test_everybody_has_their_own_rate_limit() -> None:
    async with issuing() as issuer, hosting(issuer, max_calls_per_minute=1) as hosted:

        async def code(**who: str) -> str:
            answer = await hosted.post(
                hosted.token(**who), "tools/call", name="list_owned_numbers", arguments={}
            )
            return json.loads(answer.json()["result"]["content"][0]["text"]).get("code", "")

        assert [await code(sub="ann"), await code(sub="ann")] == ["", "rate_limited"]
        assert await code(sub="bob") == ""


async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    raise AssertionError(params)


async def test_nobody_answers_a_question_that_somebody_else_was_asked() -> None:
    yes: InputResponses = {"approval": ElicitResult(action="accept", content={"approve": True})}
    buy = {"phone_number": "+14155550123", "confirm": True}
    async with (
        issuing() as issuer,
        hosting(issuer, approval="human") as hosted,
        signed_in(hosted, "ann", elicitation_callback=never) as ann,
        signed_in(hosted, "bob", elicitation_callback=never) as bob,
    ):
        asked = await ann.session.call_tool("purchase_number", buy, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        assert asked.request_state

        async def answer(client: Any) -> Any:
            return await client.session.call_tool(
                "purchase_number",
                buy,
                input_responses=yes,
                request_state=asked.request_state,
                allow_input_required=True,
            )

        with pytest.raises(MCPError, match="Nothing was done"):
            await answer(bob)
        assert answer_of(await ann.call_tool("list_owned_numbers", {}))["total"] == 0
        assert answer_of(await answer(ann))["phone_number"] == buy["phone_number"]


@pytest.mark.parametrize("name", ["purchase_number", "update_owned_number", "submit_port_order"])
async def test_inside_the_call_the_rule_holds_whatever_was_checked_before(name: str, app: App) -> None:
    for scopes in (frozenset[str](), frozenset({"numbers:read"}), frozenset({"porting:write"})):
        with pytest.raises(ToolError) as refused:
            await app.pipeline.call(name, BUY, CommandLine(scopes=scopes))
        assert refused.value.code == "insufficient_scope"
        assert refused.value.message == f"Nothing was done: the token does not allow {name}."
    with pytest.raises(ToolError) as refused:
        await app.pipeline.call("list_owned_numbers", {}, CommandLine(scopes=frozenset({"openid"})))
    assert refused.value.code == "insufficient_scope"


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        (b"", ["numbers:read"]),
        (b"nonsense", ["numbers:read"]),
        (b"[" * 100_000, ["numbers:read"]),
        (b"1", ["numbers:read"]),
        (b'{"method": "tools/call"}', ["numbers:read"]),
        (b'{"method": "tools/call", "params": {"name": "unknown"}}', ["numbers:read"]),
        (b'{"method": "tools/call", "params": {"name": ["purchase_number"]}}', ["numbers:read"]),
        (
            b'{"method": "tools/call", "params": {"name": "purchase_number", "arguments": 1}}',
            ["numbers:read"],
        ),
    ],
)
def test_a_body_that_cannot_be_meant_needs_to_read(body: bytes, scopes: list[str], catalog: Catalog) -> None:
    assert needs(messages_in(body), catalog) == scopes


def test_many_messages_need_what_each_of_them_needs(catalog: Catalog) -> None:
    calls = [
        request(1, "tools/call", name="purchase_number", arguments=BUY),
        request(2, "tools/call", name="release_number", arguments=BUY),
        request(3, "resources/read", uri="telefonie://port-orders"),
    ]
    found = needs(messages_in(json.dumps(calls).encode()), catalog)
    assert found == ["numbers:read", "numbers:purchase", "numbers:release", "porting:read"]


@pytest.mark.parametrize(
    ("granted", "scope", "allowed"),
    [
        ("numbers:purchase", "numbers:read", True),
        ("numbers:purchase", "numbers:write", False),
        ("porting:submit", "porting:write", True),
        ("porting:submit", "porting:read", True),
        ("porting:submit", "numbers:read", True),
        ("porting:read", "porting:write", False),
        ("numbers:write", "porting:read", False),
        ("messages:send", "numbers:read", False),
        ("messages:send", "messages:send", True),
    ],
)
def test_what_a_scope_implies(granted: str, scope: str, *, allowed: bool) -> None:
    assert allows([granted], scope) is allowed


def test_a_scope_of_an_added_document_reads_as_well() -> None:
    assert named("messages:send") == ("numbers:read", "messages:send")


@pytest.mark.parametrize(("method", "body"), [("GET", {}), ("POST", request(1, "subscriptions/listen"))])
@pytest.mark.parametrize("expires", [1000, 900])
async def test_a_stream_ends_with_its_token(
    method: str, body: dict[str, Any], expires: int, catalog: Catalog
) -> None:
    sent: list[dict[str, Any]] = []
    queue = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b": ping\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    async def receive() -> Any:
        if queue:
            return queue.pop(0)
        return await anyio.sleep_forever()

    async def send(message: Any) -> None:
        sent.append(message)

    token = AccessToken(token="", client_id="", scopes=["numbers:read"], subject="me", expires_at=expires)
    scope = {"type": "http", "method": method, "path": "/mcp", "user": AuthenticatedUser(token)}
    gate = ScopeGate(stream, lambda: catalog, Challenges(""), clock=lambda: 999.99)
    with anyio.fail_after(SECONDS):
        await WholeBodies(gate, most=1000)(scope, receive, send)
    assert [message.get("more_body") for message in sent] == [None, True, False]
