"""What leaves a real server through OTLP, Prometheus and its log: nothing of the content of calls."""

import json
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import httpx2 as httpx
import pytest
from anyio.abc import SocketAttribute, SocketStream
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CLIENT_INFO_META_KEY

from tests.support.faulty import NUMBER, Provider, faulty, replying
from tests.support.issuer import Issuer, issuing
from tests.support.served import KEY, live_variables
from tests.support.tenants import key_of, write_tenants
from tests.support.wire import MODERN, SECONDS, Running, environment, initialize, request, running
from tests.telemetry.collectors import Protocol, collecting

pytestmark = pytest.mark.whole
FREE_TEXT = "distinctive words said"
OTHER = "+14155550177"
MARKED = (FREE_TEXT, "distinctive", NUMBER[1:], OTHER[1:], KEY, "4155550100", "4155550177")


async def marked_messages(url: str, **lines: str) -> None:
    """Send what has marks wherever a client can put them."""
    sent: list[tuple[str, dict[str, Any]]] = [
        ("tools/call", {"name": FREE_TEXT, "arguments": {}}),
        (
            "tools/call",
            {"name": "purchase_number", "arguments": {"phone_number": OTHER, FREE_TEXT: FREE_TEXT}},
        ),
        ("prompts/get", {"name": FREE_TEXT}),
        ("resources/read", {"uri": f"telefonie://numbers/{OTHER}"}),
        (FREE_TEXT, {}),
        ("tools/call", {"name": [FREE_TEXT], "arguments": OTHER}),
        ("completion/complete", {"ref": {"type": FREE_TEXT}, "argument": {"name": OTHER, "value": 1}}),
    ]
    async with httpx.AsyncClient(headers=lines, timeout=SECONDS) as client:
        for number, (method, params) in enumerate(sent):
            meta = {
                "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
                "tracestate": f"vendor={OTHER[1:]}",
                "baggage": f"who={OTHER[1:]}",
            }
            message = request(number, method, modern=True, meta=meta, **params)
            message["id"] = OTHER
            message["params"]["_meta"][CLIENT_INFO_META_KEY] = {"name": FREE_TEXT, "version": OTHER}
            headers = {
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": MODERN,
                "Mcp-Method": method,
                "Mcp-Name": str(params.get("name", params.get("uri", ""))),
            }
            await client.post(url, json=message, headers=headers)
        legacy = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        begun = await client.post(url, json=initialize("2025-11-25"), headers=legacy)
        legacy["Mcp-Session-Id"] = begun.headers["mcp-session-id"]
        for number, (method, params) in enumerate(sent):
            await client.post(url, json=request(number, method, **params), headers=legacy)
        notification = {"jsonrpc": "2.0", "method": FREE_TEXT, "params": {"message": OTHER}}
        await client.post(url, json=notification, headers=legacy)


