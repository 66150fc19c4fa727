"""What comes of an API that pages well, badly, or not at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from telefonie_mcp.openapi.hints import Pages
from telefonie_mcp.progress import listening
from telefonie_mcp.resources.collection import read_collection
from tests.support.wire import SECONDS

PAGES = Pages(items="things", key="id", page="page", size="size", total="total")


@dataclass
class Paged:
    """Answers pages of `things`; what a test changes happens before the page of that number."""

    things: list[str]
    says_total: bool = True
    most: int = 100
    before: Mapping[int, list[str]] = field(default_factory=dict[int, list[str]])
    asked: list[int] = field(default_factory=list[int])

    async def __call__(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        page, size = arguments["page"], min(arguments["size"], self.most)
        self.asked.append(page)
        self.things = self.before.get(page, self.things)
        shown = [{"id": thing} for thing in self.things[(page - 1) * size : page * size]]
        return {"things": shown} | ({"total": len(self.things)} if self.says_total else {})


class Deaf(Paged):
    """Ignores `page`."""

    async def __call__(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await super().__call__({**arguments, "page": 1})
        self.asked[-1] = arguments["page"]
        return {**answer, **({"total": 1000} if self.says_total else {})}


async def collect(read: Paged, size: int = 2, most: int = 1_000_000) -> tuple[list[str], dict[str, Any]]:
    with anyio.fail_after(SECONDS):
        text = await read_collection(read, PAGES, size=size, title="Things", max_characters=most)
    content = json.loads(text)
    return [thing["id"] for thing in content.pop("things")], content


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
async def test_every_page_is_read_where_there_is_a_total(count: int) -> None:
    things = [*"abcde"[:count]]
    assert await collect(read := Paged(things)) == (things, {"total": count, "complete": True})
    assert read.asked == [*range(1, max(1, -(-count // 2)) + 1)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
async def test_every_page_is_read_where_there_is_no_total(count: int) -> None:
    things = [*"abcde"[:count]]
    read = Paged(things, says_total=False)
    assert await collect(read) == (things, {"total": count, "complete": True})


async def test_pages_that_are_smaller_than_asked_for_are_all_read() -> None:
    assert await collect(Paged([*"abcde"], says_total=False, most=1), size=100) == (
        [*"abcde"],
        {"total": 5, "complete": True},
    )


@pytest.mark.parametrize("says_total", [True, False])
async def test_an_api_that_ignores_the_page_is_noticed(says_total: bool) -> None:
    read = Deaf([*"ab"], says_total=says_total)
    things, rest = await collect(read)
    assert (things, rest["complete"]) == ([*"ab"], False)
    assert rest["note"].startswith("The API answered page 2 with what it had shown before")
    assert read.asked == [1, 2]


async def test_an_api_that_shows_everything_at_once_is_not_asked_again() -> None:
    async def read(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        assert arguments["page"] == 1
        return {"things": [{"id": letter} for letter in "abc"], "total": 3}

    assert json.loads(await read_collection(read, PAGES, size=1, title="Things"))["complete"]


async def test_a_total_that_is_never_reached_is_noted() -> None:
    async def read(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"things": [{"id": "a"}] if arguments["page"] == 1 else [], "total": 3}

    content = json.loads(await read_collection(read, PAGES, size=1, title="Things"))
    assert content["complete"] is False
    assert (
        content["note"] == "The API says that there are 3, and showed 1. They changed meanwhile; read again."
    )


async def test_what_moved_to_the_next_page_is_not_shown_twice() -> None:
    things, rest = await collect(Paged([*"abcd"], before={2: [*"zabcd"]}))
    assert things == [*"abcd"]
    assert rest["complete"] is False


async def test_what_moved_to_the_page_before_is_missed_and_said() -> None:
    things, rest = await collect(Paged([*"abcde"], before={2: [*"bcde"]}))
    assert things == [*"abde"]
    assert (rest["total"], rest["complete"]) == (4, False)


async def test_there_is_an_end_to_what_can_be_read() -> None:
    things, rest = await collect(Paged([str(n) for n in range(1000)]), most=100)
    assert len(things) < 20
    assert rest["note"].startswith("There are more than can be read at once")


async def test_a_missing_list_is_an_empty_one() -> None:
    async def read(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}

    text = await read_collection(read, PAGES, size=1, title="Things")
    assert json.loads(text) == {"things": [], "total": 0, "complete": True}


async def test_progress_counts_what_was_read() -> None:
    heard: list[tuple[float, float | None, str]] = []

    async def hear(*what: Any) -> None:
        heard.append(what)

    with listening(hear):
        await collect(Paged([*"abc"]))
    assert heard == [(2, 3, "Things: 2 read"), (3, 3, "Things: 3 read")]


async def test_a_page_that_fails_fails_everything() -> None:
    async def read(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if arguments["page"] == 2:
            raise LookupError
        return {"things": [{"id": "a"}], "total": 2}

    with pytest.raises(LookupError):
        await read_collection(read, PAGES, size=1, title="Things")
