"""Who comes through the gate: host, origin, token, scope, in this order; and headers that nobody believes."""

import json
from collections.abc import AsyncGenerator
from socket import create_connection
from typing import Any

import httpx2 as httpx
import pytest
from anyio import to_thread
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from telefonie_mcp.server.auth.resource import Resource
from telefonie_mcp.settings.hosted import HostedSettings
from tests.support.hosted import Hosted, hosting, signed_in
from tests.support.issuer import issuing
from tests.support.wire import MODERN, SECONDS, answer_of, request

APP = "https://app.example.com"
BUY: dict[str, Any] = {"phone_number": "+14155550123", "confirm": True}
STOLEN: dict[str, Any] = {"phone_number": "+14155550199", "confirm": True}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def hosted() -> AsyncGenerator[Hosted]:
    origins: dict[str, Any] = {"allowed_origins": (APP,), "toolsets": ("numbers", "lookup", "porting")}
    async with issuing() as issuer, hosting(issuer, **origins) as server:
        yield server


def parameters(answer: httpx.Response) -> dict[str, str]:
    """Return the parameters of a challenge."""
    scheme, _, rest = answer.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    return {name: json.loads(value) for name, value in (part.split("=", 1) for part in rest.split(", "))}


async def test_both_addresses_have_the_metadata(hosted: Hosted) -> None:
    origin = hosted.url.removesuffix("/mcp")
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        for path in ("", "/mcp", "/mcp/"):
            answer = await client.get(
                f"{origin}/.well-known/oauth-protected-resource{path}", headers={"Origin": "null"}
            )
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.json() == {
                "resource": hosted.url,
                "resource_name": "telefonie-mcp",
                "authorization_servers": [hosted.issuer.url],
                "scopes_supported": ["numbers:read"],
                "bearer_methods_supported": ["header"],
            }
        assert (await client.post(f"{origin}/.well-known/oauth-protected-resource")).status_code == 405


@pytest.mark.parametrize("modern", [True, False])
async def test_without_a_token_the_challenge_names_no_error(hosted: Hosted, *, modern: bool) -> None:
    answer = await hosted.post(None, modern=modern)
    assert answer.status_code == 401
    assert parameters(answer) == {
        "resource_metadata": hosted.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"),
        "scope": "numbers:read",
    }
    other = await hosted.post(None, headers={"Authorization": "Basic bWU6bWU="})
    assert (other.status_code, "error" in parameters(other)) == (401, False)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_every_method_needs_a_token(method: str, hosted: Hosted) -> None:
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        assert (await client.request(method, hosted.url)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}, 200),
        ({"Host": "evil.example", "X-Forwarded-Host": "127.0.0.1"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{APP}.evil.example"}, 403),
        ({"Origin": APP}, 200),
    ],
)
async def test_host_and_origin_come_before_the_token(
    headers: dict[str, str], status: int, hosted: Hosted
) -> None:
    assert (await hosted.post(hosted.token(), headers=headers)).status_code == status
    without = await hosted.post(None, headers=headers)
    assert without.status_code == (401 if status == 200 else status)
    assert "evil" not in without.text + str(without.headers)


async def test_what_probes_ask_needs_neither_token_nor_host_and_nothing_else_is_there(hosted: Hosted) -> None:
    origin = hosted.url.removesuffix("/mcp")
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        assert (await client.get(f"{origin}/healthz", headers={"Host": "10.0.0.7"})).status_code == 200
        for path in ("/", "/docs", "/mcp/more", "/mcp%2f..%2fhealthz", "/.well-known/openid-configuration"):
            assert (await client.get(f"{origin}{path}")).status_code == 404


async def test_a_browser_of_an_allowed_origin_may_call(hosted: Hosted) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,mcp-protocol-version,mcp-method"
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        preflight = await client.options(hosted.url, headers=asked)
        strange = await client.options(hosted.url, headers={**asked, "Origin": "https://evil.example"})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, APP)
    assert strange.status_code == 403
    refused = await hosted.post(None, headers={"Origin": APP})
    assert refused.headers["access-control-allow-origin"] == APP
    assert "www-authenticate" in refused.headers["access-control-expose-headers"]


NEEDED: dict[str, tuple[dict[str, Any], str]] = {
    "list_owned_numbers": ({}, "numbers:read"),
    "purchase_number": (BUY, "numbers:read numbers:purchase"),
    "release_number": ({"phone_number": "+14155550123", "confirm": True}, "numbers:read numbers:release"),
    "update_owned_number": ({"phone_number": "+14155550123"}, "numbers:read numbers:write"),
    "list_port_orders": ({}, "numbers:read porting:read"),
    "upload_port_document": ({}, "numbers:read porting:read porting:write"),
    "submit_port_order": ({"confirm": True}, "numbers:read porting:read porting:write porting:submit"),
    "cancel_port_order": ({"confirm": True}, "numbers:read porting:read porting:write porting:submit"),
}


