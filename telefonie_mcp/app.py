"""Composition root: builds the catalog, client, policy, ledger and pipeline from settings.

Nothing here opens a connection: the HTTP client, the embedded sandbox and the ledger are opened by the first
call that needs them, so that a server which only lists its tools starts fast.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from telefonie_mcp import __version__
from telefonie_mcp.calls.policy import Policy
from telefonie_mcp.errors import NOTHING_DONE, SettingsError, ToolError
from telefonie_mcp.ledger.accounts import Account, Limits, live_account
from telefonie_mcp.ledger.files import FileMark
from telefonie_mcp.openapi.documents import Document
from telefonie_mcp.openapi.toolsets import TOOLSETS
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.catalog import Catalog, Tool
from telefonie_mcp.tools.loading import Catalogs

if TYPE_CHECKING:
    from telefonie_mcp.calls.pipeline import Pipeline, WriteObserver
    from telefonie_mcp.calls.rate_limit import RateLimit
    from telefonie_mcp.calls.shared import Shared
    from telefonie_mcp.ledger.async_ledger import AsyncLedger
    from telefonie_mcp.ledger.records import Entry
    from telefonie_mcp.ledger.replicas import Replicas
    from telefonie_mcp.ledger.source import LedgerSource
    from telefonie_mcp.settings.access import Access
    from telefonie_mcp.telemetry.metrics import Metrics
    from telefonie_mcp.tools.requester import Requester
    from telefonie_mcp.upstream.client import ApiClient, Transport
    from telefonie_mcp.upstream.credentials import SentCredential

__all__ = ["SANDBOX_ACCOUNT", "App"]

SANDBOX_ACCOUNT: Final = "sandbox"
"""The account of the embedded sandbox in the ledger."""

_SANDBOX_URL: Final = "http://sandbox.invalid/v1/numbers"
"""Base URL of the embedded sandbox; ``.invalid`` never resolves (RFC 6761 §6.4), so no request can leave."""

_COMPOSED_HOST: Final = "lookup.invalid"
"""Host of the operations that the live API lacks and this process composes from those that it has."""


@dataclass(frozen=True, eq=False)
class App:
    """The documents, tools and services of one server.

    Attributes:
        settings: The operator's settings.
        documents: The documents whose tools are listed.
        catalog: The tools.
        transport: Replaces the network or the embedded sandbox.
        write_observers: Called after every write.
        replicas: The other servers that this one shares rate limits and news with.
        shared: What the apps of this process have in common, if it has several.
        rate_limit: How often its callers may call; by default as the settings say.
        metrics: Where calls are measured.

    """

    settings: Settings
    documents: tuple[Document, ...]
    catalog: Catalog
    transport: "Transport | None" = None
    write_observers: "list[WriteObserver]" = field(default_factory=list["WriteObserver"])
    replicas: "Replicas | None" = None
    shared: "Shared | None" = None
    rate_limit: "RateLimit | None" = None
    metrics: "Metrics | None" = None

    @classmethod
    def from_settings(
        cls, settings: Settings, *, transport: "Transport | None" = None, shared: "Shared | None" = None
    ) -> Self:
        """Load the documents and derive the tools.

        Args:
            settings: The operator's settings.
            transport: Replaces the network or the embedded sandbox.
            shared: What the apps of this process have in common.

        Raises:
            SettingsError: the API key cannot be read or is too short, a setting names a tool or number type
                that does not exist, or no tool is left.
            DocumentError: a document is invalid, or needs another mode, or no operation of it can be used.

        """
        if settings.tenants and shared is None:
            raise SettingsError(
                "TELEFONIE_TENANTS is for the server itself: for anything else, leave it out, and set "
                "TELEFONIE_API_KEY_FILE to the key of one tenant and TELEFONIE_ACCOUNT to its name"
            )
        loaded = (shared.catalogs if shared else Catalogs()).of(settings)
        return cls(settings, loaded.documents, loaded.catalog, transport, shared=shared)

    @cached_property
    def client(self) -> "ApiClient":
        """The client of the API, which opens its transport with the first request.

        Raises:
            SettingsError: the API key cannot be read.

        """
        from telefonie_mcp.upstream.client import ApiClient, asgi_transport  # noqa: PLC0415

        def open_transport() -> "Transport | None":
            if self.transport or self.settings.mode == "live":
                return self.transport
            return _sandbox(self.settings.sandbox_database)

        def open_lookup() -> "Transport":
            from telefonie_mcp.calls.live_lookup import create_lookup  # noqa: PLC0415

            return asgi_transport(create_lookup(self.requester, self.settings.timeout))

        servers = map(self.server, self.catalog.everything.values())
        return ApiClient(
            open_transport,
            user_agent=f"telefonie-mcp/{__version__}",
            local={_COMPOSED_HOST: open_lookup} if self.settings.mode == "live" else {},
            secrets=self._secrets,
            encrypted=any(urlsplit(server).scheme == "https" for server in servers),
            shared=self.shared.connections if self.shared else None,
        )

    @property
    def _secrets(self) -> list[SecretStr]:
        """The operator's secrets, of which none may be seen of any answer."""
        settings = self.settings
        if settings.mode == "sandbox":
            return settings.secrets
        from telefonie_mcp.tools.usable import secrets_of  # noqa: PLC0415 - no tools/list needs it

        documents = {tool.document.id: tool.document for tool in self.catalog.everything.values()}
        keys = secrets_of(documents.values(), settings.accesses)
        return [*map(SecretStr, sorted(keys)), *settings.local_secrets]

    @cached_property
    def requester(self) -> "Requester":
        """Sends the requests of tools through the client."""
        from telefonie_mcp.tools.requester import Requester  # noqa: PLC0415

        return Requester(
            self.client,
            self.catalog,
            server=self.server,
            credentials=self.credentials,
            seconds=self.settings.timeout,
        )

    @cached_property
    def policy(self) -> Policy:
        """The operator's rules for writes."""
        own = self.settings
        limits = Limits(own.max_monthly_spend, own.max_purchases_per_day, own.max_releases_per_day)
        return Policy(
            approval=own.approval,
            max_monthly_rate=own.max_monthly_rate,
            limits=limits,
            countries=own.countries,
            number_types=own.number_types,
            webhook_hosts=own.webhook_hosts,
            protected_numbers=own.protected_numbers,
            currency=own.currency,
            upload_dirs=own.upload_dirs,
        )

    @cached_property
    def ledger_file(self) -> FileMark | None:
        """The ledger's file as it is first found, by a server at its start: later it must be the same."""
        return FileMark.found(self.settings.ledger_url)

    @cached_property
    def _ledger_source(self) -> "LedgerSource":
        from telefonie_mcp.ledger.source import LedgerSource  # noqa: PLC0415

        if self.shared:
            return self.shared.ledger
        return LedgerSource(lambda: self.settings.ledger_url, self.ledger_file)

    def _ledger(self) -> "AsyncLedger":
        from telefonie_mcp.ledger.async_ledger import AsyncLedger  # noqa: PLC0415 - no read needs it

        return AsyncLedger(self._ledger_source, self.policy.limits, accounts=self.accounts)

    @cached_property
    def pipeline(self) -> "Pipeline":
        """Runs tool calls."""
        from telefonie_mcp.calls.pipeline import Pipeline  # noqa: PLC0415
        from telefonie_mcp.calls.rate_limit import RateLimit  # noqa: PLC0415

        settings = self.settings
        buckets = self.replicas.buckets if self.replicas else None
        return Pipeline(
            self.requester,
            self.policy,
            self._ledger,
            self.rate_limit
            or RateLimit(settings.max_calls_per_minute, shared=buckets, tenant=settings.account),
            mode=settings.mode,
            seconds=settings.timeout,
            account=self.account,
            observers=self.write_observers,
        )

    def account(self, tool: Tool) -> Account:
        """Return whose numbers ``tool`` writes to: the sandbox's, or those of an account at an API."""
        if self.settings.mode == "sandbox":
            return Account(SANDBOX_ACCOUNT)
        access = self._access(tool)
        fingerprint = hashlib.sha256(access.text.encode()).hexdigest()[:12]
        return live_account(access.account, self.server(tool), fingerprint)

    def accounts(self) -> set[Account]:
        """Return every account that a tool of this server writes to."""
        return {self.account(tool) for tool in self.catalog.everything.values()}

    def is_composed(self, tool: Tool) -> bool:
        """Return whether the live API lacks the operation of ``tool``, so that this process implements it."""
        document = tool.document
        toolset = TOOLSETS.get(document.toolset)
        return self.settings.mode == "live" and document.extension and bool(toolset and toolset.composed)

    def server(self, tool: Tool) -> str:
        """Return the base URL for requests of ``tool``."""
        if self.settings.mode == "sandbox":
            return _SANDBOX_URL
        if self.is_composed(tool):
            return f"http://{_COMPOSED_HOST}"
        return self._access(tool).server(tool.operation)

    def credentials(self, tool: Tool) -> "tuple[SentCredential, ...]":
        """Return the keys that go with requests of ``tool``: only those of its own document."""
        if self.settings.mode == "sandbox" or self.is_composed(tool):
            return ()
        return self._access(tool).credentials(tool.operation)

    def _access(self, tool: Tool) -> "Access":
        return self.settings.accesses.of(tool.document.origin.stem)

    async def recent_writes(self, limit: int = 50) -> "list[Entry]":
        """Return the newest ledger entries of this server's accounts, newest first.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        from telefonie_mcp.deadline import Deadline  # noqa: PLC0415 - no tools/list needs it

        deadline = Deadline.after(self.settings.timeout)
        entries = [
            entry
            for account in self.accounts()
            for entry in await self.pipeline.ledger.recent(deadline, account=account.name, limit=limit)
        ]
        return sorted(entries, key=lambda entry: -entry.id)[:limit]

    async def drain(self) -> None:
        """Refuse further calls, and wait until no write is in flight."""
        await self.pipeline.drain()

    async def aclose(self) -> None:
        """Close the connections to the API and the ledger; the next call reopens them.

        What it shares with other apps stays open.
        """
        if "client" in vars(self):
            await self.client.aclose()
        if "_ledger_source" in vars(self) and not self.shared:
            self._ledger_source.close()


def _sandbox(database: str) -> "Transport":
    from telefonie_mcp.sandbox import SandboxError, create_sandbox  # noqa: PLC0415
    from telefonie_mcp.upstream.client import asgi_transport  # noqa: PLC0415

    try:
        return asgi_transport(create_sandbox(database, embedded=True))
    except SandboxError as error:
        raise ToolError(
            f"{NOTHING_DONE}: the embedded sandbox cannot start: {error}",
            code="sandbox_unavailable",
            hint="Ask the operator to run telefonie-mcp doctor, or to set TELEFONIE_SANDBOX_DB to :memory:.",
        ) from error
