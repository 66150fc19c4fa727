"""A scripted agent does what a prompt's text says, step by step, and a person's answers decide.

The agent reads nothing but the text: the tools to call, the arguments that are given with ``name=value``, and
where to make the call of a preview.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, TextContent

from tests.sandbox.porting.support import FIELDS, PDF
from tests.sandbox.porting.support import NUMBERS as PORTED
from tests.support.transports import both_eras, everywhere
from tests.support.wire import Mode, Transport, answer_of, connected

NUMBERS = ("+14155550123", "+14155550124", "+442079460123")

everywhere_and_a_no = pytest.mark.parametrize(
    ("transport", "yes"),
    [
        ("memory", True),
        ("memory", False),
        ("http", True),
        pytest.param("stdio", True, marks=pytest.mark.whole),
    ],
)


@dataclass
class Agent:
    """Follows the steps of one prompt; `said` is what the person hears, `done` the calls that were made."""

    client: Client
    steps: list[str]
    done: list[str] = field(default_factory=list[str])
    preview: dict[str, Any] = field(default_factory=dict[str, Any])

    async def call(self, step: int, *, tool: int = 0, **chosen: Any) -> dict[str, Any]:
        """Make the call that a step names, with the arguments that it gives, and those that were chosen."""
        name = re.findall(r"[Cc]all (\w+)", self.steps[step])[tool]
        written = re.findall(r'(\w+)=("[^"]*"|\w+)', self.steps[step])
        given = {argument: json.loads(value) for argument, value in written}
        return await self.make(name, {**given, **chosen})

    async def make(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.done.append(name)
        result = await self.client.call_tool(name, arguments)
        answer = answer_of(result)
        assert bool(result.is_error) is (answer.get("code") == "confirmation_required"), answer
        return answer

    async def confirm(self, step: int, preview: dict[str, Any]) -> dict[str, Any]:
        """Make the call of a preview, which the step must say."""
        assert "Only if I say yes" in self.steps[step]
        assert "exactly the call in next_call" in self.steps[step]
        return await self.make(preview["next_call"]["name"], preview["next_call"]["arguments"])


@asynccontextmanager
async def prompted(
    transport: Transport, mode: Mode, home: Path, name: str, **arguments: str
) -> AsyncGenerator[Agent]:
    """Connect a client, and choose a prompt."""
    settings = {
        "TELEFONIE_SANDBOX_DB": str(home / "sandbox.sqlite3"),
        "TELEFONIE_TOOLSETS": "numbers,lookup,porting",
    }
    async with connected(transport, mode, home, **settings) as client:
        assert name in [prompt.name for prompt in (await client.list_prompts()).prompts]
        (message,) = (await client.get_prompt(name, arguments)).messages
        assert message.role == "user"
        assert isinstance(message.content, TextContent)
        yield Agent(client, re.findall(r"^\d+\. (.*)$", message.content.text, re.MULTILINE))


async def own(home: Path, *numbers: str, **settings: str) -> None:
    async with connected("memory", "auto", home) as client:
        for number in numbers:
            arguments = {"phone_number": number, "confirm": True, **settings}
            assert not (await client.call_tool("purchase_number", arguments)).is_error


async def owned(home: Path) -> dict[str, dict[str, Any]]:
    async with connected("memory", "auto", home) as client:
        answer = answer_of(await client.call_tool("list_owned_numbers", {}))
    return {each["phone_number"]: each for each in answer["numbers"]}


@both_eras
@everywhere_and_a_no
async def test_following_find_and_buy_number_buys_what_was_chosen(
    yes: bool, transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    given = {"country": "us", "area": "415", "type": "local", "purpose": "SMS reminders"}
    async with prompted(transport, mode, tmp_path, "find_and_buy_number", **given) as agent:
        found = (await agent.call(0))["available_numbers"]
        assert {(each["country_code"], each["type"]) for each in found} == {("US", "local")}
        assert all(each["phone_number"].startswith("+1415") for each in found)
        assert len(found) == 5
        assert all(each["capabilities"]["sms"] for each in found)
        preview = await agent.call(2, phone_number=found[1]["phone_number"])
        assert preview["preview"]["monthly_rate"] == found[1]["monthly_rate"]
        assert await owned(tmp_path) == {}
        if yes:
            bought = await agent.confirm(4, preview)
            routed = await agent.make(
                re.findall(r"set that with (\w+)", agent.steps[5])[0],
                {"phone_number": bought["phone_number"], "sms_url": "https://example.com/sms"},
            )
            assert routed["sms_url"] == "https://example.com/sms"
    assert [*await owned(tmp_path)] == ([found[1]["phone_number"]] if yes else [])
    assert agent.done == ["search_available_numbers", "purchase_number"] + (
        ["purchase_number", "update_owned_number"] if yes else []
    )


@both_eras
async def test_following_audit_account_finds_the_problems_and_changes_nothing(
    mode: Mode, tmp_path: Path
) -> None:
    await own(tmp_path, NUMBERS[0])
    await own(tmp_path, NUMBERS[1], voice_url="http://example.com/v", sms_url="https://example.com/s")
    await own(tmp_path, NUMBERS[2], voice_url="https://example.com/v")
    before = await owned(tmp_path)
    async with prompted("memory", mode, tmp_path, "audit_account") as agent:
        first = re.search(r"page=1 and page_size=100", agent.steps[0])
        assert first
        name = re.findall(r"Call (\w+)", agent.steps[0])[0]
        answer = await agent.make(name, {"page": 1, "page_size": 100})
        numbers = answer["numbers"]
        assert len(numbers) == answer["total"] == 3
        for member in ("voice_url", "sms_url", "capabilities"):
            assert member in agent.steps[1]
        unrouted = [
            each["phone_number"]
            for each in numbers
            if any(each["capabilities"][kind] and f"{kind}_url" not in each for kind in ("voice", "sms"))
        ]
        assert unrouted == [NUMBERS[0]]
        plain = [
            each["phone_number"]
            for each in numbers
            if any(each.get(url, "").startswith("http://") for url in ("voice_url", "sms_url"))
        ]
        assert plain == [NUMBERS[1]]
        costs: Counter[tuple[str, str]] = Counter()
        for each in numbers:
            costs[each["country_code"], each["type"]] += int(100 * Decimal(each["monthly_rate"]))
        assert costs == {("US", "local"): 230, ("GB", "local"): 115}
        assert set(agent.done) == {"list_owned_numbers"}
    assert await owned(tmp_path) == before


@both_eras
@everywhere
async def test_following_move_webhooks_moves_them_and_can_be_undone(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    await own(
        tmp_path, NUMBERS[0], voice_url="https://old.example.com/v?x=1", sms_url="https://else.example.com/s"
    )
    await own(tmp_path, NUMBERS[1], voice_url="https://sub.old.example.com/v")
    await own(tmp_path, NUMBERS[2], voice_url="http://old.example.com:8080/v")
    before = await owned(tmp_path)
    hosts = {"from_host": "old.example.com", "to_host": "new.example.com"}
    async with prompted(transport, mode, tmp_path, "move_webhooks", **hosts) as agent:
        name = re.findall(r"Call (\w+)", agent.steps[0])[0]
        numbers = (await agent.make(name, {"page": 1, "page_size": 100}))["numbers"]
        assert all(host in agent.steps[1] for host in hosts.values())
        moves = {
            each["phone_number"]: {
                url: each[url].replace(hosts["from_host"], hosts["to_host"])
                for url in ("voice_url", "sms_url")
                if urlsplit(str(each.get(url, ""))).hostname == hosts["from_host"]
            }
            for each in numbers
        }
        assert "Only if I say yes" in agent.steps[3]
        replaced = {
            number: (await agent.call(3, phone_number=number, **urls))["replaced"]
            for number, urls in moves.items()
            if urls
        }
        after = await owned(tmp_path)
        assert after[NUMBERS[0]]["voice_url"] == "https://new.example.com/v?x=1"
        assert after[NUMBERS[0]]["sms_url"] == "https://else.example.com/s"
        assert after[NUMBERS[1]] == before[NUMBERS[1]]
        assert after[NUMBERS[2]]["voice_url"] == "http://new.example.com:8080/v"
        undo = re.findall(r"To undo a change, call (\w+)", agent.steps[5])[0]
        for number, urls in replaced.items():
            await agent.make(undo, {"phone_number": number, **urls})
    assert await owned(tmp_path) == before


@both_eras
@everywhere_and_a_no
async def test_following_give_back_number_releases_it(
    yes: bool, transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    await own(tmp_path, *NUMBERS, voice_url="https://example.com/v")
    async with prompted(
        transport, mode, tmp_path, "give_back_number", phone_number="+1 415 555 0123"
    ) as agent:
        assert (await agent.call(0))["phone_number"] == NUMBERS[0]
        preview = await agent.call(1)
        assert preview["preview"]["would_be_lost"]["voice_url"] == "https://example.com/v"
        assert len(await owned(tmp_path)) == 3
        if yes:
            assert (await agent.confirm(3, preview))["phone_number"] == NUMBERS[0]
    assert [*await owned(tmp_path)] == [*(NUMBERS[1:] if yes else NUMBERS)]


@both_eras
@pytest.mark.parametrize("yes", [True, False])
async def test_following_bring_my_numbers_submits_an_order(yes: bool, mode: Mode, tmp_path: Path) -> None:
    async with prompted("memory", mode, tmp_path, "bring_my_numbers", numbers=", ".join(PORTED)) as agent:
        results = (await agent.call(0, phone_numbers=PORTED))["results"]
        assert all(each["portable"] for each in results)
        order = await agent.call(2, phone_numbers=PORTED)
        read = re.findall(r"missing in (\w+) is empty", agent.steps[3])[0]
        give, give_document = re.findall(r"with (\w+)\.", agent.steps[3])
        name = {"port_order_id": order["port_order_id"]}
        assert (await agent.make(read, name))["missing"] == order["missing"] != []
        await agent.make(give, {**name, **FIELDS})
        letter = {"type": "loa", "file_name": "loa.pdf", "content": PDF}
        await agent.make(give_document, {**name, **letter})
        assert (await agent.make(read, name))["missing"] == []
        preview = await agent.call(4, **name)
        assert all(number in preview["message"] for number in PORTED)
        if yes:
            await agent.confirm(6, preview)
        last = re.findall(r"from (\w+),", agent.steps[7])[0]
        assert (await agent.make(last, name))["status"] == ("submitted" if yes else "draft")


async def test_porting_is_only_offered_where_it_is_on(tmp_path: Path) -> None:
    async with connected("memory", "auto", tmp_path) as client:
        assert "bring_my_numbers" not in [each.name for each in (await client.list_prompts()).prompts]
        with pytest.raises(MCPError, match="Unknown prompt"):
            await client.get_prompt("bring_my_numbers", {"numbers": PORTED[0]})


@both_eras
async def test_prompts_are_listed_with_titles_and_arguments_and_refused_helpfully(
    mode: Mode, tmp_path: Path
) -> None:
    async with connected("memory", mode, tmp_path) as client:
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        tools = {tool.name for tool in (await client.list_tools()).tools}
        resources = {each.name for each in (await client.list_resources()).resources}
        assert not prompts.keys() & (tools | resources)
        for prompt in prompts.values():
            assert prompt.title
            assert prompt.description
            assert all(argument.description for argument in prompt.arguments or ())
        found = {each.name: each.required for each in prompts["find_and_buy_number"].arguments or ()}
        assert found == {"country": True, "area": False, "type": False, "purpose": False}

        with pytest.raises(MCPError, match="did you mean give_back_number") as unknown:
            await client.get_prompt("give_back", {})
        assert unknown.value.error.code == INVALID_PARAMS
        with pytest.raises(MCPError, match="the prompts are find_and_buy_number, ") as unknown:
            await client.get_prompt("zzz", {})
        with pytest.raises(MCPError, match=r"country must be .* did you mean GB\?.*; typ is not") as wrong:
            await client.get_prompt("find_and_buy_number", {"country": "UK", "typ": "x"})
        assert wrong.value.error.code == INVALID_PARAMS
        assert [each["field"] for each in wrong.value.error.data["errors"]] == ["country", "typ"]


async def test_a_server_without_prompts_says_so(tmp_path: Path) -> None:
    async with connected("memory", "auto", tmp_path, TELEFONIE_TOOLS="get_owned_number") as client:
        assert (await client.list_prompts()).prompts == []
        with pytest.raises(MCPError, match="the prompts are none"):
            await client.get_prompt("audit_account")
