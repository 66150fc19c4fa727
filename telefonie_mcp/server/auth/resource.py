"""The protected resource as clients address it: URL, path, host, origins and metadata (RFC 9728). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self
from urllib.parse import urlsplit

from starlette.types import Scope

from telefonie_mcp.settings.hosted import HostedSettings
from telefonie_mcp.settings.types import is_loopback
from telefonie_mcp.tools.scopes import READ

__all__ = ["Resource"]

_WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_PORTS: Final = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Resource:
    """One protected resource.

    Attributes:
        url: Its URL, which is its identifier.
        issuer: The issuer of its tokens.
        origins: The browser origins that may use it, its own among them.

    """

    url: str
    issuer: str
    origins: frozenset[str]

    @classmethod
    def of(cls, settings: HostedSettings) -> Self:
        """Return the resource that settings of hosted mode describe."""
        url = settings.public_url or ""
        parts = urlsplit(url)
        own = f"{parts.scheme}://{parts.netloc}"
        return cls(url, settings.issuer or "", frozenset({own, *settings.allowed_origins}))

    @cached_property
    def path(self) -> str:
        """The path of the resource, without a slash at its end; empty at the root."""
        return urlsplit(self.url).path.rstrip("/")

    @property
    def audiences(self) -> frozenset[str]:
        """What its tokens may name: its URL, with a slash at its end only where the operator wrote one.

        At the root, both are the same URL (RFC 3986 §6.2.3).
        """
        return frozenset({self.url, self.url.rstrip("/"), *([] if self.path else [f"{self.url}/"])})

    @property
    def metadata_url(self) -> str:
        """Where its metadata is: the well-known path is inserted before its own (RFC 9728 §3.1)."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path}"

    @cached_property
    def metadata_paths(self) -> frozenset[str]:
        """The paths at which its metadata is served, without a slash at their end."""
        return frozenset({_WELL_KNOWN, f"{_WELL_KNOWN}{self.path}", f"{_WELL_KNOWN}/mcp"})

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata. Clients ask for every scope that it lists, so it lists what is needed to begin."""
        return {
            "resource": self.url,
            "resource_name": "telefonie-mcp",
            "authorization_servers": [self.issuer],
            "scopes_supported": [READ],
            "bearer_methods_supported": ["header"],
        }

    @cached_property
    def _default_port(self) -> str:
        return f":{_PORTS[urlsplit(self.url).scheme]}"

    @cached_property
    def _host(self) -> str:
        return urlsplit(self.url).netloc.removesuffix(self._default_port)

    def serves(self, host: str, scope: Scope) -> bool:
        """Whether a ``Host`` header names this resource, or the loopback address that was connected to."""
        if host.lower().removesuffix(self._default_port) == self._host:
            return True
        address, port = scope.get("server") or ("", None)
        name, _, given = host.rpartition(":")
        return is_loopback(address) and is_loopback(name.strip("[]")) and given == str(port)
