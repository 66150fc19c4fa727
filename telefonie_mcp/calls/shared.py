"""What the apps of one process have in common, where it has several: one for each tenant."""

from dataclasses import dataclass
from typing import Self

from telefonie_mcp import __version__
from telefonie_mcp.ledger.files import FileMark
from telefonie_mcp.ledger.source import LedgerSource
from telefonie_mcp.settings.fields import Settings
from telefonie_mcp.tools.loading import Catalogs
from telefonie_mcp.upstream.client import ApiClient, Transport

__all__ = ["Shared"]


@dataclass(frozen=True)
class Shared:
    """The documents, connections and database of several apps. It holds no key and knows no account.

    Attributes:
        catalogs: The documents and tools.
        connections: The connections to the API.
        ledger: The ledger.

    """

    catalogs: Catalogs
    connections: ApiClient
    ledger: LedgerSource

    @classmethod
    def for_settings(cls, settings: Settings, *, transport: Transport | None = None) -> Self:
        """Return what the apps for these settings, and tightened ones, have in common."""
        found = FileMark.found(settings.ledger_url)
        connections = ApiClient(lambda: transport, user_agent=f"telefonie-mcp/{__version__}", common=True)
        return cls(Catalogs(), connections, LedgerSource(lambda: settings.ledger_url, found))

    async def aclose(self) -> None:
        """Close the connections to the API and the ledger."""
        await self.connections.aclose()
        self.ledger.close()
