"""What is counted and measured of the messages of a client, and that nothing of their content is."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.telemetry.metrics import Metrics
from tests.support.faulty import NUMBER, Provider, faulty
from tests.support.served import WRITES, live_app
from tests.support.transports import both_eras
from tests.support.wire import SECONDS, Mode

MARK = "distinctive-0451"
OTHER = "+14155550199"


class Measured:
    """The metrics of a server of the test."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.metrics = Metrics.on(self.provider.get_meter("test"), set())

    def points(self, name: str) -> list[tuple[Mapping[str, Any], float]]:
        """Return the attributes and the number of what was counted or measured."""
        data = self._reader.get_metrics_data()
        found = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        return [
            (dict(point.attributes or {}), getattr(point, "count", None) or getattr(point, "value", 0))
            for metric in found
            for point in metric.data.data_points
        ]

    def everything(self) -> str:
        data = self._reader.get_metrics_data()
        return data.to_json() if data else ""


@asynccontextmanager
async def measured(
    provider: Provider, mode: Mode = "auto", tenant: str = "", *, yes: bool = True, **changes: Any
) -> AsyncGenerator[tuple[Client, Measured]]:
    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return (
            ElicitResult(action="accept", content={"approve": True})
            if yes
            else ElicitResult(action="decline")
        )

    measures = Measured()
    async with live_app(provider, 60, **changes) as app:
        server = mcp_server(replace(app, metrics=measures.metrics.of(tenant) if tenant else measures.metrics))
        with anyio.fail_after(SECONDS):
            async with Client(server, mode=mode, elicitation_callback=answer) as client:
                yield client, measures
    measures.provider.shutdown()


async def call(client: Client, tool: str) -> None:
    await client.call_tool(tool, WRITES[tool][1])


@both_eras
async def test_calls_writes_requests_and_waits_are_measured(mode: Mode) -> None:
    async with faulty() as provider, measured(provider, mode) as (client, measures):
        await call(client, "purchase_number")
        await call(client, "purchase_number")
        await call(client, "release_number")
        of_tools = [
            (attributes, count)
            for attributes, count in measures.points("mcp.server.operation.duration")
            if attributes["mcp.method.name"] == "tools/call"
        ]
        version = of_tools[0][0]["mcp.protocol.version"]
        assert version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        counted = {
            (attributes["gen_ai.tool.name"], attributes.get("error.type")): count
            for attributes, count in of_tools
        }
        assert counted == {
            ("purchase_number", None): 1,
            ("purchase_number", "tool_error"): 1,
            ("release_number", None): 1,
        }
        assert measures.points("telefonie.purchases") == [({"outcome": "done"}, 1)]
        assert measures.points("telefonie.releases") == [({"outcome": "done"}, 1)]
        refused = {"error.code": "conflict", "gen_ai.tool.name": "purchase_number"}
        assert measures.points("telefonie.refusals") == [(refused, 1)]
        upstream = {
            (attributes["outcome"], attributes["write"])
            for attributes, _ in measures.points("telefonie.upstream.duration")
        }
        assert {("201", "true"), ("204", "true"), ("200", "false")} <= upstream
        assert measures.points("telefonie.ledger.wait")[0][1] >= 4


@both_eras
@pytest.mark.parametrize(("yes", "outcome"), [(True, "given"), (False, "not_approved")])
async def test_approvals_are_counted(mode: Mode, yes: bool, outcome: str) -> None:
    async with (
        faulty() as provider,
        measured(provider, mode, yes=yes, approval="human") as (client, measures),
    ):
        await call(client, "purchase_number")
        counted = {
            attributes["outcome"]: count for attributes, count in measures.points("telefonie.approvals")
        }
        assert counted == {outcome: 1} | ({} if mode == "legacy" else {"asked": 1})


async def test_a_tenant_of_a_list_is_named() -> None:
    async with faulty() as provider, measured(provider, tenant="acme") as (client, measures):
        await call(client, "purchase_number")
        assert measures.points("telefonie.purchases") == [
            ({"outcome": "done", "telefonie.tenant": "acme"}, 1)
        ]


def test_a_tenant_of_very_many_is_not_named() -> None:
    measures = Measured()
    for among in (1000, 1001):
        measures.metrics.of("acme", among=among).refused("conflict", "purchase_number")
    counted = [attributes.get("telefonie.tenant") for attributes, _ in measures.points("telefonie.refusals")]
    assert counted == ["acme", None]
    measures.provider.shutdown()


async def test_nothing_of_the_content_is_in_a_metric() -> None:
    async with faulty() as provider, measured(provider) as (client, measures):
        with pytest.raises(MCPError):
            await client.call_tool(MARK, {})
        with pytest.raises(MCPError):
            await client.read_resource(f"telefonie://{MARK}")
        await client.call_tool("purchase_number", {"phone_number": NUMBER, "confirm": True, MARK: MARK})
        await client.call_tool("get_owned_number", {"phone_number": OTHER})
        await client.call_tool("search_available_numbers", {"country_code": MARK})
        text = measures.everything()
    assert '"other"' in text
    assert not [secret for secret in (MARK, NUMBER[1:], OTHER[1:], "distinctive-key") if secret in text]
