"""The page of numbers as a person uses it, in Chromium, with a real server behind it.

After a change that shows: ``UPDATE_SNAPSHOTS=1 python -m pytest tests/clients/test_app_page.py`` takes the
pictures in docs/ anew.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.clients.app_host import EVERYTHING, Host, app_host
from tests.support.account import owning
from tests.support.faulty import faulty
from tests.support.served import live_settings

PICTURES = Path(__file__).parents[2] / "docs"
NUMBER = "+14155550123"
HOOK = "https://hooks.example.com/voice"
WITHOUT_MESSAGES: dict[str, Any] = {"serverTools": {}, "openLinks": {}}
SMALL = 200_000
"""Bytes that a picture in docs/ may have."""


async def search(host: Host, **arguments: Any) -> None:
    await host.call("search_available_numbers", **{"country_code": "US", "limit": 8, **arguments})
    await host.status("found")


async def buy(host: Host, number: str, **members: str) -> None:
    """Buy a number as the assistant does, not through the page."""
    bought = await host.client.call_tool(
        "purchase_number", {"phone_number": number, "confirm": True, **members}
    )
    assert not bought.is_error


async def account(host: Host) -> None:
    """Buy three numbers, of which the first has no webhook for SMS and the second none at all."""
    await buy(host, NUMBER, friendly_name="Front desk", voice_url=HOOK)
    await buy(host, "+493012345678", friendly_name="Büro Berlin")
    await buy(host, "+442071838750", friendly_name="London", voice_url=HOOK, sms_url=f"{HOOK}/sms")
    await host.call("list_owned_numbers")
    await host.status("3 numbers")


def rows(host: Host) -> Locator:
    return host.frame.get_by_role("list").get_by_role("listitem")


def field(host: Host, name: str) -> Locator:
    """Return the field of this name among the filters."""
    filters = host.frame.get_by_role("group", name="Filter and sort")
    return filters.get_by_label(re.compile(rf"^\s*{re.escape(name)}"))


async def choose(host: Host) -> str:
    """Choose the first number, and return it."""
    button = host.frame.get_by_role("button", name="Choose").first
    number = (await button.get_attribute("aria-label") or "").removeprefix("Choose ")
    await button.click()
    return number


async def test_a_number_is_chosen_and_the_assistant_is_asked_and_nothing_is_bought(browser: Browser) -> None:
    async with app_host(browser, max_monthly_spend="50", currency="USD") as host:
        await host.open()
        await search(host, area_code="415")
        number = await choose(host)
        await host.status("Nothing is bought yet.")
        card = host.frame.get_by_role("article")
        await expect(card).to_contain_text("1.15 USD a month")
        await expect(card).to_contain_text("50 of 50")
        await expect(card.get_by_label("Sentence")).to_have_value(f"Please buy {number} at 1.15 USD a month.")
        await card.get_by_role("button", name="Ask the assistant").dblclick()
        await host.status("The assistant was asked.")

        calls = await host.seen("tools/call")
        assert calls == [{"name": "purchase_number", "arguments": {"phone_number": number, "confirm": False}}]
        text = f"Please buy {number} at 1.15 USD a month."
        asked = {"role": "user", "content": [{"type": "text", "text": text}]}
        assert await host.seen("ui/message") == [asked]
        (told,) = await host.seen("ui/update-model-context")
        assert number in told["content"][0]["text"]
        owned = await host.client.call_tool("list_owned_numbers", {})
        assert owned.structured_content
        assert owned.structured_content["total"] == 0

        await card.get_by_role("button", name="Back to the list").click()
        await expect(host.frame.get_by_role("button", name=f"Choose {number}")).to_be_focused()
        assert len(await host.seen("ui/update-model-context")) == 2


@pytest.mark.parametrize("capabilities", [WITHOUT_MESSAGES, {**EVERYTHING, "message": {"image": {}}}])
async def test_where_the_client_takes_no_messages_there_is_a_sentence_to_copy(
    browser: Browser, capabilities: dict[str, Any]
) -> None:
    async with app_host(browser) as host:
        await host.open(capabilities)
        await search(host)
        number = await choose(host)
        sentence = host.frame.get_by_label("Sentence")
        await expect(sentence).to_have_value(f"Please buy {number} at 1.15 a month.")
        await expect(host.frame.get_by_role("button", name="Ask")).to_have_count(0)
        await host.frame.get_by_role("button", name="Copy the sentence").click()
        await expect(host.frame.get_by_role("status")).to_contain_text(re.compile("Copied|copy it"))
        chosen = await sentence.evaluate("(field) => field.selectionEnd - field.selectionStart")
        assert chosen == len(await sentence.input_value())
        assert await host.seen("ui/message") == []
        told = await host.seen("ui/update-model-context")
        assert bool(told) is ("updateModelContext" in capabilities)


async def test_a_client_that_refuses_the_message_leaves_the_sentence_to_copy(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await host.set(refused=["ui/message", "ui/update-model-context"])
        await search(host)
        await choose(host)
        await host.frame.get_by_role("button", name="Ask the assistant").click()
        await host.status("Refused by the host")
        await expect(host.frame.get_by_role("button", name="Copy the sentence")).to_be_focused()
        await expect(host.frame.get_by_label("Sentence")).to_be_visible()


async def test_a_client_that_lets_the_page_call_no_tools_can_still_ask(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open({"message": {}})
        await search(host)
        number = await choose(host)
        await host.frame.get_by_role("button", name="Ask the assistant").click()
        await host.status("The assistant was asked.")
        assert number in str(await host.seen("ui/message"))
        assert await host.seen("tools/call") == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_monthly_rate": "1"}, "Nothing was done"),
        ({"countries": frozenset({"GB"})}, "Nothing was done"),
        ({"max_purchases_per_day": 0}, "Nothing was done"),
        ({"approval": "block"}, "Nothing was done"),
        ({"read_only": True}, "Nothing was done. purchase_number is switched off"),
        ({"exclude_tools": ("purchase_number",)}, "Nothing was done. purchase_number is switched off"),
    ],
)
async def test_a_refusal_is_shown_as_sentences_and_offers_nothing(
    browser: Browser, settings: dict[str, Any], words: str
) -> None:
    async with app_host(browser, **settings) as host:
        await host.open()
        await search(host)
        await choose(host)
        await host.status("cannot be asked for now")
        card = host.frame.get_by_role("article")
        await expect(card).to_contain_text(words)
        await expect(card).not_to_contain_text("{")
        await expect(card.get_by_label("Sentence")).to_have_count(0)
        await expect(card.get_by_role("button", name="Ask")).to_have_count(0)
        assert await host.violations() == []
        await card.get_by_role("button", name="Back to the list").click()
        await expect(rows(host)).to_have_count(8)


async def test_a_failed_search_is_shown_as_a_sentence_and_an_empty_one_says_what_was_looked_for(
    browser: Browser,
) -> None:
    async with app_host(browser) as host:
        await host.open()
        await host.call("search_available_numbers", country_code="UK")
        await host.status("did you mean GB?")
        await host.call("search_available_numbers", country_code="US", area_code="999")
        await host.status("Nothing matches")
        await host.call("list_owned_numbers")
        await expect(host.frame.get_by_role("heading", name="My numbers")).to_be_visible()
        await host.status("no numbers")


async def test_numbers_are_filtered_and_sorted(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await search(host)
        await field(host, "Type").select_option("Toll-free")
        await expect(rows(host)).to_have_count(4)
        await host.status("1\N{EN DASH}4 of 4 numbers")
        await field(host, "Type").select_option("All")
        await field(host, "Most a month").fill("1.50")
        await expect(rows(host)).to_have_count(4)
        await expect(rows(host).first).to_contain_text("Local")
        await field(host, "Most a month").fill("cheap")
        await host.status("no amount")
        await expect(rows(host)).to_have_count(8)
        await field(host, "Most a month").fill("")
        await field(host, "Sort by").select_option("Price, highest first")
        await expect(rows(host).first).to_contain_text("2.15")
        await field(host, "Sort by").select_option("Price, lowest first")
        await expect(rows(host).first).to_contain_text("1.15")
        await field(host, "Number or label").fill("(800)")
        await expect(rows(host)).to_have_count(1)
        await field(host, "Number or label").fill("none")
        await host.status("No number fits the filters.")
        assert await host.violations() == []

        await host.call("search_available_numbers", country_code="GB", limit=20)
        await host.status("20 numbers found")
        await field(host, "Number or label").fill("")
        await field(host, "SMS").check()
        shown = await rows(host).all_inner_texts()
        assert 0 < len(shown) < 20
        assert all("SMS" in text for text in shown)


async def test_my_numbers_show_webhooks_sums_and_what_is_unrouted(browser: Browser) -> None:
    async with app_host(browser, currency="USD") as host:
        await host.open()
        await account(host)
        heading = host.frame.locator("summary")
        await expect(heading).to_contain_text("3.45 USD a month")
        await expect(heading).to_contain_text("2 unrouted")
        await heading.click()
        table = host.frame.get_by_role("table")
        await expect(table.get_by_role("row", name="Germany 1 1.15 USD")).to_be_visible()
        await expect(rows(host).first).to_contain_text("SMS: unrouted")
        await expect(rows(host).nth(2)).not_to_contain_text("unrouted")
        assert await host.violations() == []

        await field(host, "Unrouted").check()
        await expect(rows(host)).to_have_count(2)
        await rows(host).first.get_by_role("link").click()
        await host.until("ui/open-link")
        assert await host.seen("ui/open-link") == [{"url": HOOK}]

        await host.open({"serverTools": {}})
        await host.call("list_owned_numbers")
        await expect(rows(host).first).to_contain_text(HOOK)
        await expect(host.frame.get_by_role("link")).to_have_count(0)


async def test_a_thousand_numbers_are_read_in_pages(browser: Browser) -> None:
    async with (
        faulty(provider := owning(1000)),
        app_host(browser, settings=live_settings(provider, 30)) as host,
    ):
        await host.open()
        await host.call("list_owned_numbers")
        await host.status("20 numbers of 1,000 loaded")
        await expect(host.frame.locator("summary")).to_contain_text("so far")
        await expect(host.frame.locator("#mode")).to_have_text("Live")
        await host.frame.get_by_role("button", name="Next").click()
        await host.status("26\N{EN DASH}50 of 100 numbers")
        await host.frame.get_by_role("button", name="Previous").click()
        await host.status("1\N{EN DASH}25 of 100 numbers")
        await host.frame.get_by_role("button", name="Load all").press("Enter")
        await host.status("1,000 numbers.")
        await expect(host.frame.get_by_role("heading", level=1)).to_be_focused()
        await expect(rows(host)).to_have_count(25)
        await expect(host.frame.locator("summary")).to_contain_text("1150.00 a month")
        calls = [call["arguments"] for call in await host.seen("tools/call")]
        assert calls == [{"page": page, "page_size": 100} for page in range(1, 11)]
        await host.frame.get_by_label("Number or label").fill("5550999")
        await expect(rows(host)).to_have_count(1)


async def test_an_api_that_ignores_the_page_is_asked_twice_and_not_for_ever(browser: Browser) -> None:
    async with (
        faulty(provider := owning(300, deaf=True)),
        app_host(browser, settings=live_settings(provider, 30)) as host,
    ):
        await host.open()
        await host.call("list_owned_numbers")
        await host.frame.get_by_role("button", name="Load all").click()
        await host.status("100 numbers.")
        assert len(await host.seen("tools/call")) == 3


async def test_the_keyboard_is_enough(browser: Browser) -> None:
    async with app_host(browser) as host:
        await host.open()
        await search(host)
        frame, keyboard = host.frame, host.page.keyboard
        await frame.get_by_label("Number or label").focus()
        for label in ("Place", "Type", "Most a month", "Sort by", "Voice", "SMS", "MMS", "Choose"):
            await keyboard.press("Tab")
            focused = frame.locator(":focus")
            name = await focused.evaluate("(each) => each.ariaLabel ?? each.parentElement.textContent")
            assert label in name
        await keyboard.press("Enter")
        await host.status("Nothing is bought yet.")
        await expect(frame.get_by_role("heading", level=1)).to_be_focused()
        await keyboard.press("Tab")
        await expect(frame.get_by_label("Sentence")).to_be_focused()
        await keyboard.press("Tab")
        await keyboard.press("Enter")
        await host.status("The assistant was asked.")
        await expect(frame.get_by_role("button", name="The assistant was asked")).to_be_focused()
        await keyboard.press("Tab")
        await keyboard.press("Enter")
        await expect(frame.get_by_role("button", name="Choose").first).to_be_focused()


@pytest.mark.parametrize("width", [320, 760])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_state_is_accessible_and_fits_in_both_themes(
    browser: Browser, theme: str, width: int
) -> None:
    pictures: dict[str, bytes] = {}

    async def look(state: str) -> None:
        assert await host.violations() == [], state
        wide = await host.frame.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, state
        dark = await host.frame.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        assert (dark == "rgb(255, 255, 255)") is (theme == "light")
        pictures[f"page-{state}-{theme}-{width}.png"] = await host.picture()

    async with app_host(
        browser, width, 100, max_monthly_spend="50", max_purchases_per_day=3, currency="USD"
    ) as host:
        await host.open(theme=theme)
        await host.status("Waiting")
        await look("waiting")
        await search(host, limit=6)
        await host.frame.get_by_role("button", name="Choose").first.scroll_into_view_if_needed()
        await look("picker")
        await choose(host)
        await host.status("Nothing is bought yet.")
        await look("card")
        await account(host)
        await look("numbers")
        await host.call("search_available_numbers", country_code="UK")
        await host.status("did you mean GB?")
        await look("refusal")
        assert not [url for url in host.requests if not url.startswith("about:")]

    committed = {path.name for path in PICTURES.glob("page-*.png")}
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for name in committed & pictures.keys():
            (PICTURES / name).write_bytes(pictures[name])
        pytest.fail("the pictures were taken anew; look at them and run again")
    for name in committed & pictures.keys():
        assert (PICTURES / name).stat().st_size < SMALL


async def test_without_a_theme_the_page_follows_the_system_and_a_change_at_once(browser: Browser) -> None:
    async with app_host(browser) as host:
        background = "() => getComputedStyle(document.documentElement).backgroundColor"
        await host.page.emulate_media(color_scheme="dark")
        await host.open()
        dark = await host.frame.evaluate(background)
        await host.notify("ui/notifications/host-context-changed", theme="light")
        await host.frame.wait_for_function(f"(dark) => ({background})() !== dark", arg=dark)
        await host.notify("ui/notifications/host-context-changed", theme="dark", locale="de-DE")
        await host.frame.wait_for_function(f"(dark) => ({background})() === dark", arg=dark)
