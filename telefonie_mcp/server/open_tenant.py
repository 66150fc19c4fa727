"""One tenant that is being served: its app, its MCP server, and what is in flight."""

from collections.abc import Callable
from typing import Final

import anyio
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from telefonie_mcp.app import App
from telefonie_mcp.server.handlers import TelefonieServer, mcp_server
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.tenants import Tenant

__all__ = ["OpenTenant"]


class OpenTenant:
    """A tenant that is being served.

    Args:
        tenant: The tenant.
        app: Its app.
        serve: Returns the ASGI application of an MCP server.

    Attributes:
        tenant: The tenant, as the newest file has it.
        app: The app that serves the next request.
        server: Its MCP server.

    """

    def __init__(self, tenant: Tenant, app: App, serve: Callable[[TelefonieServer, App], Starlette]) -> None:
        self.tenant = tenant
        self.app = app
        self.server: Final = mcp_server(app)
        self._asgi = serve(self.server, app)
        self._earlier: list[App] = []
        self._posts = 0
        self._others = 0
        self._changed = anyio.Event()
        self._ready = anyio.Event()
        self._end = anyio.Event()

    async def run(self) -> None:
        """Serve until :meth:`close`; what is then in flight is cancelled, except for writes."""
        try:
            async with self._asgi.router.lifespan_context(self._asgi):
                self._ready.set()
                await self._end.wait()
        finally:
            self._ready.set()  # a request that waits is answered with a failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        post = scope["method"] == "POST"
        self._posts, self._others = self._posts + post, self._others + (not post)
        try:
            await self._ready.wait()
            await self._asgi(scope, receive, send)
        finally:
            self._posts, self._others = self._posts - post, self._others - (not post)
            self._changed.set()
            self._changed = anyio.Event()

    def use(self, tenant: Tenant, app: App) -> None:
        """Serve the next requests with other settings; those in flight end with theirs."""
        self._earlier = [*self._earlier, self.app] if self._posts else []
        self.tenant, self.app = tenant, app
        self.server.use(app)

    def differs_from(self, tenant: Tenant) -> bool:
        """Whether the settings or the key of ``tenant`` are others than those that are served."""
        one, other = self.tenant.settings, tenant.settings
        return one.key != other.key or any(
            getattr(one, name) != getattr(other, name) for name in Settings.model_fields
        )

    @property
    def idle(self) -> bool:
        """Whether no request is in flight, and no event stream open."""
        return not self._posts and not self._others

    @property
    def has_sessions(self) -> bool:
        """Whether a client of 2025 may come back to its session."""
        return bool(getattr(self._asgi.state, "sessions", ()))

    async def answered(self) -> None:
        """End the subscriptions, and wait until every call is answered."""
        self.server.subscriptions.close()
        while self._posts:
            await self._changed.wait()

    async def drain(self) -> None:
        """Refuse further calls, and wait until no write is in flight."""
        async with anyio.create_task_group() as tasks:
            for app in (self.app, *self._earlier):
                tasks.start_soon(app.drain)

    def close(self) -> None:
        """End :meth:`run`."""
        self._end.set()
