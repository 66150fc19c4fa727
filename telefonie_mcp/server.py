"""The MCP server: the only module that knows MCP handlers, and the catch-all.

Built on the SDK's low-level ``Server``, because the schemas come from a specification. One object serves
both protocol eras (2026-07-28, and 2025-11-25 and earlier) on every transport.
"""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from telefonie_mcp import __version__
from telefonie_mcp.app import App
from telefonie_mcp.elicitation import ANSWER_SECONDS, McpCaller, Seal, input_required
from telefonie_mcp.errors import ToolError, UnknownToolError
from telefonie_mcp.resources import Resources
from telefonie_mcp.settings import Settings
from telefonie_mcp.tools.approval import Pause
from telefonie_mcp.tools.catalog import Tool

if TYPE_CHECKING:
    from telefonie_mcp.tools.calls import Result

__all__ = ["META", "create_server", "error_result", "mcp_server", "success_result", "tool_definition"]

META: Final = "telefonie-mcp/"
"""Prefix of our keys in ``_meta``."""

_FRESH: Final = CacheHint(ttl_ms=3_600_000, scope="public")  # nothing listed changes while a server runs
_ICON: Final = types.Icon(  # a handset
    src="data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCc+PHBhdGggZm"
    "lsbD0nIzFhN2Y1YScgZD0nTTcgMiAzIDRjMCAxMCA3IDE3IDE3IDE3bDItNC01LTMtMyAyYy0yLTEtNC0zLTUtNWwy"
    "LTN6Jy8+PC9zdmc+",
    mime_type="image/svg+xml",
    sizes=["any"],
)
_log: Final = logging.getLogger(__name__)

_Context = ServerRequestContext[Any, Any]


def create_server(settings: Settings | None = None) -> Server[Any]:
    """Return an MCP server for ``settings``; by default the sandbox.

    Raises:
        SettingsError: the API key cannot be read.
        DocumentError: an OpenAPI document cannot become tools.

    """
    return mcp_server(App.from_settings(settings or Settings()))


def mcp_server(app: App, *, answer_seconds: float = ANSWER_SECONDS) -> Server[Any]:
    """Return the MCP server that serves ``app``.

    Args:
        app: Documents, tools and calls.
        answer_seconds: How long a person may take to answer a question.

    """
    tools = types.ListToolsResult(tools=[tool_definition(tool) for tool in app.catalog])
    resources = Resources(app)

    async def list_tools(_: _Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return tools

    async def call_tool(
        ctx: _Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        caller = McpCaller(ctx, params, answer_seconds)
        try:
            return success_result(await app.calls.call(params.name, params.arguments, caller))
        except Pause as pause:
            return input_required(pause.question)
        except ToolError as error:
            return error_result(error, mode=app.settings.mode)
        except UnknownToolError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from error

    async def list_resources(
        _: _Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=resources.list())

    async def list_templates(
        _: _Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=[])

    async def read_resource(_: _Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        return await resources.read(str(params.uri))

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await app.aclose()

    server = Server(
        "telefonie-mcp",
        version=__version__,
        title=app.title,
        instructions=app.instructions,
        website_url="https://www.telefonie.com",
        icons=[_ICON],
        cache_hints={
            "server/discover": _FRESH,
            "tools/list": _FRESH,
            "resources/list": _FRESH,
            "resources/templates/list": _FRESH,
            "resources/read": _FRESH,
        },
        lifespan=lifespan,
        get_tool_input_schema=app.catalog.input_schema,  # or it would list all tools before every call
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )
    keys = [key.get_secret_value() for key in app.settings.state_keys]
    server.middleware.append(_nothing_internal)
    server.middleware.append(Seal(keys, answer_seconds, server.name))
    return server


def tool_definition(tool: Tool) -> types.Tool:
    """Return what ``tools/list`` says about ``tool``, with every annotation explicit."""
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=types.ToolAnnotations(
            read_only_hint=tool.read_only,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=True,
        ),
    )


def success_result(result: "Result") -> types.CallToolResult:
    """Return structured content and the same JSON as text: clients show one or the other."""
    return types.CallToolResult(
        content=[types.TextContent(text=_compact(result.content))],
        structured_content=result.content,
        _meta={META + name: value for name, value in result.facts.items()},
    )


def error_result(error: ToolError, *, mode: str) -> types.CallToolResult:
    """Return the error as a tool result whose text says everything."""
    return types.CallToolResult(
        content=[types.TextContent(text=_compact(error.as_dict()))],
        is_error=True,
        _meta={f"{META}mode": mode},
    )


def _compact(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


async def _nothing_internal(ctx: _Context, call_next: CallNext) -> HandlerResult:
    """Turn what escapes a handler into a generic error; the SDK would show it to legacy clients verbatim."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except Exception as error:
        _log.exception("%s failed unexpectedly", ctx.method)
        raise MCPError(types.INTERNAL_ERROR, "Internal server error") from error