@pytest.mark.parametrize("name", NEEDED)
async def test_a_call_needs_the_scope_of_its_tool(name: str, hosted: Hosted) -> None:
    arguments, scopes = NEEDED[name]
    *weaker, own = scopes.split()
    if weaker:
        answer = await hosted.post(
            hosted.token(" ".join(weaker)), "tools/call", name=name, arguments=arguments
        )
        found = parameters(answer)
        assert (answer.status_code, found["error"], found["scope"]) == (403, "insufficient_scope", scopes)
    answer = await hosted.post(hosted.token(own), "tools/call", name=name, arguments=arguments)
    assert answer.status_code == 200
    assert "insufficient_scope" not in answer.text


async def test_a_resource_needs_the_scope_of_its_reads(hosted: Hosted) -> None:
    for uri in ("telefonie://port-orders", "telefonie://port-orders/po_1"):
        answer = await hosted.post(hosted.token(), "resources/read", uri=uri, headers={"Mcp-Name": uri})
        assert (answer.status_code, parameters(answer)["scope"]) == (403, "numbers:read porting:read")
    for uri, scope in (
        ("telefonie://port-orders", "porting:read"),
        ("telefonie://numbers", "numbers:read"),
        ("telefonie://log", "numbers:read"),
    ):
        answer = await hosted.post(hosted.token(scope), "resources/read", uri=uri, headers={"Mcp-Name": uri})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("scope", ["", "openid", "numbers", "numbers:read2", "NUMBERS:READ", "numbers:*"])
async def test_without_a_scope_of_ours_nothing_is_read(scope: str, hosted: Hosted) -> None:
    for modern in (True, False):
        answer = await hosted.post(hosted.token(scope), modern=modern)
        assert (answer.status_code, parameters(answer)["scope"]) == (403, "numbers:read")


@pytest.mark.parametrize("confirm", [None, False, "true", 1, "yes", [True]])
async def test_a_preview_needs_to_read_only(confirm: Any, hosted: Hosted) -> None:
    arguments = {"phone_number": "+14155550123", "confirm": confirm}
    for name in ("purchase_number", "submit_port_order"):
        answer = await hosted.post(hosted.token(), "tools/call", name=name, arguments=arguments)
        assert answer.status_code == 200
        assert '"isError":true' in answer.text


FORGED: list[dict[str, Any]] = [
    {"Mcp-Method": "tools/list"},
    {"Mcp-Method": "tools/call", "Mcp-Name": "list_owned_numbers"},
    {"MCP-Protocol-Version": "2025-11-25", "Mcp-Method": "tools/list"},
    {"MCP-Protocol-Version": "2025-03-26", "Mcp-Method": "tools/call", "Mcp-Name": "list_owned_numbers"},
    {"MCP-Protocol-Version": "", "Mcp-Method": "ping"},
]


@pytest.mark.parametrize("headers", FORGED)
async def test_no_header_lets_anybody_buy(headers: dict[str, str], hosted: Hosted) -> None:
    before = await owned(hosted)
    answer = await hosted.post(
        hosted.token(), "tools/call", headers=headers, name="purchase_number", arguments=STOLEN
    )
    assert (answer.status_code, parameters(answer)["error"]) == (403, "insufficient_scope")
    assert await owned(hosted) == before


BODIES = [
    b'{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":%s}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list","params":%s}',
    b'[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}]',
    b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools\\u002fcall","params":%s}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s} ',
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("twice", [False, True])
async def test_no_spelling_of_a_body_lets_anybody_buy(body: bytes, hosted: Hosted, *, twice: bool) -> None:
    before = await owned(hosted)
    params = request(1, "tools/call", modern=True, name="purchase_number", arguments=STOLEN)["params"]
    text = json.dumps(params)
    if twice:  # which of two members is read, parsers may differ about
        text = text.replace('"confirm": true', '"confirm": false, "confirm": true')
    headers = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {hosted.token()}",
        "Content-Type": "application/json",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "purchase_number",
    }
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        for version in (MODERN, "2025-11-25"):
            await client.post(
                hosted.url, content=body % text.encode(), headers={**headers, "MCP-Protocol-Version": version}
            )
    assert await owned(hosted) == before


async def owned(hosted: Hosted) -> int:
    answer = await hosted.post(hosted.token(), "tools/call", name="list_owned_numbers", arguments={})
    return answer.json()["result"]["structuredContent"]["total"]


async def test_somebody_elses_session_does_not_exist(hosted: Hosted) -> None:
    mine, other = hosted.token(), hosted.token(sub="person-2")
    begun = await hosted.post(mine, modern=False)
    assert begun.status_code == 200
    session = {
        "Mcp-Session-Id": begun.headers["mcp-session-id"],
        "MCP-Protocol-Version": "2025-11-25",
        "Accept": "application/json, text/event-stream",
    }
    listing = request(1, "tools/list")
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        for token, status in (
            (other, 404),
            (hosted.token(client_id="another"), 404),
            (hosted.token(jti="later"), 200),
            (mine, 200),
        ):
            headers = {**session, "Authorization": f"Bearer {token}"}
            assert (await client.post(hosted.url, json=listing, headers=headers)).status_code == status
        stolen = {**session, "Authorization": f"Bearer {other}"}
        assert (await client.delete(hosted.url, headers=stolen)).status_code == 404
        assert (await client.get(hosted.url, headers=stolen)).status_code == 404
        assert (await client.post(hosted.url, json=listing, headers=session)).status_code == 401


