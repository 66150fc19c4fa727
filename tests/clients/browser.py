"""The MCP Inspector's web page, in the Chromium for x86-64 Linux that is among the programs from npm."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import anyio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.clients.support import TOOLS, run
from tests.support.ports import reserved_port
from tests.support.wire import SECONDS, Running, environment

_MILLISECONDS = 1000 * SECONDS
_VIEWPORT: ViewportSize = {"width": 1280, "height": 780}
_UNPACK = """
const [library, directory] = process.argv.slice(1);
// The second one makes it unpack the libraries, too, that a machine without a screen may lack.
Object.assign(process.env, { TMPDIR: directory, AWS_LAMBDA_JS_RUNTIME: "nodejs22.x" });
await (await import(library)).default.executablePath();
"""

expect.set_options(timeout=_MILLISECONDS)


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """Start a Chromium that brings its own fonts and libraries and knows no host but this one."""
    with TemporaryDirectory() as name:
        home = Path(name)
        library = TOOLS.parent / "@sparticuz/chromium/build/index.js"
        status, _, errors = await run(
            home, "node", "--input-type=module", "--eval", _UNPACK, str(library), name
        )
        assert status == 0, errors
        fonts = home / "fonts.conf"
        fonts.write_text(f"<fontconfig><dir>{home}/fonts</dir><cachedir>{home}/cache</cachedir></fontconfig>")
        variables = {"LD_LIBRARY_PATH": f"{home}/al2023/lib", "FONTCONFIG_FILE": str(fonts)}
        async with (
            async_playwright() as playwright,
            await playwright.chromium.launch(
                executable_path=home / "chromium",
                args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
                env={**environment(home, **variables)},
                timeout=_MILLISECONDS,
            ) as browser,
        ):
            yield browser


@asynccontextmanager
async def inspector(browser: Browser, home: Path, *target: str) -> AsyncGenerator[Page]:
    """Serve the Inspector for one MCP server, and open its page with the session's token."""
    token = secrets.token_hex()
    variables = {
        "MCP_SANDBOX_PORT": "0",
        "MCP_APP_ORIGIN_PORT": "0",
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_API_TOKEN": token,
        "MCP_INSPECTOR_SECRET_STORE": "memory",
        "PATH": f"{TOOLS}:{environment(home)['PATH']}",
    }
    with TemporaryFile() as log, reserved_port() as port:
        process = await anyio.open_process(
            [str(TOOLS / "mcp-inspector"), "--web", *target],
            env=environment(home, CLIENT_PORT=str(port), **variables),
            cwd=home,
            stdin=None,
            stdout=log,
            stderr=log,
        )
        running = Running(process, log)
        try:
            with anyio.fail_after(SECONDS):
                while "up and running" not in running.log:
                    assert process.returncode is None, running.log
                    await anyio.sleep(0.01)
            async with await browser.new_page(viewport=_VIEWPORT) as page:
                page.set_default_timeout(_MILLISECONDS)
                await page.goto(f"http://127.0.0.1:{port}/?MCP_INSPECTOR_API_TOKEN={token}")
                yield page
        finally:
            with anyio.move_on_after(SECONDS):
                if process.returncode is None:
                    process.terminate()
                await process.aclose()
