"""Several desktop clients start several servers: they share one sandbox and one ledger."""

import json
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp_types import TextResourceContents

from tests.support.wire import answer_of, connected

NUMBER = "+14155550123"
BUY = {"phone_number": NUMBER, "confirm": True}


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return answer_of(await client.call_tool(tool, arguments))


async def test_servers_see_what_the_others_bought_and_released(tmp_path: Path) -> None:
    async with (
        connected("stdio", "auto", tmp_path) as one,
        connected("stdio", "legacy", tmp_path) as other,
    ):
        assert (await call(one, "purchase_number", **BUY))["phone_number"] == NUMBER
        assert (await call(other, "list_owned_numbers"))["numbers"][0]["phone_number"] == NUMBER
        assert (await call(other, "purchase_number", **BUY))["code"] == "conflict"
        renamed = await call(other, "update_owned_number", phone_number=NUMBER, friendly_name="Desk")
        assert await call(one, "get_owned_number", phone_number=NUMBER) == {
            name: value for name, value in renamed.items() if name != "replaced"
        }
        (log,) = (await one.read_resource("telefonie://log")).contents
        assert isinstance(log, TextResourceContents)
        assert [entry["tool"] for entry in json.loads(log.text)["entries"]] == [
            "update_owned_number",
            "purchase_number",
        ]
    async with connected("stdio", "auto", tmp_path) as later:
        assert (await call(later, "release_number", **BUY))["message"] == "Number released"
        assert (await call(later, "list_owned_numbers"))["total"] == 0


async def test_of_two_servers_that_buy_one_number_at_once_exactly_one_gets_it(tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = []

    async def buy(client: Client) -> None:
        answers.append(await call(client, "purchase_number", **BUY))

    async with (
        connected("stdio", "auto", tmp_path) as one,
        connected("stdio", "auto", tmp_path) as other,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(buy, one)
        tasks.start_soon(buy, other)
    winner, loser = sorted(answers, key=lambda answer: "code" in answer)
    assert winner["phone_number"] == NUMBER
    assert loser["code"] in {"conflict", "in_progress"}
