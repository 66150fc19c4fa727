"""Serves the tenants of ``TELEFONIE_TENANTS``, each with an app and an MCP server of its own.

Nothing of one tenant can reach another, because lists, sessions, subscriptions, ledger accounts, rate limits
and keys are objects of its own; shared is what knows no tenant (:mod:`telefonie_mcp.calls.shared`). Who a
request comes from, the gate has put into the ASGI scope. A tenant is opened by its first request; beyond a
number, the least recently used is closed, never with a request in flight or an event stream open.
"""

import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

import anyio
from anyio import to_thread
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from telefonie_mcp.app import App
from telefonie_mcp.calls.rate_limit import RateLimit
from telefonie_mcp.calls.shared import Shared
from telefonie_mcp.errors import TelefonieError
from telefonie_mcp.server.auth.principal import Principal
from telefonie_mcp.server.fairness import TENANT_FRACTION
from telefonie_mcp.server.handlers import TelefonieServer
from telefonie_mcp.server.http import mcp_app
from telefonie_mcp.server.limits import MAX_CONNECTIONS, refused
from telefonie_mcp.server.open_tenant import OpenTenant
from telefonie_mcp.server.readiness import Readiness
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.settings.tenants import Tenant, Tenants, at_table, read_tenants

if TYPE_CHECKING:
    from telefonie_mcp.ledger.replicas import Replicas
    from telefonie_mcp.telemetry.metrics import Metrics
    from telefonie_mcp.upstream.client import Transport

__all__ = ["TenantServers"]

_MAX_OPEN: Final = 64
"""Tenants that stay open without a request in flight."""

_FULL_SECONDS: Final = 60
"""After which a rate limit that nobody used allows as much as a new one."""

_log: Final = logging.getLogger(__name__)