async def test_a_session_has_the_scopes_of_each_requests_token(hosted: Hosted) -> None:
    begun = await hosted.post(hosted.token("numbers:purchase"), modern=False)
    headers = {
        "Mcp-Session-Id": begun.headers["mcp-session-id"],
        "MCP-Protocol-Version": "2025-11-25",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {hosted.token()}",
    }
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        call = request(2, "tools/call", name="purchase_number", arguments=BUY)
        assert (await client.post(hosted.url, json=call, headers=headers)).status_code == 403


async def test_what_is_shown_to_one_is_for_no_shared_cache(hosted: Hosted) -> None:
    for method in ("tools/list", "resources/list", "prompts/list", "server/discover"):
        answer = await hosted.post(hosted.token(), method)
        assert answer.json()["result"]["cacheScope"] == "private", method


async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"approve": True})


async def test_huge_headers_are_refused_and_the_server_goes_on(hosted: Hosted) -> None:
    def send() -> bytes:
        host, port = hosted.url.split("/")[2].split(":")
        with create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ")
            try:
                for _ in range(64):
                    connection.sendall(b"x" * 16_384)
                return connection.recv(1000)
            except OSError:
                return b"HTTP/1.1 4"  # the rest of it was not even read

    assert (await to_thread.run_sync(send)).startswith(b"HTTP/1.1 4")
    assert (await hosted.post(hosted.token())).status_code == 200


async def test_a_body_is_not_read_for_those_without_a_token(hosted: Hosted) -> None:
    async with httpx.AsyncClient(verify=False, timeout=SECONDS) as client:
        answer = await client.post(hosted.url, content=b"x" * 3_000_000)
        assert answer.status_code == 401
        headers = {"Authorization": f"Bearer {hosted.token()}", "Content-Type": "application/json"}
        assert (await client.post(hosted.url, content=b"x" * 5_000_000, headers=headers)).status_code == 413


@pytest.mark.parametrize(
    ("url", "path", "metadata"),
    [
        ("https://numbers.example.com", "", "/.well-known/oauth-protected-resource"),
        ("https://numbers.example.com/mcp", "/mcp", "/.well-known/oauth-protected-resource/mcp"),
        ("https://example.com/a/mcp", "/a/mcp", "/.well-known/oauth-protected-resource/a/mcp"),
    ],
)
def test_a_resource_at_any_path(url: str, path: str, metadata: str) -> None:
    settings = HostedSettings(public_url=url, issuer="https://id.example.com")
    resource = Resource.of(settings)
    assert (resource.path, resource.metadata_url.partition(".com")[2]) == (path, metadata)
    assert {metadata, "/.well-known/oauth-protected-resource"} <= resource.metadata_paths


@pytest.mark.parametrize(
    ("url", "audiences"),
    [
        ("https://numbers.example.com/mcp", {"https://numbers.example.com/mcp"}),
        (
            "https://numbers.example.com/mcp/",
            {"https://numbers.example.com/mcp", "https://numbers.example.com/mcp/"},
        ),
        ("https://numbers.example.com/", {"https://numbers.example.com", "https://numbers.example.com/"}),
    ],
)
def test_a_slash_at_the_end_is_as_the_operator_wrote_it(url: str, audiences: set[str]) -> None:
    settings = HostedSettings.model_validate({"public_url": url, "issuer": "https://id.example.com"})
    assert Resource.of(settings).audiences == audiences


@pytest.mark.parametrize(
    ("host", "server", "served"),
    [
        ("numbers.example.com", ("10.0.0.7", 80), True),
        ("Numbers.Example.com:443", ("10.0.0.7", 80), True),
        ("numbers.example.com:8443", ("10.0.0.7", 80), False),
        ("numbers.example.com.", ("10.0.0.7", 80), False),
        ("10.0.0.7:80", ("10.0.0.7", 80), False),
        ("127.0.0.1:8000", ("10.0.0.7", 8000), False),
        ("127.0.0.1:8000", ("127.0.0.1", 8000), True),
        ("[::1]:8000", ("::1", 8000), True),
        ("localhost:8001", ("127.0.0.1", 8000), False),
        ("", ("127.0.0.1", 80), False),
    ],
)
def test_which_host_is_meant(host: str, server: tuple[str, int], *, served: bool) -> None:
    settings = HostedSettings(public_url="https://numbers.example.com/mcp", issuer="https://id.example.com")
    assert Resource.of(settings).serves(host, {"server": server}) is served


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_person_who_signed_in_is_asked(mode: Any) -> None:
    async with (
        issuing() as issuer,
        hosting(issuer, approval="human") as server,
        signed_in(server, mode=mode, elicitation_callback=yes) as client,
    ):
        assert (
            answer_of(await client.call_tool("purchase_number", BUY))["phone_number"] == BUY["phone_number"]
        )
        assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == 1