async def test_everything_that_leaves_is_free_of_content(tmp_path: Path) -> None:
    async with faulty() as provider, collecting() as collector:
        provider.faults["DELETE"] = [replying(422, json.dumps({"detail": f"{FREE_TEXT} {OTHER}"}).encode())]
        variables = {
            **live_variables(provider, tmp_path),
            "TELEFONIE_METRICS": "127.0.0.1:0",
            **collector.variables,
            "TELEFONIE_LOG_LEVEL": "debug",
        }
        async with running("--http", "127.0.0.1:0", home=tmp_path, variables=variables) as server:
            url = await server.address()
            async with Client(url) as client:
                bought = {"phone_number": NUMBER, "confirm": True}
                await client.call_tool("purchase_number", bought)
                await client.call_tool("purchase_number", bought)
                await client.call_tool(
                    "update_owned_number", {"phone_number": NUMBER, "friendly_name": FREE_TEXT}
                )
                await client.call_tool("release_number", bought)
                with pytest.raises(MCPError):
                    await client.read_resource(f"telefonie://{FREE_TEXT}")
            await marked_messages(url)
            where = re.search(r"serving metrics on (http://\S+)", server.log)
            assert where
            async with httpx.AsyncClient(timeout=SECONDS) as client:
                prometheus = (await client.get(where[1])).text
            server.process.terminate()
            assert await server.end() == 0
            log = server.log
    exported = f"{collector.traces} {collector.metrics}"
    for text in (exported, prometheus, log):
        assert not [mark for mark in MARKED if mark in text]
    names = {span.name for span in collector.spans}
    assert {
        "tools/call purchase_number",
        "tools/call other other",
        "prompts/get other other",
        "other other other",
    } <= names
    for name in (
        "mcp_server_operation_duration_seconds_count{",
        "telefonie_upstream_duration_seconds_count{",
        "telefonie_ledger_wait_seconds_count",
        "telefonie_purchases_total{",
        "telefonie_refusals_total{",
    ):
        assert name in prometheus
    assert "mcp.server.operation.duration" in exported
    assert 'gen_ai_tool_name="other"' in prometheus


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_what_leaves_of_tenants_names_them_and_nothing_that_they_say(
    protocol: Protocol, tmp_path: Path
) -> None:
    async with (
        faulty() as provider,
        collecting(protocol) as collector,
        issuing() as issuer,
        hosted(provider, issuer, tmp_path, **collector.variables) as (server, url, token),
    ):
        lines = {"Authorization": f"Bearer {token}"}
        async with (
            httpx.AsyncClient(headers=lines, timeout=SECONDS) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            await client.call_tool("purchase_number", {"phone_number": NUMBER, "confirm": True})
        await marked_messages(url, **lines)
        server.process.terminate()
        assert await server.end() == 0
        log = server.log
    exported = f"{collector.traces} {collector.metrics}"
    signature = token.rpartition(".")[2]
    for text in (exported, log):
        assert not [mark for mark in (*MARKED, signature, "person-0451", key_of("acme")) if mark in text]
    assert "tools/call purchase_number" in {span.name for span in collector.spans}
    for name in ("mcp.server.operation.duration", "telefonie.purchases", 'string_value: "acme"'):
        assert name in exported


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_a_collector_that_never_answers_breaks_no_call_and_keeps_no_server(
    protocol: Protocol, tmp_path: Path
) -> None:
    async def take(stream: SocketStream) -> None:
        arrived.set()
        async with stream:
            await anyio.sleep_forever()

    arrived = anyio.Event()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks, faulty() as provider, issuing() as issuer:
        tasks.start_soon(listener.serve, take)
        port = listener.extra(SocketAttribute.local_port)
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        async with hosted(provider, issuer, tmp_path, **variables) as (server, url, token):
            async with (
                httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                await client.list_tools()
                await arrived.wait()
                bought = await client.call_tool("purchase_number", {"phone_number": NUMBER, "confirm": True})
                assert not bought.is_error
            server.process.terminate()
            assert await server.end() == 0
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def hosted(
    provider: Provider, issuer: Issuer, home: Path, **variables: str
) -> AsyncGenerator[tuple[Running, str, str]]:
    """Run a server of a tenant, and give its URL and a token for it."""
    public = "http://127.0.0.1:9/mcp"
    chosen = {
        "TELEFONIE_PUBLIC_URL": public,
        "TELEFONIE_ISSUER": issuer.url,
        "TELEFONIE_TENANTS": str(write_tenants(home, {"acme": {}})),
        "TELEFONIE_TENANT_CLAIM": "org_id",
        "TELEFONIE_BASE_URL": provider.url,
        "TELEFONIE_LEDGER": str(home / "ledger.sqlite3"),
        "TELEFONIE_DRAIN_SECONDS": "0",
        "TELEFONIE_LOG_LEVEL": "debug",
        **variables,
    }
    token = issuer.token(public, "numbers:purchase", sub="person-0451", org_id="org-acme")
    async with running("--http", "127.0.0.1:0", home=home, variables=chosen) as server:
        yield server, await server.address(), token


NOT_INSTALLED = """
import sys
sys.modules["opentelemetry.sdk.trace"] = None
from telefonie_mcp.__main__ import main
sys.argv = ["telefonie-mcp"]
main()
"""


@pytest.mark.parametrize(
    ("variable", "value", "status", "said"),
    [
        (
            "TELEFONIE_METRICS",
            "127.0.0.1:0",
            2,
            "TELEFONIE_METRICS needs the extra telemetry; install it with pip",
        ),
        ("OTEL_TRACES_EXPORTER", "otlp", 0, "ask for spans or metrics, which need the extra telemetry"),
        ("OTEL_TRACES_EXPORTER", "none", 0, ""),
    ],
)
async def test_without_the_extra_a_start_says_what_to_install(
    variable: str, value: str, status: int, said: str, tmp_path: Path
) -> None:
    variables = environment(tmp_path, TELEFONIE_SANDBOX_DB=":memory:", **{variable: value})
    with anyio.fail_after(SECONDS):
        run = await anyio.run_process(
            [sys.executable, "-c", NOT_INSTALLED], input=b"", env=variables, stderr=PIPE, check=False
        )
    assert run.returncode == status
    assert said in run.stderr.decode()
    assert "Traceback" not in run.stderr.decode()
