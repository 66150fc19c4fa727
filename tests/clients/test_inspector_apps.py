"""The page of numbers in the MCP Inspector's Apps tab: another client's bridge, sandbox and forms."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from tests.clients.browser import inspector
from tests.support.wire import COMMAND

ERAS = pytest.mark.parametrize(("era", "revision"), [("legacy", "2025-11-25"), ("modern", "2026-07-28")])


async def connect(page: Page, revision: str) -> None:
    """Connect to the server, see which revision of the protocol is spoken, and look at the apps."""
    await page.get_by_role("switch", name="Connect or disconnect").press("Space")
    await expect(page.get_by_role("main")).to_contain_text(f"MCP {revision}")
    await page.get_by_role("banner").get_by_text("Apps", exact=True).click()
    await page.get_by_role("button", name="Close monitoring sidebar").click()
    await expect(page.get_by_role("heading", name="MCP Apps (2)")).to_be_visible()


async def open_app(page: Page, title: str, **arguments: str) -> FrameLocator:
    """Open a tool's page, and return the frame that it stands in."""
    await page.get_by_role("main").get_by_text(title).first.click()
    form = page.get_by_test_id("apps-form")
    for name, value in arguments.items():
        await form.get_by_role("textbox", name=name, exact=True).fill(value)
    await form.get_by_role("button", name="Open App").click()
    await expect(form).to_have_attribute("data-app-status", "ready")
    return page.frame_locator("iframe").frame_locator("iframe")


@ERAS
async def test_the_inspector_shows_the_numbers_and_buys_none(
    era: str, revision: str, browser: Browser, tmp_path: Path
) -> None:
    command = [*COMMAND, "--sandbox-db", str(tmp_path / "sandbox.sqlite3")]
    async with inspector(browser, tmp_path, "--protocol-era", era, *command) as page:
        await connect(page, revision)
        shown = await open_app(page, "Search Available Numbers", country_code="US", area_code="415")
        await expect(shown.get_by_role("status")).to_contain_text("numbers found")
        await shown.get_by_role("button", name="Choose").first.click()
        await expect(shown.get_by_role("status")).to_have_text("Nothing is bought yet.")
        await expect(shown.get_by_label("Sentence")).to_have_value(
            # the Inspector has no assistant to ask
            await shown.locator("body").evaluate(
                "(body) => `Please buy ${body.querySelector('.number').textContent} at 1.15 a month.`"
            )
        )
        await page.get_by_test_id("apps-form").get_by_role("button", name="Close").click()

        shown = await open_app(page, "List Owned Numbers")
        await expect(shown.get_by_role("heading", level=1)).to_have_text("My numbers")
        await expect(shown.get_by_role("status")).to_contain_text("no numbers")


async def test_without_apps_the_inspector_has_no_page_to_show(browser: Browser, tmp_path: Path) -> None:
    command = [*COMMAND, "--no-apps", "--sandbox-db", str(tmp_path / "sandbox.sqlite3")]
    async with inspector(browser, tmp_path, *command) as page:
        await page.get_by_role("switch", name="Connect or disconnect").press("Space")
        await expect(page.get_by_role("banner").get_by_text("Tools", exact=True)).to_be_visible()
        await expect(page.get_by_role("banner").get_by_text("Apps", exact=True)).to_have_count(0)