class TenantServers:
    """ASGI application behind the gate: the tenants of one server.

    Args:
        settings: The operator's settings, which name the file of tenants.
        shared: What the tenants' apps have in common.
        tenants: The tenants.
        most: Tenants that stay open without a request in flight.
        changed: Told when the tenants are others.

    Attributes:
        tenants: The tenants, as the newest good file has them.
        replicas: The other servers that this one shares rate limits and news with.
        metrics: Where calls are measured.

    """

    def __init__(
        self,
        settings: Settings,
        shared: Shared,
        tenants: Tenants,
        *,
        most: int = _MAX_OPEN,
        changed: "Callable[[TenantServers], None]" = lambda _: None,
    ) -> None:
        self.settings: Final = settings
        self.tenants = tenants
        self.replicas: Replicas | None = None
        self.metrics: Metrics | None = None
        self.connections = MAX_CONNECTIONS
        self._shared = shared
        self._most = most
        self._changed = changed
        self._open: OrderedDict[str, OpenTenant] = OrderedDict()
        self._leaving: set[OpenTenant] = set()
        self._rate_limits: OrderedDict[str, tuple[RateLimit, int, float]] = OrderedDict()
        self._tasks: anyio.abc.TaskGroup | None = None
        self._draining = False
        changed(self)

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        transport: "Transport | None" = None,
        most: int = _MAX_OPEN,
        changed: "Callable[[TenantServers], None]" = lambda _: None,
    ) -> Self:
        """Read the tenants of ``settings``, and derive their tools.

        Args:
            settings: The operator's settings, which name the file.
            transport: Replaces the network.
            most: Tenants that stay open without a request in flight.
            changed: Told when the tenants are others.

        Raises:
            SettingsError: the file, a key, or a setting in it cannot be used.
            DocumentError: an OpenAPI document cannot become tools.

        """
        if not settings.state_keys:  # one for all tenants, which can be closed while a person is asked
            own = SecretStr(secrets.token_hex(32))
            settings = settings.model_copy(update={"state_keys": (own,)})
        shared = Shared.for_settings(settings, transport=transport)
        assert settings.tenants
        tenants = read_tenants(settings.tenants, settings)
        for tenant in tenants:
            _check(tenant, shared)
        return cls(settings, shared, tenants, most=most, changed=changed)

    @property
    def secrets(self) -> list[SecretStr]:
        """The keys of all tenants, which logs must redact."""
        return [secret for tenant in self.tenants for secret in tenant.settings.secrets]

    @property
    def opened(self) -> list[str]:
        """The names of the tenants that are open, the least recently used first."""
        return [*self._open]

    def application(self, readiness: Readiness | None = None) -> Starlette:
        """Return the ASGI application that serves the tenants to whom the gate before it lets in."""
        readiness = readiness or Readiness(self.settings.mode)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncGenerator[None]:
            async with self.running():
                yield

        probes = [Route("/healthz", readiness.healthz), Route("/readyz", readiness.readyz)]
        return Starlette(lifespan=lifespan, routes=[*probes, Route("/mcp", endpoint=self)])

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Serve while the block runs."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                for each in (*self._open.values(), *self._leaving):
                    each.close()
                self._open.clear()
                self._tasks = None
        await self._shared.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of the tenant that the token names."""
        tenant = self._tenant(scope)
        if tenant is None:
            message = (
                f"The token's {self.settings.tenant_claim} belongs to no tenant of this server; only its "
                "operator can add one"
            )
            await refused(403, message)(scope, receive, send)
            return
        await self._opening(tenant)(scope, receive, send)

    def _tenant(self, scope: Scope) -> Tenant | None:
        principal = Principal.in_scope(scope)
        if principal is None or principal.issuer != self.settings.issuer:
            return None
        return self.tenants.of(principal.claims.get(self.settings.tenant_claim))

    def _opening(self, tenant: Tenant) -> OpenTenant:
        """Return the tenant as it is served, which is opened if need be."""
        opened = self._open.get(tenant.name)
        if opened is None:
            assert self._tasks, "requests come while the application runs"
            opened = OpenTenant(tenant, self._app(tenant), self._serve)
            self._tasks.start_soon(self._run, opened)
            if self._draining:
                opened.server.subscriptions.close()
                self._tasks.start_soon(opened.drain)  # which begins before the request does
            self._open[tenant.name] = opened
            self._close_unused(opened)
        self._open.move_to_end(tenant.name)
        return opened

    def _app(self, tenant: Tenant) -> App:
        per_minute = tenant.settings.max_calls_per_minute
        limit, known, _ = self._rate_limits.pop(tenant.name, (None, 0, 0))
        if limit is None or known != per_minute:
            buckets = self.replicas.buckets if self.replicas else None
            limit = RateLimit(per_minute, shared=buckets, tenant=tenant.name)
        app = App.from_settings(tenant.settings, shared=self._shared)
        return replace(app, replicas=self.replicas, metrics=self.metrics, rate_limit=limit)

    def _serve(self, server: TelefonieServer, app: App) -> Starlette:
        return mcp_app(server, app, connections=int(self.connections * TENANT_FRACTION))

    async def _run(self, opened: OpenTenant) -> None:
        try:
            await opened.run()
        except Exception:  # noqa: BLE001 - the others go on
            _log.exception("serving the tenant %s ended unexpectedly", opened.tenant.name)
        finally:
            self._leaving.discard(opened)
            if self._open.get(opened.tenant.name) is opened:
                del self._open[opened.tenant.name]

    def _close_unused(self, new: OpenTenant) -> None:
        """Close tenants beyond the number that stays open: without sessions first, the least used first."""
        idle = [each for each in self._open.values() if each.idle and each is not new]
        idle.sort(key=lambda each: each.has_sessions)  # stable: of each kind, the least recently used first
        for each in idle[: max(0, len(self._open) - self._most)]:
            del self._open[each.tenant.name]
            self._keep_rate_limit(each)
            self._leaving.add(each)
            each.close()

    def _keep_rate_limit(self, opened: OpenTenant) -> None:
        """Keep the rate limit of a tenant that is closed until it would be as good as new."""
        now = monotonic()
        if opened.app.rate_limit:
            per_minute = opened.tenant.settings.max_calls_per_minute
            self._rate_limits[opened.tenant.name] = (opened.app.rate_limit, per_minute, now)
        while self._rate_limits:
            name, (_, _, since) = next(iter(self._rate_limits.items()))
            if now - since < _FULL_SECONDS:
                break
            del self._rate_limits[name]

    async def reload(self) -> None:
        """Read the file again. One that cannot be used changes nothing, and the log says so.

        The next call of a tenant has its new key and limits, that of one who was removed is refused, and
        calls in flight end as they began.
        """
        assert self.settings.tenants
        try:
            found = await to_thread.run_sync(read_tenants, self.settings.tenants, self.settings)
            for tenant in found:
                _check(tenant, self._shared)
                await anyio.lowlevel.checkpoint()  # calls go on meanwhile
        except TelefonieError as error:
            _log.error("the tenants stay as they were: %s", error)
            return
        except Exception:  # noqa: BLE001 - whatever the file holds, the server goes on
            _log.exception("the tenants stay as they were")
            return
        self.tenants = found
        self._changed(self)
        for sentence in found.warnings:
            _log.warning("%s", sentence)
        named = {tenant.name: tenant for tenant in found}
        for opened in [*self._open.values()]:
            tenant = named.get(opened.tenant.name)
            if tenant is None or tenant.claim != opened.tenant.claim:  # other people, with streams of theirs
                self._retire(opened)
            elif opened.differs_from(tenant):
                self._keep_rate_limit(opened)
                opened.use(tenant, self._app(tenant))
        _log.warning("%d tenants are served", len(named))

    def _retire(self, opened: OpenTenant) -> None:
        del self._open[opened.tenant.name]
        self._leaving.add(opened)

        async def end() -> None:
            await opened.answered()
            opened.close()

        assert self._tasks
        self._tasks.start_soon(end)

    async def drain(self) -> None:
        """Refuse further calls, wait until no write is in flight, and end the subscriptions."""
        self._draining = True
        async with anyio.create_task_group() as tasks:
            for each in (*self._open.values(), *self._leaving):
                tasks.start_soon(each.drain)
        for each in (*self._open.values(), *self._leaving):
            each.server.subscriptions.close()


def _check(tenant: Tenant, shared: Shared) -> None:
    """Raise ``SettingsError`` for a tenant with a tool or a number type that does not exist."""
    with at_table(tenant.where, tenant.asked):
        shared.catalogs.of(tenant.settings)
