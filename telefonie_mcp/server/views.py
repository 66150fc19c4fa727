"""What one request sees of an app: the tools that it leaves, and the resources and prompts that need them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from telefonie_mcp.app import App
from telefonie_mcp.server.instructions import instructions
from telefonie_mcp.server.prompts import Prompts
from telefonie_mcp.server.resources import Resources
from telefonie_mcp.tools.catalog import Catalog

__all__ = ["View", "Views", "cache_hints", "hide_unexpected_errors"]

_log: Final = logging.getLogger(__name__)

_CACHEABLE: Final[tuple[CacheableMethod, ...]] = (
    "server/discover",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
)
"""Lists and documents, which do not change while a server runs."""

_KEPT: Final = 8
"""Views of one app that are kept beside the whole."""


class View(NamedTuple):
    """One view of an app.

    Attributes:
        app: The app.
        catalog: Its tools, those that are hidden switched off.
        tools: The answer to ``tools/list``.
        resources: The resources.
        prompts: The prompts.
        whole: The view without anything hidden, if this is another one.

    """

    app: App
    catalog: Catalog
    tools: types.ListToolsResult
    resources: Resources
    prompts: Prompts
    whole: "View | None" = None

    @classmethod
    def of(
        cls,
        app: App,
        define: Callable[..., types.Tool],
        hidden: Mapping[str, str] = MappingProxyType({}),
        whole: "View | None" = None,
    ) -> Self:
        """Return the view of an app without the hidden tools.

        Args:
            app: The app.
            define: Returns the entry of a tool in ``tools/list``.
            hidden: Name → what hides the tool.
            whole: The view without anything hidden.

        """
        catalog = app.catalog
        if hidden:
            catalog = replace(catalog, switched_off={**catalog.switched_off, **hidden})
        tools = types.ListToolsResult(tools=[define(tool, apps=app.settings.apps) for tool in catalog])
        return cls(app, catalog, tools, Resources(app, catalog), Prompts(catalog), whole)

    @property
    def instructions(self) -> str:
        """The instructions for agents."""
        return instructions(self.app, self.catalog)

    def may_change(self, uri: str) -> bool:
        """Return whether the resource is there, and can change through this server."""
        return self.resources.shows(uri) and (self.whole or self).resources.may_change(uri)


class Views:
    """The views of one app, made when a request first needs them.

    Args:
        app: The app.
        define: Returns the entry of a tool in ``tools/list``.

    """

    def __init__(self, app: App, define: Callable[..., types.Tool]) -> None:
        self._define = define
        self.use(app)

    def use(self, app: App) -> None:
        """Show ``app`` from the next request on."""
        self.app = app
        self.whole = View.of(app, self._define)
        self._views: dict[tuple[tuple[str, str], ...], View] = {}

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return the input schema of an enabled tool, or ``None`` for an unknown name."""
        return self.app.catalog.input_schema(name)

    def may_change(self, ctx: ServerRequestContext[Any, Any], uri: str) -> bool:
        """Return whether a request sees the resource, may read it, and it can change through this server."""
        view = self.seen(ctx)
        if ctx.request is not None:
            from telefonie_mcp.server.auth.principal import Principal  # noqa: PLC0415 - only over HTTP

            principal = Principal.of(ctx.request)
            if principal and not view.resources.may_be_read(uri, principal.scopes):
                return False
        return view.may_change(uri)

    def seen(self, ctx: ServerRequestContext[Any, Any]) -> View:
        """Return what a request sees, which its headers can tighten.

        Raises:
            MCPError: they name what does not exist. Over HTTP, 400 is the answer before that.

        """
        if ctx.request is None:
            return self.whole
        from telefonie_mcp.server.tightening import UNTIGHTENED, hidden_by  # noqa: PLC0415 - only over HTTP

        if ctx.request.scope.get(UNTIGHTENED):
            return self.whole
        try:
            return self._without(hidden_by(ctx.request.headers, self.app.catalog))
        except ValueError as error:
            raise MCPError(types.INVALID_REQUEST, str(error)) from error

    async def around(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Handle one request: what headers tightened is for no shared cache, and names no hidden tool.

        The answer to ``initialize`` declares extensions as well.
        """
        view, result = self.seen(ctx), await call_next(ctx)
        if not isinstance(result, dict):
            return result
        if view.whole:
            own = {"cacheScope": "private", "instructions": view.instructions}
            result = {**result, **{name: value for name, value in own.items() if name in result}}
        return view.resources.declared(result) if ctx.method == "initialize" else result

    def _without(self, hidden: Mapping[str, str]) -> View:
        if not hidden:
            return self.whole
        key = tuple(hidden.items())
        view = self._views.pop(key, None) or View.of(self.app, self._define, hidden, self.whole)
        self._views[key] = view
        if len(self._views) > _KEPT:
            del self._views[next(iter(self._views))]
        return view


def cache_hints(*, private: bool) -> dict[CacheableMethod, CacheHint]:
    """Return how long clients may keep answers, and whether others may have them too.

    At a public address they are private, because they name limits and protected numbers, and kept for a short
    time, because an operator can change those while the server runs.
    """
    hint = CacheHint(300_000, "private") if private else CacheHint(3_600_000, "public")
    return dict.fromkeys(_CACHEABLE, hint)


async def hide_unexpected_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Replace an unexpected exception by a generic error: the SDK sends its text to legacy clients."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except Exception as error:
        _log.exception("%s failed unexpectedly", ctx.method)
        raise MCPError(types.INTERNAL_ERROR, "Internal server error") from error
