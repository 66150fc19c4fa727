"""The check inside the server that no header passes: in hosted mode, every message is a principal's.

The gate before it answers with challenges. This is for what might ever come past the gate.
"""

from typing import Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from telefonie_mcp.errors import NOTHING_DONE
from telefonie_mcp.server.auth.principal import Principal
from telefonie_mcp.tools.scopes import READ, allows

__all__ = ["require_principal"]


async def require_principal(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of an MCP server: handle one message of somebody whose token allows to read."""
    principal = Principal.of(ctx.request)
    if principal is None or not allows(principal.scopes, READ):
        raise MCPError(types.INVALID_REQUEST, f"{NOTHING_DONE}: a token with the scope {READ} is needed")
    return await call_next(ctx)
