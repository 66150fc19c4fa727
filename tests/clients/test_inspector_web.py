"""The MCP Inspector's web page as a person uses it: forms filled in, results read off the screen.

After a change that shows: ``UPDATE_SNAPSHOTS=1 python -m pytest tests/clients/test_inspector_web.py`` takes
the picture in docs/clients.md anew.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from telefonie_mcp.app import App
from telefonie_mcp.settings.fields import Settings
from tests.clients.browser import inspector
from tests.support.wire import COMMAND, running

NUMBER = "+14155550123"
PICTURE = Path(__file__).parents[2] / "examples/inspector.png"


async def connect(page: Page, revision: str) -> None:
    """Connect to the server, see which revision of the protocol is spoken, and look at the tools."""
    await page.get_by_role("switch", name="Connect or disconnect").press("Space")
    await expect(page.get_by_role("main")).to_contain_text(f"MCP {revision}")
    await page.get_by_role("banner").get_by_text("Tools", exact=True).click()
    await page.get_by_role("button", name="Close monitoring sidebar").click()


async def open_form(page: Page, tool: str) -> Locator:
    """Open the form of a tool, and return the part of the page that it stands in."""
    main = page.get_by_role("main")
    await main.get_by_role("button", name=tool).click()
    return main


async def send(form: Locator) -> None:
    await form.get_by_role("button", name="Execute Tool").click()


async def result(form: Locator) -> Locator:
    """Wait for the result, and return the part of the page that shows it."""
    await expect(form.get_by_role("heading", name="Results")).to_be_visible()
    return form


async def execute(form: Locator) -> Locator:
    await send(form)
    return await result(form)


async def search(page: Page) -> str:
    """Look for a local number in San Francisco, and return the first that is shown."""
    form = await open_form(page, "search_available_numbers")
    await form.get_by_role("textbox", name="country_code", exact=True).fill("US")
    await form.get_by_role("textbox", name="type", exact=True).click()
    await page.get_by_role("option", name="local", exact=True).click()
    await form.get_by_role("textbox", name="area_code", exact=True).fill("415")
    found = (await execute(form)).get_by_text(re.compile(r'^"\+1415\d{7}"$')).first
    return (await found.inner_text()).strip('"')


async def purchase(page: Page, number: str, *, confirm: bool) -> Locator:
    """Fill in the form of a purchase."""
    form = await open_form(page, "purchase_number")
    await form.get_by_role("textbox", name="phone_number", exact=True).fill(number)
    await form.get_by_role("checkbox", name="confirm").set_checked(confirm)
    return form


async def owned(page: Page) -> Locator:
    return await execute(await open_form(page, "list_owned_numbers"))


async def test_every_tool_is_listed_and_a_number_is_found_shown_and_bought(
    browser: Browser, tmp_path: Path
) -> None:
    database = ["--sandbox-db", str(tmp_path / "sandbox.sqlite3")]
    async with inspector(browser, tmp_path, *COMMAND, *database) as page:
        await connect(page, "2025-11-25")
        tools = [tool.name for tool in App.from_settings(Settings()).catalog]
        await expect(page.get_by_role("heading", name=f"Tools ({len(tools)})")).to_be_visible()
        for tool in tools:
            await expect(page.get_by_role("button", name=tool)).to_be_visible()
        number = await search(page)

        refused = await execute(await purchase(page, number, confirm=False))
        alert = refused.get_by_role("alert", name="Tool Error")
        await expect(alert).to_contain_text(
            f"Nothing was done, because confirm was not true. purchase_number would buy {number}"
        )
        picture = await page.screenshot()
        await expect(await owned(page)).to_contain_text('"total": 0')

        bought = await execute(await purchase(page, number, confirm=True))
        await expect(bought).to_contain_text(f'"{number}"')
        await expect(await owned(page)).to_contain_text('"total": 1')

    if os.environ.get("UPDATE_SNAPSHOTS"):
        PICTURE.write_bytes(picture)
        pytest.fail("the picture was taken anew; look at it and run again")
    assert PICTURE.stat().st_size < 200_000


async def test_a_number_is_found_over_http_with_the_newest_protocol(browser: Browser, tmp_path: Path) -> None:
    async with running("--http", "0", "--sandbox-db", ":memory:", home=tmp_path) as server:
        options = ["--transport", "http", "--server-url", await server.address(), "--protocol-era", "modern"]
        async with inspector(browser, tmp_path, *options) as page:
            await connect(page, "2026-07-28")
            assert re.fullmatch(r"\+1415\d{7}", await search(page))


@pytest.mark.parametrize(("era", "revision"), [("legacy", "2025-11-25"), ("modern", "2026-07-28")])
async def test_a_person_is_asked_and_says_no_and_then_yes(
    era: str, revision: str, browser: Browser, tmp_path: Path
) -> None:
    command = [*COMMAND, "--approval", "human", "--sandbox-db", str(tmp_path / "sandbox.sqlite3")]
    async with inspector(browser, tmp_path, "--protocol-era", era, *command) as page:
        await connect(page, revision)
        asked = page.get_by_role("dialog", name="Elicitation Request")

        form = await purchase(page, NUMBER, confirm=True)
        await send(form)
        await expect(asked).to_contain_text(f"May the assistant buy {NUMBER} and start its monthly billing?")
        await expect(asked).to_contain_text("· monthly rate: 1.15 · capabilities: voice, sms, mms")
        await asked.get_by_role("button", name="Decline").click()
        alert = (await result(form)).get_by_role("alert", name="Tool Error")
        await expect(alert).to_contain_text("Nothing was done: ")
        await form.get_by_role("button", name="Close results").click()

        form = await purchase(page, NUMBER, confirm=True)
        await send(form)
        await asked.get_by_role("checkbox", name="Yes, go ahead").check()
        await asked.get_by_role("button", name="Submit").click()
        await expect(await result(form)).to_contain_text(f'"{NUMBER}"')
        await expect(await owned(page)).to_contain_text('"total": 1')
