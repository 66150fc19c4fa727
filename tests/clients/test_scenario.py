"""The same scenario through every client, as it comes from its registry, over stdio and Streamable HTTP.

What each shows of it stands in tests/snapshots/clients.json, of which the table in docs/clients.md is made.
After an intended change, or with a new version of a client, ``UPDATE_SNAPSHOTS=1 python -m pytest -n 0
tests/clients/test_scenario.py`` writes it anew and fails once, so that the change is looked at; then
``python -m tests.documentation.generated``.
"""

import json
import os
from pathlib import Path
from typing import Any, get_args

import pytest

from telefonie_mcp.app import App
from telefonie_mcp.settings.fields import Settings
from tests.clients.remote import CLIENTS, Answer, Remote, Transport, foreign_client

SNAPSHOT = Path(__file__).parents[1] / "snapshots/clients.json"


@pytest.mark.parametrize("transport", get_args(Transport))
@pytest.mark.parametrize("key", CLIENTS)
async def test_a_client_gets_the_whole_service(key: str, transport: Transport, tmp_path: Path) -> None:
    async with foreign_client(CLIENTS[key], transport, tmp_path) as remote:
        shown = await the_scenario(remote)
    seen = {"name": CLIENTS[key].name, "versions": remote.versions, "protocol": remote.protocol, **shown}
    rows: dict[str, Any] = json.loads(SNAPSHOT.read_text())
    if os.environ.get("UPDATE_SNAPSHOTS"):
        rows[key] = seen
        SNAPSHOT.write_text(json.dumps({key: rows[key] for key in CLIENTS if key in rows}, indent=2) + "\n")
        pytest.fail("the snapshot was written anew; look at the difference and run again")
    assert rows[key] == seen


async def the_scenario(remote: Remote) -> dict[str, str]:
    """Play it, and return in which form the client shows its parts."""

    async def call(tool: str, **arguments: Any) -> Answer:
        return Answer(await remote.ask("call", tool, arguments))

    catalog = App.from_settings(Settings(sandbox_db=":memory:")).catalog
    assert await remote.ask("tools") == [tool.name for tool in catalog]

    found = await call("search_available_numbers", country_code="US", area_code="415", limit=1)
    number = found.json["available_numbers"][0]["phone_number"]
    assert number.startswith("+1415")

    refused = await call("purchase_number", phone_number=number, confirm=False)
    assert refused.json["message"].startswith("Nothing was done")
    assert refused.json["code"] == "confirmation_required"
    assert (await call("list_owned_numbers")).json["total"] == 0

    bought = await call("purchase_number", **refused.json["next_call"]["arguments"])
    assert bought.json["phone_number"] == number
    assert bought.form == found.form
    assert (await call("list_owned_numbers")).json["total"] == 1

    wrong = await call("search_available_numbers", country_code="Germany", limit=500, color="blue")
    assert wrong.json["code"] == "invalid_arguments"
    assert {error["field"] for error in wrong.json["errors"]} == {"country_code", "limit", "color"}
    assert wrong.refusal == refused.refusal

    unknown = await call("buy_everything")
    assert "buy_everything" in unknown.shown["text"]

    document = await remote.ask("read", "telefonie://openapi/telefonie-numbers")
    assert document.startswith("openapi: 3.0.3")

    prompt = await remote.ask("prompt", "find_and_buy_number", {"country": "US", "area": "415"})
    assert "search_available_numbers" in prompt

    return {"result": found.form, "refusal": refused.refusal, "unknown_tool": unknown.refusal}
