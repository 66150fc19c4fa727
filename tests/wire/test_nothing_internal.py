"""A bug inside shows in the log and nowhere else."""

from pathlib import Path
from typing import Any, Literal

import httpx2 as httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from telefonie_mcp.app import App
from telefonie_mcp.ledger.records import Entry
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.settings.reading import read_settings
from tests.support.transports import both_eras
from tests.support.wire import answer_of

SECRET = "secret in /etc/passwd"
OWNED: dict[str, Any] = {
    "phone_number": "+14155550123",
    "type": "local",
    "capabilities": {"voice": True, "sms": True, "mms": True},
    "country_code": "US",
}
Mode = Literal["auto", "legacy"]


class Broken(httpx.AsyncBaseTransport):
    """Breaks on everything but looking at one owned number, which a release does before it begins."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path.endswith(OWNED["phone_number"]):
            return httpx.Response(200, json=OWNED)
        raise RuntimeError(SECRET, request)


class BrokenApp(App):
    async def recent_writes(self, limit: int = 50) -> list[Entry]:
        raise RuntimeError(SECRET, limit)


@both_eras
@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("list_owned_numbers", {}, "Nothing was done: the server failed unexpectedly."),
        ("release_number", {"phone_number": "+14155550123", "confirm": True}, "It is unknown whether"),
    ],
)
async def test_an_internal_error_in_a_tool_shows_in_the_log_only(
    tool: str, arguments: dict[str, Any], words: str, mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    app = App.from_settings(read_settings({"TELEFONIE_SANDBOX_DB": ":memory:"}), transport=Broken())
    async with Client(mcp_server(app), mode=mode) as client:
        result = await client.call_tool(tool, arguments)
    answer = answer_of(result)
    assert (result.is_error, answer["code"]) == (True, "internal_error")
    assert answer["message"].startswith(words)
    assert SECRET not in str(result)
    assert SECRET in caplog.text


@both_eras
async def test_an_internal_error_in_a_resource_shows_in_the_log_only(
    mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    app = BrokenApp.from_settings(read_settings({"TELEFONIE_SANDBOX_DB": ":memory:"}))
    async with Client(mcp_server(app), mode=mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource("telefonie://log")
        assert caught.value.code == -32603
        assert SECRET not in str(caught.value)
        with pytest.raises(
            MCPError, match="Unknown resource; the resources are telefonie://openapi/telefonie-numbers"
        ):
            await client.read_resource("telefonie://nowhere")
    assert SECRET in caplog.text


async def test_a_sandbox_that_cannot_start_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a database, but long enough to look like one " * 100)
    settings = read_settings({"TELEFONIE_SANDBOX_DB": str(tmp_path / "file")})
    async with Client(mcp_server(App.from_settings(settings))) as client:
        answer = answer_of(await client.call_tool("list_owned_numbers", {}))
    assert answer["code"] == "sandbox_unavailable"
    assert answer["message"].startswith("Nothing was done: the embedded sandbox cannot start: ")
    assert "TELEFONIE_SANDBOX_DB" in answer["hint"]
