"""The page and its client: messages that are strange, late, twice or missing, and the end."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from telefonie_mcp.server.app_page import page
from tests.clients.app_host import app_host
from tests.clients.test_app_page_data import NUMBER, available, offers, owned

OTHER = "+14155550199"

STRANGE: list[Any] = [
    None,
    3,
    "ui/notifications/tool-result",
    [],
    {},
    {"jsonrpc": "1.0", "method": "ui/notifications/tool-result", "params": {}},
    {"method": 3},
    {"method": {"toString": 1}},
    {"method": "constructor"},
    {"method": "__proto__", "params": {}},
    {"method": "ui/notifications/host-context-changed", "params": None},
    {"method": "ui/notifications/host-context-changed", "params": {"theme": "url(x)"}},
    {"method": "ui/notifications/tool-input", "params": {"arguments": [1]}},
    {"method": "ui/notifications/unknown", "params": {}},
    {"id": 99, "result": {}},
    {"id": "1", "result": {}},
    {"id": None, "result": {"isError": False}},
    {"id": 1, "error": {"code": -1, "message": "late"}},
]


async def test_strange_messages_change_nothing(browser: Browser) -> None:
    async with app_host(browser) as host:
        errors: list[Any] = []
        host.page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - as Playwright wants it
        await host.open(theme="light")
        await host.give(offers(available()))
        await host.status("1 number found")
        for message in STRANGE:
            if isinstance(message, dict):
                await host.send(message)
            else:
                await host.page.evaluate("(it) => frame.contentWindow.postMessage(it, '*')", message)
        await host.send({"id": "mine", "method": "ping"})
        await host.send({"id": 5, "method": "tools/list"})
        await host.page.wait_for_function("() => host.seen.some(({ id, error }) => id === 5 && error)")
        answers = await host.page.evaluate("() => host.seen.filter(({ method }) => !method)")
        assert answers == [
            {"jsonrpc": "2.0", "id": "mine", "result": {}},
            {"jsonrpc": "2.0", "id": 5, "error": {"code": -32601, "message": "Method not found"}},
        ]
        await host.status("1 number found")
        assert await host.frame.evaluate("() => document.documentElement.dataset.theme") == "light"
        assert errors == []


async def test_only_the_client_is_listened_to(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await host.give(offers(available()))
        await host.status("1 number found")
        await host.frame.evaluate(
            "(params) => window.postMessage("
            "{ jsonrpc: '2.0', method: 'ui/notifications/tool-result', params }, '*')",
            offers(available(phone_number=OTHER)),
        )
        await host.send({"id": 7, "method": "ping"})
        await host.page.wait_for_function("() => host.seen.some(({ id }) => id === 7)")
        await expect(host.frame.get_by_text(NUMBER)).to_be_visible()
        await expect(host.frame.get_by_text(OTHER)).to_have_count(0)


@pytest.mark.parametrize(
    "answer",
    [{}, {"result": None}, {"result": []}, {"result": {}, "error": {}}, {"error": "text"}],
)
async def test_an_answer_that_is_neither_result_nor_error_is_not_taken(
    browser: Browser, answer: dict[str, Any]
) -> None:
    async with app_host(browser) as host:
        await host.choose(offers(available()))
        await host.answer_last("tools/call", **answer)
        await host.status("Looking up the price")
        await host.answer_last("tools/call", error={"code": -32000, "message": "Denied"})
        await expect(host.frame.get_by_role("article")).to_contain_text("Nothing was done. Denied")


async def test_a_client_that_does_not_answer_is_named_and_can_be_asked_again(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.page.clock.install()
        await host.choose(offers(available()))
        await host.page.clock.fast_forward(121_000)
        await expect(host.frame.get_by_role("article")).to_contain_text(
            "Nothing was done. The client did not answer in time."
        )
        await host.set(silent=[])
        await host.frame.get_by_role("button", name="Try again").click()
        await host.until("tools/call", 2)


async def test_an_answer_to_an_earlier_choice_comes_too_late(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.choose(offers(available(), available(phone_number=OTHER)), f"Choose {NUMBER}")
        await host.frame.get_by_role("button", name="Back to the list").click()
        await host.frame.get_by_role("button", name=f"Choose {OTHER}").click()
        await host.until("tools/call", 2)
        await host.answer_first("tools/call", error={"code": 1, "message": "About the first"})
        await host.answer_last("tools/call", error={"code": 1, "message": "About the second"})
        card = host.frame.get_by_role("article")
        await expect(card).to_contain_text("About the second")
        await expect(card).to_contain_text(OTHER)


async def test_a_result_that_comes_twice_changes_nothing_and_another_one_everything(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await host.give(offers(available()))
        await host.frame.get_by_role("button", name="Choose").click()
        card = host.frame.get_by_role("article")
        await expect(card).to_be_visible()
        await host.give(offers(available()))
        await host.send({"id": 7, "method": "ping"})
        await host.page.wait_for_function("() => host.seen.some(({ id }) => id === 7)")
        await expect(card).to_be_visible()
        await host.give(owned(available(phone_number=OTHER)))
        await expect(host.frame.get_by_role("heading", name="My numbers")).to_be_visible()
        await expect(card).to_be_hidden()


async def test_the_focus_is_never_lost_nor_taken_from_what_stays(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await host.give(offers(available(), available(phone_number=OTHER)))
        title = host.frame.get_by_role("heading", level=1)
        search = host.frame.get_by_role("searchbox")
        await search.click()
        await host.give(offers(available(), available(phone_number="+14155550177")))
        await expect(host.frame.get_by_text("+14155550177")).to_be_visible()
        await expect(search).to_be_focused()
        await host.frame.get_by_role("button", name="Choose").first.focus()
        await host.give(owned(available(), available(phone_number=OTHER)))
        await expect(title).to_have_text("My numbers")
        await expect(title).to_be_focused()


async def test_a_client_that_closes_gets_an_answer_and_nothing_more(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await host.give(offers(available(), available(phone_number=OTHER)))
        await host.status("2 numbers found")
        await host.send({"id": "end", "method": "ui/resource-teardown", "params": {}})
        await host.status("The client has closed this page.")
        sent = await host.page.evaluate("() => host.seen")
        assert sent[-1] == {"jsonrpc": "2.0", "id": "end", "result": {}}
        assert await host.frame.evaluate("() => document.querySelector('main').inert")
        await host.give(offers())
        await host.page.set_viewport_size({"width": 400, "height": 700})
        await host.frame.wait_for_function("() => window.innerWidth === 400")
        assert await host.page.evaluate("() => host.seen") == sent
        await host.status("The client has closed this page.")


async def test_a_cancelled_call_is_said(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await host.notify("ui/notifications/tool-cancelled", reason="user action")
        await host.status("The call was cancelled.")


async def test_the_client_learns_how_large_the_page_is(browser: Browser) -> None:
    async with app_host(browser, 500) as host:
        await host.open()
        await host.until("ui/notifications/size-changed")
        small = (await host.seen("ui/notifications/size-changed"))[-1]
        await host.give(offers(*(available(phone_number=f"+1415555{last:04}") for last in range(20))))
        await host.page.wait_for_function(
            "(height) => frame.clientHeight > 2 * height && "
            "frame.clientHeight === host.seen.at(-1).params?.height",
            arg=small["height"],
        )
        assert small["width"] == 500
        scrolls = "() => document.documentElement.scrollHeight > window.innerHeight"
        assert not await host.frame.evaluate(scrolls)


async def test_outside_a_client_the_page_says_what_it_is_for(browser: Browser) -> None:
    async with await browser.new_page() as alone:
        await alone.set_content(page())
        await expect(alone.get_by_role("status")).to_contain_text("inside an MCP client")
