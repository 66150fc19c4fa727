"""Where an issuer publishes its keys: RFC 8414, or OpenID Connect Discovery. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["jwks_uri", "metadata_urls"]


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Return where the metadata of ``issuer`` may be, in the order in which to look."""
    url = urlsplit(issuer)
    origin, path = f"{url.scheme}://{url.netloc}", url.path.rstrip("/")
    urls = (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/openid-configuration{path}",
    )
    return tuple(dict.fromkeys(urls))


def jwks_uri(metadata: Mapping[str, Any], issuer: str) -> str | None:
    """Return the address of the keys, if the metadata is that of ``issuer`` (RFC 8414 §3.3) and names it."""
    uri = metadata.get("jwks_uri")
    return uri if metadata.get("issuer") == issuer and isinstance(uri, str) else None
