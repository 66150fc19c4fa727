"""Measures every message of a client, for the metrics of :mod:`telefonie_mcp.telemetry`."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.methods import SPEC_CLIENT_METHODS, SPEC_CLIENT_NOTIFICATION_METHODS
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from telefonie_mcp.ledger.records import State
from telefonie_mcp.telemetry.measures import observing
from telefonie_mcp.telemetry.metrics import OTHER, Metrics
from telefonie_mcp.tools.catalog import Catalog, Tool

__all__ = ["Measuring"]

_CODE: Final = re.compile("[a-z_]{1,40}")

_METHODS: Final = frozenset({*SPEC_CLIENT_METHODS, *SPEC_CLIENT_NOTIFICATION_METHODS, "elicitation/create"})


class Measuring:
    """Middleware of an MCP server, and an observer of its writes.

    Args:
        metrics: Where it is recorded.
        catalog: The tools of the server.
        prompts: The names of its prompts.

    """

    def __init__(self, metrics: Metrics, catalog: Catalog, prompts: set[str]) -> None:
        self._metrics = metrics
        self._tools = catalog.everything.keys()
        metrics.names.update(_METHODS, KNOWN_PROTOCOL_VERSIONS, self._tools, prompts)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Handle one message."""
        attributes = {
            "mcp.method.name": ctx.method if ctx.method in _METHODS else OTHER,
            "mcp.protocol.version": _known(ctx.protocol_version, KNOWN_PROTOCOL_VERSIONS),
        }
        tool = ""
        if ctx.method == "tools/call":
            tool = _known(str((ctx.params or {}).get("name")), self._tools)
            attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
        begun = time.perf_counter()
        try:
            with observing(self._metrics.observe):
                result = await call_next(ctx)
        except MCPError as error:
            attributes["error.type"] = str(error.error.code)
            raise
        except Exception as error:
            attributes["error.type"] = type(error).__name__
            raise
        else:
            if tool and (code := _error_code(result)):
                attributes["error.type"] = "tool_error"
                self._metrics.refused(code, tool)
            return result
        finally:
            self._metrics.operation(time.perf_counter() - begun, **attributes)

    async def written(self, tool: Tool, _: Mapping[str, Any], state: State) -> None:
        """Count a write that was begun, when it has its outcome."""
        self._metrics.written(tool.hints.effect, state)


def _known(value: str, known: Any) -> str:
    return value if value in known else OTHER


def _error_code(result: Any) -> str | None:
    """Return the code of a tool's error, which is one of ours; a client sees the same."""
    match result:
        case types.CallToolResult(is_error=True, content=[types.TextContent(text=text), *_]) | {
            "isError": True,
            "content": [{"text": text}, *_],
        }:
            code = str(json.loads(text).get("code"))
            return code if _CODE.fullmatch(code) else OTHER
        case _:
            return None
