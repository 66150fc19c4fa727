"""Sign-in in a browser: in the MCP Inspector, as a person does it, and from a web page of another origin."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Error, Page, expect
from starlette.responses import HTMLResponse

from telefonie_mcp.tools.scopes import READ
from tests.clients.browser import inspector
from tests.clients.test_authorization import BUY, signing_in_with
from tests.clients.test_inspector_web import NUMBER, execute, owned, purchase, send
from tests.support.hosted import hosting
from tests.support.issuer import issuing
from tests.support.serving import serving
from tests.support.wire import MODERN, initialize, request

_PURCHASE = "numbers:purchase"
_LISTED = '"name":"purchase_number"'
_FETCH = """
async ([url, options]) => {
  const answer = await fetch(url, options);
  return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
}
"""


async def sign_in(page: Page, name: str) -> None:
    await page.get_by_placeholder("Enter any login").fill(name)
    await page.get_by_placeholder("and password").fill("any")
    await page.get_by_role("button", name="Sign-in").click()


async def consent(page: Page, *scopes: str) -> None:
    """See which scopes of numbers the authorization server is asked for, and grant them."""
    await expect(page.get_by_role("heading", name="Authorize")).to_be_visible()
    asked = await page.get_by_role("listitem").filter(has_text="numbers:").all_inner_texts()
    assert {text.strip() for text in asked} == {*scopes}
    await page.get_by_role("button", name="Continue").click()


async def test_the_inspector_registers_itself_and_a_person_signs_in(browser: Browser, tmp_path: Path) -> None:
    async with signing_in_with("jwt", tmp_path) as hosted:
        options = ["--transport", "http", "--server-url", hosted.url, "--protocol-era", "legacy"]
        async with inspector(browser, tmp_path, *options) as page:
            await page.get_by_role("switch", name="Connect or disconnect").press("Space")
            await sign_in(page, "ann")
            await consent(page, READ)
            await expect(page.get_by_role("main")).to_contain_text("MCP 2025-11-25")
            await page.get_by_role("banner").get_by_text("Tools", exact=True).click()
            await expect(
                page.get_by_role("heading", name=f"Tools ({len([*hosted.app.catalog])})")
            ).to_be_visible()


async def test_the_inspector_asks_a_person_for_more_when_a_purchase_needs_it(
    browser: Browser, tmp_path: Path
) -> None:
    """It is registered beforehand: servers hold a client that registers itself to what it asked for then."""
    async with signing_in_with("jwt", tmp_path) as hosted:
        numbers = {"type": "http", "url": hosted.url, "protocolEra": "modern", "oauth": {"clientId": "desk"}}
        file = tmp_path / "mcp.json"
        file.write_text(json.dumps({"mcpServers": {"numbers": numbers}}))
        async with inspector(browser, tmp_path, "--config", str(file)) as page:
            await page.get_by_role("switch", name="Connect or disconnect").press("Space")
            await sign_in(page, "ann")
            await consent(page, READ)
            await expect(page.get_by_role("main")).to_contain_text(f"MCP {MODERN}")
            await page.get_by_role("banner").get_by_text("Tools", exact=True).click()
            await page.get_by_role("button", name="Close monitoring sidebar").click()

            await send(await purchase(page, NUMBER, confirm=True))
            more = page.get_by_role("dialog", name="Additional permissions required")
            await expect(more).to_contain_text(f"This operation needs additional scope: {_PURCHASE}.")
            await more.get_by_role("button", name="Authorize").click()
            await consent(page, _PURCHASE)
            await expect(page.get_by_text("Step-up authorization succeeded.")).to_be_visible()
            await page.get_by_role("button", name="Close monitoring sidebar").click()
            await expect(await execute(await purchase(page, NUMBER, confirm=True))).to_contain_text(NUMBER)
            await expect(await owned(page)).to_contain_text('"total": 1')


async def test_a_page_of_an_allowed_origin_can_do_what_a_client_does(browser: Browser) -> None:
    """The browser itself decides what a page may send to the server, and see of its answers."""
    assistant = HTMLResponse("<title>An assistant</title>")
    async with (
        serving(assistant) as origin,
        serving(assistant) as elsewhere,
        issuing() as issuer,
        hosting(issuer, allowed_origins=(origin,)) as hosted,
        await browser.new_page() as page,
    ):
        await page.goto(origin)

        async def fetched(url: str, method: str = "GET", **given: Any) -> dict[str, Any]:
            return await page.evaluate(_FETCH, [url, {"method": method, **given}])

        async def posted(message: dict[str, Any], token: str = "", **headers: str) -> dict[str, Any]:
            sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
            sent |= {"Authorization": f"Bearer {token}"} if token else {}
            sent |= {name.replace("_", "-"): value for name, value in headers.items()}
            return await fetched(hosted.url, "POST", headers=sent, body=json.dumps(message))

        challenged = await posted(request(1, "tools/list", modern=True), MCP_Protocol_Version=MODERN)
        assert challenged["status"] == 401
        (metadata,) = re.findall(r'resource_metadata="([^"]+)"', challenged["headers"]["www-authenticate"])
        described = await fetched(metadata, headers={"MCP-Protocol-Version": MODERN})
        assert json.loads(described["text"])["resource"] == hosted.url

        token = hosted.token()
        call = request(1, "tools/call", modern=True, name="purchase_number", arguments=BUY)
        named = {"MCP_Protocol_Version": MODERN, "Mcp_Method": "tools/call", "Mcp_Name": "purchase_number"}
        refused = await posted(call, token, **named)
        assert (refused["status"], "insufficient_scope" in refused["headers"]["www-authenticate"]) == (
            403,
            True,
        )
        tightened = {
            "X_MCP_Readonly": "true",
            "X_MCP_Toolsets": "numbers",
            "X_MCP_Exclude_Tools": "release_number",
        }
        bought = await posted(call, hosted.token(_PURCHASE), **named)
        assert (bought["status"], NUMBER in bought["text"]) == (200, True)
        listed = request(1, "tools/list", modern=True)
        named = {"MCP_Protocol_Version": MODERN, "Mcp_Method": "tools/list"}
        assert _LISTED in (await posted(listed, token, **named))["text"]
        assert _LISTED not in (await posted(listed, token, **named, **tightened))["text"]

        session = (await posted(initialize("2025-11-25"), token))["headers"]["mcp-session-id"]
        own = {"Authorization": f"Bearer {token}", "Mcp-Session-Id": session}
        assert (await fetched(hosted.url, "DELETE", headers=own))["status"] == 200

        await page.goto(elsewhere)
        assert (await fetched(metadata))["status"] == 200
        with pytest.raises(Error, match="Failed to fetch"):
            await posted(listed, token, **named)
