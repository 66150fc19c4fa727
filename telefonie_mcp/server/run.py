"""Runs the server over stdio, with a graceful shutdown; over HTTP, :mod:`telefonie_mcp.server.run_http` does.

After SIGINT or SIGTERM no further call is accepted, a write in flight is finished or settled, its response is
delivered, and the process ends with status 0 and without a traceback.
"""

import logging
import sys
from typing import Final

from telefonie_mcp import __version__
from telefonie_mcp.app import App
from telefonie_mcp.errors import SettingsError
from telefonie_mcp.ledger.files import file_warnings
from telefonie_mcp.server.handlers import mcp_server
from telefonie_mcp.server.instructions import destination
from telefonie_mcp.server.signals import ending_on_signal
from telefonie_mcp.server.stdio import Input, stdio

__all__ = ["announce", "serve_stdio"]

_MAX_OMISSIONS: Final = 100
"""Sentences about what is left out of documents, at the start; a document can cause thousands."""

_log: Final = logging.getLogger(__name__)


async def serve_stdio(app: App) -> None:
    """Serve one client over stdio until it closes standard input or a signal arrives.

    Raises:
        SettingsError: standard input or output is closed.

    """
    if sys.stdin is None or sys.stdout is None:
        raise SettingsError(
            "standard input or output is closed, and an MCP client talks over both; "
            "let the client start this command, or serve with --http"
        )
    announce(app)
    if sys.stdin.isatty():
        print(  # noqa: T201 - standard input is a terminal
            "Waiting for an MCP client on standard input; this is not a prompt. "
            "Try telefonie-mcp demo, or see the README for how to connect a client. Ctrl+C stops.",
            file=sys.stderr,
        )
    server = mcp_server(app)
    source = Input()
    async with (
        ending_on_signal(app.drain, source.end),
        stdio(source, app.settings.timeout, server.subscriptions.close) as (read, write),
    ):
        await server.run(read, write, server.create_initialization_options())


def announce(app: App) -> None:
    """Say at the start where calls go, and what the operator should know of files and documents."""
    _log.warning("telefonie-mcp %s, %s", __version__, destination(app))
    for sentence in file_warnings(app.settings.ledger_url, app.settings.secret_files):
        _log.warning(sentence)
    for sentence in app.catalog.omissions[:_MAX_OMISSIONS]:
        _log.warning("%s", sentence)
    if (more := len(app.catalog.omissions) - _MAX_OMISSIONS) > 0:
        _log.warning("%d more operations or parts are left out; telefonie-mcp tools lists them", more)
    _ = app.ledger_file  # from now on, it must stay the same
