"""The MCP request handlers, on the SDK's low-level ``Server``, because schemas come from OpenAPI documents.

One server object serves both protocol eras (2026-07-28, and 2025-11-25 and earlier) on every transport. An
unexpected exception is logged, and the client gets a generic "Internal server error".
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider
from pydantic_core import to_json

from telefonie_mcp import __version__
from telefonie_mcp.app import App
from telefonie_mcp.errors import ToolError, UnknownToolError
from telefonie_mcp.progress import listening
from telefonie_mcp.server.icons import ICONS
from telefonie_mcp.server.instructions import instructions, title
from telefonie_mcp.server.resources import page_meta
from telefonie_mcp.server.state_seal import ANSWER_SECONDS, RequestStateSeal
from telefonie_mcp.server.subscriptions import Subscriptions
from telefonie_mcp.server.views import Views, cache_hints, hide_unexpected_errors
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.text import compact
from telefonie_mcp.tools.catalog import Tool

if TYPE_CHECKING:
    from telefonie_mcp.calls.pipeline import Result, WriteObserver
    from telefonie_mcp.ledger.records import State

__all__ = [
    "META",
    "TelefonieServer",
    "create_server",
    "error_result",
    "mcp_server",
    "success_result",
    "tool_definition",
]

META: Final = "telefonie-mcp/"
"""Prefix of our keys in ``_meta``."""

_Context = ServerRequestContext[Any, Any]
_Page = types.PaginatedRequestParams | None


class TelefonieServer(Server[Any]):
    """The SDK's server, with exact capabilities, and of itself only as much in each answer as that needs.

    Attributes:
        subscriptions: The clients that are subscribed to resources.
        handlers: What answers requests.

    """

    subscriptions: Subscriptions
    handlers: "_Handlers"

    def use(self, app: App) -> None:
        """Serve ``app`` from the next request on; the sessions and subscriptions of clients stay."""
        self.handlers.views.use(app)
        app.write_observers.extend(self.handlers.observers)
        self.instructions = instructions(app)

    def get_capabilities(self, *args: Any, **kwargs: Any) -> types.ServerCapabilities:
        """Return the capabilities, without ``listChanged``: the lists do not change while the server runs."""
        capabilities = super().get_capabilities(*args, **kwargs)
        for capability in (capabilities.tools, capabilities.resources, capabilities.prompts):
            if capability:
                capability.list_changed = False
        return capabilities

    @property
    def server_info_stamp(self) -> dict[str, Any]:
        """What an answer of 2026-07-28 says of the server; the answer to ``server/discover`` has the rest."""
        return {"name": self.name, "version": self.version, "title": self.title}

    async def discover(self, ctx: _Context, _: types.RequestParams) -> types.DiscoverResult:
        """Answer ``server/discover`` with all that there is to say of the server, its icons among it."""
        return types.DiscoverResult(
            supported_versions=[*MODERN_PROTOCOL_VERSIONS],
            capabilities=self.get_capabilities(protocol_version=ctx.protocol_version),
            instructions=self.instructions,
            _meta={
                types.SERVER_INFO_META_KEY: self.server_info.model_dump(
                    by_alias=True, mode="json", exclude_none=True
                )
            },
        )


def create_server(settings: Settings | None = None) -> TelefonieServer:
    """Return an MCP server for ``settings``; without settings it works on the sandbox.

    Raises:
        SettingsError: the API key cannot be read.
        DocumentError: an OpenAPI document cannot become tools.

    """
    return mcp_server(App.from_settings(settings or Settings()))


def mcp_server(app: App, *, answer_seconds: float = ANSWER_SECONDS) -> TelefonieServer:
    """Return the MCP server that serves ``app``.

    Args:
        app: Documents, tools and calls.
        answer_seconds: How long a person may take to answer a question.

    """
    handlers = _Handlers(app, answer_seconds)
    subscriptions = handlers.subscriptions
    subscribable = handlers.views.whole.resources.any_may_change

    @asynccontextmanager
    async def lifespan(_: Server[Any]) -> AsyncGenerator[None]:
        news = app.replicas.notifications if app.replicas else None
        end = news.listen(app.settings.account, subscriptions.notify) if news else None
        try:
            yield
        finally:
            if end:
                end()
            await handlers.views.app.aclose()

    server = TelefonieServer(
        "telefonie-mcp",
        version=__version__,
        title=title(app),
        instructions=instructions(app),
        website_url="https://www.telefonie.com",
        icons=ICONS,
        cache_hints=cache_hints(private=app.settings.hosted),
        lifespan=lifespan,
        get_tool_input_schema=handlers.views.input_schema,  # the SDK would list all tools before every call
        on_list_tools=handlers.list_tools,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_subscribe_resource=subscriptions.subscribe if subscribable else None,
        on_unsubscribe_resource=subscriptions.unsubscribe if subscribable else None,
        on_subscriptions_listen=subscriptions.listen if subscribable else None,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_completion=handlers.complete,
    )
    server.add_request_handler("tools/call", types.CallToolRequestParams, handlers.call_tool)
    server.add_request_handler("server/discover", types.RequestParams, server.discover)
    server.subscriptions = subscriptions
    server.handlers = handlers
    server.extensions = handlers.views.whole.resources.extensions
    if isinstance(get_tracer_provider(), ProxyTracerProvider):  # nobody collects the SDK's spans
        server.middleware = [each for each in server.middleware if "OpenTelemetry" not in type(each).__name__]
    server.middleware.append(handlers.views.around)
    if app.metrics:
        from telefonie_mcp.server.measuring import Measuring  # noqa: PLC0415 - an extra

        measuring = Measuring(app.metrics, app.catalog, handlers.prompt_names)
        handlers.observe(measuring.written)
        server.middleware.append(measuring)
    server.middleware.append(hide_unexpected_errors)
    if app.settings.hosted:
        from telefonie_mcp.server.auth.wall import require_principal  # noqa: PLC0415 - only in hosted mode
        from telefonie_mcp.server.fairness import LargeRequests  # noqa: PLC0415

        server.middleware += [require_principal, LargeRequests(lambda: handlers.views.app.catalog.everything)]
    audience = f"{server.name} {app.settings.account}" if app.shared else server.name
    keys = [key.get_secret_value() for key in app.settings.state_keys]
    server.middleware.append(RequestStateSeal(keys, answer_seconds, audience))
    return server


class _Handlers:
    """One method for each MCP request."""

    def __init__(self, app: App, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self.views = Views(app, tool_definition)
        self.subscriptions = Subscriptions(
            self.views.may_change, sessions=app.settings.legacy_sessions == "sticky"
        )
        self.observers: list[WriteObserver] = []
        self.observe(self.notify_subscribers)

    def observe(self, observer: "WriteObserver") -> None:
        """Tell ``observer`` of every write."""
        self.observers.append(observer)
        self.views.app.write_observers.append(observer)

    @property
    def prompt_names(self) -> set[str]:
        return {prompt.name for prompt in self.views.whole.prompts.listed()}

    async def list_tools(self, ctx: _Context, __: _Page) -> types.ListToolsResult:
        return self.views.seen(ctx).tools

    async def call_tool(
        self, ctx: _Context, params: types.CallToolRequestParams
    ) -> dict[str, Any] | types.CallToolResult | types.InputRequiredResult:
        from telefonie_mcp.calls.approval import Pause  # noqa: PLC0415 - no tools/list needs it
        from telefonie_mcp.server.elicitation import McpCaller, input_required  # noqa: PLC0415

        caller, view = McpCaller(ctx, params, self._answer_seconds), self.views.seen(ctx)
        catalog, pipeline = view.catalog, view.app.pipeline
        try:
            with listening(ctx.session.report_progress):
                result = await pipeline.call(params.name, params.arguments, caller, catalog=catalog)
                return success_result(result)
        except Pause as pause:
            return input_required(pause.question)
        except ToolError as error:
            return error_result(error, mode=view.app.settings.mode)
        except UnknownToolError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from error

    async def list_resources(self, ctx: _Context, __: _Page) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=self.views.seen(ctx).resources.listed())

    async def list_templates(self, ctx: _Context, __: _Page) -> types.ListResourceTemplatesResult:
        templates = self.views.seen(ctx).resources.templates()
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(
        self, ctx: _Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        from telefonie_mcp.server.elicitation import McpCaller  # noqa: PLC0415 - no list needs it

        with listening(ctx.session.report_progress):
            return await self.views.seen(ctx).resources.read(params.uri, McpCaller(ctx))

    async def list_prompts(self, ctx: _Context, __: _Page) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=self.views.seen(ctx).prompts.listed())

    async def get_prompt(self, ctx: _Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        return self.views.seen(ctx).prompts.get(params.name, params.arguments or {})

    async def complete(self, ctx: _Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        from telefonie_mcp.server.completion import Completions  # noqa: PLC0415 - no tools/list needs it
        from telefonie_mcp.server.elicitation import McpCaller  # noqa: PLC0415

        view = self.views.seen(ctx)
        completions = Completions(view.app, view.prompts, view.resources)
        return types.CompleteResult(completion=await completions.complete(params, McpCaller(ctx)))

    async def notify_subscribers(self, tool: Tool, values: Mapping[str, Any], state: "State") -> None:
        app = self.views.app
        if not (app.replicas or self.subscriptions.followed):
            return
        changed = self.views.whole.resources.changed_by(tool, values, state)
        if app.replicas:
            app.replicas.notifications.publish(app.settings.account, changed)
        await self.subscriptions.notify(changed)


def tool_definition(tool: Tool, *, apps: bool = True) -> types.Tool:
    """Return the entry of ``tool`` in ``tools/list``, with every annotation explicit, and its page."""
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
        _meta=page_meta(tool) if apps else None,
    )


def success_result(result: "Result") -> dict[str, Any]:
    """Return the content as structured content and as JSON text, because clients show one or the other.

    It is in the form of the wire, which the SDK validates; of a model, it would validate that form as well.
    """
    return {
        "content": [{"type": "text", "text": to_json(result.content).decode()}],
        "structuredContent": result.content,
        "isError": False,
        "resultType": "complete",
        "_meta": {META + name: value for name, value in result.meta.items()},
    }


def error_result(error: ToolError, *, mode: str) -> types.CallToolResult:
    """Return the error as a tool result whose text is the complete error as JSON."""
    return types.CallToolResult(
        content=[types.TextContent(text=compact(error.as_dict()))],
        is_error=True,
        _meta={f"{META}mode": mode},
    )
