"""Two numbers ported through MCP, and simulated calls to them."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio
from mcp import Client

from telefonie_mcp.app import App
from telefonie_mcp.sandbox import move_clock
from telefonie_mcp.sandbox.inbound import Inbound, deliver
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.reading import read_settings
from tests.sandbox.inbound.support import CALLER, webhook
from tests.sandbox.porting.support import FIELDS, NUMBERS, PDF


async def test_calls_to_ported_numbers_reach_their_webhooks(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.sqlite3"
    app = App.from_settings(
        read_settings({"TELEFONIE_SANDBOX_DB": str(database), "TELEFONIE_TOOLSETS": "all"})
    )
    with anyio.fail_after(300):
        async with webhook() as hook, Client(mcp_server(app)) as client:

            async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
                result = await client.call_tool(tool, arguments)
                assert not result.is_error, result.content
                assert result.structured_content is not None
                return result.structured_content

            routing = {"voice_url": f"{hook.base}/voice", "sms_url": f"{hook.base}/sms"}
            wrong = {**FIELDS, "pin": "0000"}
            order = await ask("create_port_order", phone_numbers=NUMBERS, **wrong, **routing)
            one = {"port_order_id": order["port_order_id"]}
            await ask("upload_port_document", **one, type="loa", file_name="loa.pdf", content=PDF)
            await ask("submit_port_order", **one, confirm=True)
            move_clock(database, timedelta(days=4))
            found = await ask("lookup_number", phone_number=NUMBERS[0])
            assert found["account"]["port"] == {**one, "status": "exception"}
            await ask("update_port_order", **one, pin=FIELDS["pin"])
            await ask("submit_port_order", **one, confirm=True)
            move_clock(database, timedelta(days=14))

            # No request came since: the port is applied when the first call arrives.
            for number in NUMBERS:
                called = await deliver(database, Inbound("call", number, CALLER), allow_private=True)
                texted = await deliver(
                    database, Inbound("sms", number, CALLER, "Welcome"), allow_private=True
                )
                assert [called.event.outcome, texted.event.outcome] == ["delivered", "delivered"]
            found = await ask("lookup_number", phone_number=NUMBERS[0])
            assert found["account"]["port"] == {**one, "status": "ported"}
            assert found["account"]["owned"] is True
    rung = [(path, parse_qs(body.decode())["To"]) for path, _, body in hook.requests]
    assert rung == [(path, [number]) for number in NUMBERS for path in ("/voice", "/sms")]
