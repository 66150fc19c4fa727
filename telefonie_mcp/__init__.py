"""An MCP server for the Telefonie Number Management API.

``create_server(Settings(...))`` returns an ``mcp`` low-level ``Server`` for any of the SDK's transports; the
command line is ``telefonie-mcp``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telefonie_mcp.server.handlers import create_server
    from telefonie_mcp.settings.fields import Settings

__all__ = ["Settings", "__version__", "create_server"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the public names at first use (PEP 562): importing the SDK takes most of a second."""
    if name == "create_server":
        from telefonie_mcp.server.handlers import create_server  # noqa: PLC0415

        return create_server
    if name == "Settings":
        from telefonie_mcp.settings.fields import Settings  # noqa: PLC0415

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
