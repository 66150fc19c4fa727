"""The PostgreSQL of a real replica is stopped, or crashes, and is started again: all heals by itself."""

import signal
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest
from mcp import Client
from mcp.shared.subscriptions import ResourceUpdated

from tests.support.postgres import GROUP, database
from tests.support.replicas import place, ready, until_ready
from tests.support.shop import Shop
from tests.support.tenants import write_tenants
from tests.support.wire import answer_of

pytestmark = [GROUP, pytest.mark.whole]
LOG = "telefonie://log"


def buckets(ledger: str) -> set[int]:
    with psycopg.connect(ledger.replace("+psycopg", "")) as connection:
        return {row[0] for row in connection.execute("SELECT full_at FROM ledger_rate_limits")}


async def buy(client: Client, last: int) -> dict[str, Any]:
    number = {"phone_number": f"+1415555{last:04}", "confirm": True}
    return answer_of(await client.call_tool("purchase_number", number))


async def refused(client: Client, owned: int) -> None:
    """Expect that a purchase is refused with the remedy, and that reads go on."""
    answer = await buy(client, 9999)
    assert answer["code"] == "ledger_unavailable"
    assert answer["message"].startswith("Nothing was done: the ledger cannot be ")
    assert "TELEFONIE_LEDGER" in answer["hint"]
    assert "telefonie-mcp doctor" in answer["hint"]
    assert answer_of(await client.call_tool("list_owned_numbers", {}))["total"] == owned


async def test_writes_are_refused_and_reads_go_on_until_the_database_is_back(tmp_path: Path) -> None:
    """Once it is stopped, and once it crashes: then PostgreSQL empties the table of rate limits."""
    shop = Shop()
    with database() as own:
        async with place(own.url, tmp_path, shop) as (made, _):
            made.tenants = write_tenants(tmp_path, {"acme": {}, "beta": {}})
            async with made.replica() as replica:
                await until_ready(replica)
                address = await replica.address()
                async with (
                    made.client(address, org_id="org-acme") as acme,
                    made.client(address, "legacy", org_id="org-beta") as beta,
                    acme.listen(resource_subscriptions=[LOG]) as events,
                ):
                    for number, how in ((1, signal.SIGINT), (3, signal.SIGQUIT)):
                        assert "phone_number" in await buy(acme, number)
                        assert "phone_number" in await buy(beta, number + 1)
                        assert await anext(events) == ResourceUpdated(LOG)
                        own.stop(how)
                        for client in (acme, beta):
                            await refused(client, number + 1)
                        while (found := await ready(replica))[1]["ledger"] == "ok":
                            await anyio.sleep(0.02)
                        assert (found[0], found[1]["status"]) == (200, "ready")
                        assert found[1]["ledger"] == "unreachable"
                        own.start()
                        while (found := await ready(replica))[1]["ledger"] != "ok":
                            assert found[0] == 200
                            await anyio.sleep(0.02)
                        assert await anext(events) == ResourceUpdated(LOG)  # of what may have been missed
                        before = buckets(made.ledger)
                        await beta.call_tool("list_owned_numbers", {})
                        assert buckets(made.ledger) != before  # they are shared again
                    assert "phone_number" in await buy(acme, 5)
                assert sorted(shop.owned) == [f"+1415555{number:04}" for number in range(1, 6)]
                assert shop.count("POST") == 5
                replica.process.send_signal(signal.SIGTERM)
                assert await replica.end() == 0
