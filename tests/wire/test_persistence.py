"""Several desktop clients start several servers: they share one sandbox and one ledger."""

import json
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp_types import TextResourceContents

from tests.support.wire import answer_of, connected

NUMBER, WANTED = "+14155550123", "+14155550124"
BUY = {"phone_number": NUMBER, "confirm": True}


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return answer_of(await client.call_tool(tool, arguments))


async def test_servers_share_what_they_buy_and_of_two_that_buy_one_number_at_once_one_gets_it(
    tmp_path: Path,
) -> None:
    async with (
        connected("stdio", "auto", tmp_path) as one,
        connected("stdio", "legacy", tmp_path) as other,
    ):
        await share_what_they_buy(one, other)
        await buy_one_number_at_once(one, other)
    async with connected("stdio", "auto", tmp_path) as later:
        assert (await call(later, "list_owned_numbers"))["total"] == 2
        assert (await call(later, "release_number", **BUY))["message"] == "Number released"
        assert (await call(later, "list_owned_numbers"))["total"] == 1


async def share_what_they_buy(one: Client, other: Client) -> None:
    assert (await call(one, "purchase_number", **BUY))["phone_number"] == NUMBER
    assert (await call(other, "list_owned_numbers"))["numbers"][0]["phone_number"] == NUMBER
    assert (await call(other, "purchase_number", **BUY))["code"] == "conflict"
    renamed = await call(other, "update_owned_number", phone_number=NUMBER, friendly_name="Desk")
    assert await call(one, "get_owned_number", phone_number=NUMBER) == {
        name: value for name, value in renamed.items() if name not in {"note", "replaced"}
    }
    (log,) = (await one.read_resource("telefonie://log")).contents
    assert isinstance(log, TextResourceContents)
    assert [entry["tool"] for entry in json.loads(log.text)["entries"]] == [
        "update_owned_number",
        "purchase_number",
    ]


async def buy_one_number_at_once(one: Client, other: Client) -> None:
    answers: list[dict[str, Any]] = []

    async def buy(client: Client) -> None:
        answers.append(await call(client, "purchase_number", **{**BUY, "phone_number": WANTED}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(buy, one)
        tasks.start_soon(buy, other)
    winner, loser = sorted(answers, key=lambda answer: "code" in answer)
    assert winner["phone_number"] == WANTED
    assert loser["code"] in {"conflict", "facts_changed", "in_progress"}
